package postgres

import (
	"encoding/binary"
	"time"
)

// Postgres' type numbers (pg_type.oid), fixed for ever.
const (
	oidInt2, oidInt8, oidText, oidJSON, oidUUID, oidTimestamptz, oidBytea = 21, 20, 25, 114, 2950, 1184, 17

	oidInt2s, oidInt8s, oidTexts, oidJSONs, oidUUIDs, oidByteas = 1005, 1016, 1009, 199, 2951, 1001
)

// array builds the binary form of a one-dimensional array in place:
//
//	dimensions int32 = 1, has nulls int32, element type int32, length int32, lower bound int32 = 1,
//	then for each element its size int32 (-1 for null) and its bytes
type array struct{ buf []byte }

const arrayHeader = 20

// newArray makes room for n elements that take about so many bytes together.
func newArray(elementOID uint32, n, bytes int) array {
	buf := make([]byte, 0, arrayHeader+4*n+bytes)
	buf = binary.BigEndian.AppendUint32(buf, 1)
	buf = binary.BigEndian.AppendUint32(buf, 1) // "may hold nulls" is always allowed
	buf = binary.BigEndian.AppendUint32(buf, elementOID)
	buf = binary.BigEndian.AppendUint32(buf, uint32(n))
	return array{binary.BigEndian.AppendUint32(buf, 1)}
}

func (a *array) bytes(b []byte) {
	a.buf = append(binary.BigEndian.AppendUint32(a.buf, uint32(len(b))), b...)
}

func (a *array) text(s string) {
	a.buf = append(binary.BigEndian.AppendUint32(a.buf, uint32(len(s))), s...)
}

func (a *array) textOrNull(s string) {
	if s == "" {
		a.buf = binary.BigEndian.AppendUint32(a.buf, 1<<32-1)
		return
	}
	a.text(s)
}

func (a *array) int8(n int64) {
	a.buf = appendInt8(binary.BigEndian.AppendUint32(a.buf, 8), n)
}

func (a *array) int2(n int) {
	a.buf = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(a.buf, 2), uint16(n))
}

func appendInt8(buf []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64(n))
}

func int8Param(n int64) []byte { return appendInt8(nil, n) }

func decodeInt8(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func decodeInt2(b []byte) int { return int(int16(binary.BigEndian.Uint16(b))) }

// postgresEpoch is 2000-01-01, which timestamptz counts microseconds from, in Unix microseconds.
const postgresEpoch = 946_684_800_000_000

func timeParam(t time.Time) []byte { return int8Param(t.UnixMicro() - postgresEpoch) }

func decodeTime(b []byte) time.Time { return time.UnixMicro(decodeInt8(b) + postgresEpoch).UTC() }
