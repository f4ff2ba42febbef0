package projections

import (
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
)

// scanner reads the rows of one query into the same targets. What pages are mostly made of it decodes itself, from the
// binary format, which pgx does at several times the cost; whatever else a column or a target is, pgx reads it.
type scanner struct {
	rows    pgx.Rows
	targets []any
	// plain says that the targets are of the types that are decoded here; it is known with the first row.
	plain, known bool
}

// next reads the row that the rows are at.
func (s *scanner) next() error {
	if !s.known {
		s.plain, s.known = plain(s.rows.FieldDescriptions(), s.targets), true
	}
	if !s.plain {
		return s.rows.Scan(s.targets...)
	}
	for i, value := range s.rows.RawValues() {
		decode(s.targets[i], value)
	}
	return nil
}

// plain tells whether decode reads these columns into these targets.
func plain(columns []pgconn.FieldDescription, targets []any) bool {
	if len(columns) != len(targets) {
		return false
	}
	for i, c := range columns {
		binaryForm := c.Format == pgx.BinaryFormatCode
		fits := false
		switch targets[i].(type) {
		case *int64, *zeronull.Int8:
			fits = binaryForm && c.DataTypeOID == pgtype.Int8OID
		case *zeronull.Int4:
			fits = binaryForm && c.DataTypeOID == pgtype.Int4OID
		case *zeronull.Text:
			fits = c.DataTypeOID == pgtype.TextOID // the same in both forms
		case *zeronull.Timestamptz:
			fits = binaryForm && c.DataTypeOID == pgtype.TimestamptzOID
		case *zeronull.UUID:
			fits = binaryForm && c.DataTypeOID == pgtype.UUIDOID
		case *pgtype.Bool:
			fits = binaryForm && c.DataTypeOID == pgtype.BoolOID
		case *json.RawMessage:
			fits = c.DataTypeOID == pgtype.JSONOID // the same in both forms
		}
		if !fits {
			return false
		}
	}
	return true
}

// decode reads one value; nil is NULL.
func decode(target any, value []byte) {
	switch t := target.(type) {
	case *int64:
		*t = number(value)
	case *zeronull.Int8:
		*t = zeronull.Int8(number(value))
	case *zeronull.Int4:
		*t = 0
		if value != nil {
			*t = zeronull.Int4(binary.BigEndian.Uint32(value))
		}
	case *zeronull.Text:
		if string(*t) != string(value) { // often it is what the row before had
			*t = zeronull.Text(value)
		}
	case *zeronull.Timestamptz:
		*t = zeronull.Timestamptz{}
		if value != nil {
			*t = zeronull.Timestamptz(time.UnixMicro(postgresEpoch + number(value))) // views have no infinity
		}
	case *zeronull.UUID:
		*t = zeronull.UUID{}
		copy(t[:], value)
	case *pgtype.Bool:
		*t = pgtype.Bool{Valid: value != nil, Bool: len(value) > 0 && value[0] != 0}
	case *json.RawMessage:
		*t = nil
		if value != nil {
			*t = append(json.RawMessage{}, value...) // pgx uses the memory again
		}
	}
}

// postgresEpoch is 2000-01-01, from which Postgres counts microseconds, in those of Unix.
const postgresEpoch = 946_684_800_000_000

func number(value []byte) int64 {
	if value == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}
