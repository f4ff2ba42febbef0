// Package chain ties each event of the log to all events before it.
//
// The hash of an event is SHA-256 of these bytes, numbers big-endian and in two's complement:
//
//	hash of the event before  32 bytes, zeros for the first one
//	position                   8 bytes
//	version                    8 bytes
//	seq                        8 bytes
//	recorded_at                8 bytes, microseconds since 1970-01-01 UTC
//	id                        16 bytes
//	schema_version             2 bytes
//	stream                     4 bytes with its length in bytes, then its UTF-8
//	type                       likewise
//	subject                    likewise; no subject is the length 2^32-1 and nothing after it
//	digest of data            32 bytes, SHA-256 of the JSON as it is stored
//	digest of metadata        32 bytes, likewise
//
// So each field of each event is in its hash, no two events have the same bytes, and the last hash, once it is noted
// elsewhere, tells of every later change to any event before it. Because data and metadata are in it by their
// digests, both can be erased: the digests that they had are kept, and the chain still holds.
//
// It is a proof against who changes the past and does not know, or cannot change, what has been noted of it. Who
// writes to the database as they like can make a new chain from any point on; only a noted hash tells then.
package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"parley/domain/event"
)

// Size is that of a Hash, in bytes.
const Size = sha256.Size

// Hash is that of an event and all before it, or the digest of some bytes. The zero Hash stands before the first event.
type Hash [Size]byte

// Parse reads the hexadecimal form.
func Parse(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(Size) {
		return h, fmt.Errorf("%.80q is not a hash of %d hexadecimal digits", s, hex.EncodedLen(Size))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("%.80q is not a hash: %w", s, err)
	}
	return h, nil
}

// String is the hexadecimal form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Digest is SHA-256.
func Digest(b []byte) Hash { return sha256.Sum256(b) }

// Link is an event as the chain sees it.
type Link struct {
	Event *event.Recorded
	// Data and Metadata are the digests of what the event was recorded with.
	Data, Metadata Hash
}

// LinkOf is the link of an event that holds what it was recorded with.
func LinkOf(e *event.Recorded) Link {
	return Link{Event: e, Data: Digest(e.Data), Metadata: Digest(e.Metadata)}
}

// After is the hash of the event when before is that of the event before it.
func (l Link) After(before Hash) Hash {
	const usual = 512
	var room [usual]byte
	e := l.Event
	b := append(room[:0], before[:]...)
	b = appendNumber(b, int64(e.Position))
	b = appendNumber(b, e.Version)
	b = appendNumber(b, e.Seq)
	b = appendNumber(b, e.RecordedAt.UnixMicro())
	b = append(b, e.ID[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(e.SchemaVersion))
	b = appendText(b, string(e.Stream))
	b = appendText(b, e.Type)
	if e.Subject == "" {
		b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
	} else {
		b = appendText(b, e.Subject)
	}
	b = append(b, l.Data[:]...)
	b = append(b, l.Metadata[:]...)
	return sha256.Sum256(b)
}

func appendNumber(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
