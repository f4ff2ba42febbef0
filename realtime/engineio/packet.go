package engineio

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// PacketType is the digit that a text packet begins with.
type PacketType byte

// The packet types of protocol revision 4.
const (
	Open PacketType = iota
	Close
	Ping
	Pong
	Msg
	Upgrade
	Noop
)

// Packet is one decoded packet. A binary packet always has type Msg.
type Packet struct {
	Type   PacketType
	Binary bool
	Data   []byte
}

// ErrPacket is the error of ParsePacket.
var ErrPacket = errors.New("engineio: malformed packet")

// ParsePacket decodes the text form of a packet: a digit and a payload, or "b"
// and base64. Data aliases text unless it had to be decoded from base64.
func ParsePacket(text []byte) (Packet, error) {
	if len(text) == 0 {
		return Packet{}, fmt.Errorf("%w: empty", ErrPacket)
	}
	switch c := text[0]; {
	case c >= '0' && c <= '6':
		return Packet{Type: PacketType(c - '0'), Data: text[1:len(text):len(text)]}, nil
	case c == 'b':
		data, err := decodeBase64(text[1:])
		if err != nil {
			return Packet{}, fmt.Errorf("%w: bad base64", ErrPacket)
		}
		return Packet{Type: Msg, Binary: true, Data: data}, nil
	default:
		return Packet{}, fmt.Errorf("%w: unknown type", ErrPacket)
	}
}

// AppendText appends the text form of p to dst.
func (p Packet) AppendText(dst []byte) []byte {
	if p.Binary {
		return base64.StdEncoding.AppendEncode(append(dst, 'b'), p.Data)
	}
	return append(append(dst, '0'+byte(p.Type)), p.Data...)
}

// decodeBase64 takes the standard and the URL alphabet, padded or not: clients
// differ. Line breaks, which encoding/base64 would skip, are refused.
func decodeBase64(text []byte) ([]byte, error) {
	s := string(text)
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrPacket
	}
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	if len(s)%4 == 0 {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	}
	return enc.DecodeString(s)
}
