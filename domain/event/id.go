package event

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 defines UUID version 5 by SHA-1; nothing is protected by it
	"encoding/hex"
	"fmt"
)

// ID is a UUID that names one event. Ids make appends idempotent: a second event of the
// same id is not stored, and its writer gets the first one's position.
type ID [16]byte

// namespace roots every derived id of ours. It is arbitrary and must never change.
var namespace = ID{0x6d, 0x1f, 0x0a, 0x52, 0x9c, 0x3e, 0x4b, 0x7a, 0x8e, 0x11, 0x70, 0x61, 0x72, 0x6c, 0x65, 0x79}

// DeriveID makes the id of something that must happen once, from the parts that make it
// unique (UUID version 5, RFC 9562 section 5.5). Equal parts give equal ids, and parts
// cannot run into each other: ("a","bc") and ("ab","c") differ.
func DeriveID(parts ...string) ID {
	h := sha1.New() //nolint:gosec // see the import
	h.Write(namespace[:])
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write([]byte(p))
	}
	var id ID
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the 36-character text form.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, fmt.Errorf("event id %q is not a UUID", s)
	}
	hexed := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(hexed)); err != nil {
		return ID{}, fmt.Errorf("event id %q is not a UUID", s)
	}
	return id, nil
}

// String is the 36-character text form.
func (id ID) String() string { return string(id.append(make([]byte, 0, 36))) }

func (id ID) append(b []byte) []byte {
	b = append(hex.AppendEncode(b, id[0:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:16])
}

// IsZero reports whether the id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText makes an id a string in JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(b []byte) error {
	parsed, err := ParseID(string(b))
	*id = parsed
	return err
}
