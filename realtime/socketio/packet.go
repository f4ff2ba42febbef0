package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// PacketType is the digit that a packet begins with.
type PacketType byte

// The packet types of protocol revision 5.
const (
	Connect PacketType = iota
	Disconnect
	EventPacket
	Ack
	ConnectErrorPacket
	BinaryEvent
	BinaryAck
)

// Binary says whether attachments follow packets of this type.
func (t PacketType) Binary() bool { return t == BinaryEvent || t == BinaryAck }

// Packet is one decoded packet, without its attachments.
type Packet struct {
	Type        PacketType
	Attachments int    // how many follow
	Namespace   string // "/" when the packet names none
	ID          string // ack id, 1 to 18 digits, or ""
	Name        string // of events
	// Args are the arguments of events, without the name, and of acks.
	Args []json.RawMessage
	// Object is the JSON object of CONNECT and CONNECT_ERROR, or nil.
	Object json.RawMessage
}

const maxAckID = 18 // digits; the protocol sets no limit

// ParsePacket decodes the payload of one text message, valid UTF-8. Args and Object alias
// text. Every error is ErrPacket and names the rule that was broken.
func ParsePacket(text []byte, limits Limits) (Packet, error) {
	d := decoder{text: text, limits: limits.withDefaults()}
	return d.packet()
}

type decoder struct {
	text   []byte // what is left
	limits Limits
}

func malformed(rule string) (Packet, error) { return Packet{}, fmt.Errorf("%w: %s", ErrPacket, rule) }

func (d *decoder) packet() (Packet, error) {
	if len(d.text) == 0 || d.text[0] < '0' || d.text[0] > '6' {
		return malformed("unknown type")
	}
	p := Packet{Type: PacketType(d.text[0] - '0')}
	d.text = d.text[1:]
	if p.Type.Binary() && !d.attachments(&p) {
		return malformed("illegal attachments")
	}
	if !d.namespace(&p) {
		return malformed("namespace too long")
	}
	if !d.id(&p) {
		return malformed("ack id too long")
	}
	switch p.Type {
	case EventPacket, BinaryEvent:
		return d.event(p)
	case Ack, BinaryAck:
		return d.ack(p)
	default:
		return d.control(p)
	}
}

func (d *decoder) attachments(p *Packet) bool {
	digits, rest, found := bytes.Cut(d.text, []byte("-"))
	if !found || len(digits) == 0 || len(digits) > 4 || digits[0] == '0' {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
		p.Attachments = p.Attachments*10 + int(c-'0')
	}
	d.text = rest
	return p.Attachments <= d.limits.MaxAttachments
}

func (d *decoder) namespace(p *Packet) bool {
	if len(d.text) == 0 || d.text[0] != '/' {
		p.Namespace = "/"
		return true
	}
	name, rest, _ := bytes.Cut(d.text, []byte(","))
	if len(name) > d.limits.MaxNamespace {
		return false
	}
	d.text = rest
	p.Namespace = string(name)
	return true
}

func (d *decoder) id(p *Packet) bool {
	n := 0
	for n < len(d.text) && d.text[n] >= '0' && d.text[n] <= '9' {
		n++
	}
	if n > maxAckID {
		return false
	}
	if n > 0 {
		p.ID = string(d.text[:n])
		d.text = d.text[n:]
	}
	return true
}

func (d *decoder) event(p Packet) (Packet, error) {
	// One more than MaxArgs: the name is the first element.
	s := d.scan(p.Attachments)
	args, ok := s.elements(d.limits.MaxArgs + 1)
	if !ok || len(args) == 0 {
		return malformed("payload is not an array of at least one")
	}
	if p.Name, ok = d.name(args[0]); !ok {
		return malformed("illegal event name")
	}
	p.Args = args[1:]
	return p, nil
}

func (d *decoder) name(raw json.RawMessage) (name string, ok bool) {
	if raw[0] != '"' || len(raw) > d.limits.MaxEventName*6+2 {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		name = string(raw[1 : len(raw)-1])
	} else if name, ok = unquote(raw); !ok {
		return "", false
	}
	return name, len(name) <= d.limits.MaxEventName && !reserved(name)
}

// unquote is apart from name so that the common name without escapes costs one
// allocation less.
func unquote(raw json.RawMessage) (s string, ok bool) {
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// reserved names are events that clients and servers raise by themselves.
func reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	default:
		return false
	}
}

func (d *decoder) ack(p Packet) (Packet, error) {
	s := d.scan(p.Attachments)
	args, ok := s.elements(d.limits.MaxArgs)
	if !ok {
		return malformed("payload is not an array")
	}
	p.Args = args
	return p, nil
}

// control reads what is left of CONNECT, CONNECT_ERROR and DISCONNECT.
func (d *decoder) control(p Packet) (Packet, error) {
	if p.ID != "" {
		return malformed("ack id out of place")
	}
	if len(d.text) == 0 {
		return p, nil
	}
	s := d.scan(0)
	if p.Type == Disconnect || s.peek() != '{' || !s.value(0) || !s.end() {
		return malformed("payload is not an object")
	}
	p.Object = json.RawMessage(slices.Clip(d.text))
	return p, nil
}

func (d *decoder) scan(attachments int) scanner {
	return scanner{data: d.text, maxDepth: d.limits.MaxJSONDepth, attachments: attachments}
}

// AppendText appends the encoded packet to dst. It is the inverse of
// ParsePacket, up to white space between arguments.
func (p Packet) AppendText(dst []byte) []byte {
	dst = appendHead(dst, p.Type, p.Attachments, p.Namespace)
	dst = append(dst, p.ID...)
	switch p.Type {
	case EventPacket, BinaryEvent:
		return appendRawEvent(dst, p.Name, p.Args)
	case Ack, BinaryAck:
		return appendRawArray(append(dst, '['), p.Args)
	default:
		return append(dst, p.Object...)
	}
}

func appendHead(dst []byte, t PacketType, attachments int, namespace string) []byte {
	dst = append(dst, '0'+byte(t))
	if t.Binary() {
		dst = append(strconv.AppendInt(dst, int64(attachments), 10), '-')
	}
	if namespace != "/" {
		dst = append(append(dst, namespace...), ',')
	}
	return dst
}
