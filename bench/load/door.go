package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// door is a way into the server: how a client says who it is and what it wants, and what a packet means. Packets are
// told apart by their first bytes; none is decoded.
type door struct {
	name string
	path string // of the request that opens the connection
	// hello is what a client says first, with its options as a JSON object.
	hello func(auth string) string
	// greets: the server speaks first, and hello answers it.
	greets  bool
	command func(ack uint32, event, data string) string
	kind    func(packet []byte) kind

	push, ack []byte // how a new message and an answer begin
}

// kind is what a packet is about.
type kind int

const (
	other    kind = iota
	delivery      // a new message
	answer        // an answer to a command
	open          // the connection is open
	welcome       // the client is in
	refusal       // it is not, or no longer
	ping          // wants pong
)

// Names of the doors.
const (
	DoorSocketIO = "socketio"
	DoorPlain    = "ws"
)

// doorNamed returns nil if there is none of that name. path is where Socket.IO is served.
func doorNamed(name, path string) *door {
	switch name {
	case DoorSocketIO:
		return &door{
			name: name, path: path + "/?EIO=4&transport=websocket", greets: true, kind: socketIOKind,
			push: []byte(`42["new-message",`), ack: []byte("43"),
			hello: func(auth string) string { return "40" + auth },
			command: func(ack uint32, event, data string) string {
				return fmt.Sprintf(`42%d[%q,%s]`, ack, event, data)
			},
		}
	case DoorPlain:
		return &door{
			name: name, path: "/ws", kind: plainKind,
			push: []byte(`{"event":"new-message",`), ack: []byte(`{"id":`),
			hello: func(auth string) string {
				return fmt.Sprintf(`{"id":0,"event":"authenticate","data":%s}`, auth)
			},
			command: func(ack uint32, event, data string) string {
				return fmt.Sprintf(`{"id":%d,"event":%q,"data":%s}`, ack, event, data)
			},
		}
	default:
		return nil
	}
}

// of says what a packet is about: most are pushes.
func (d *door) of(packet []byte) kind {
	switch {
	case bytes.HasPrefix(packet, d.push):
		return delivery
	case bytes.HasPrefix(packet, d.ack) && !bytes.HasPrefix(packet, plainWelcome):
		return answer
	default:
		return d.kind(packet)
	}
}

func socketIOKind(packet []byte) kind {
	switch {
	case len(packet) == 1 && packet[0] == '2':
		return ping
	case bytes.HasPrefix(packet, []byte("0{")):
		return open
	case bytes.HasPrefix(packet, []byte("40")):
		return welcome
	case bytes.HasPrefix(packet, []byte("41")), bytes.HasPrefix(packet, []byte("44")):
		return refusal
	default:
		return other
	}
}

var (
	plainWelcome = []byte(`{"id":0,`)
	plainRefused = []byte(`{"id":0,"success":false`)
)

func plainKind(packet []byte) kind {
	switch {
	case bytes.HasPrefix(packet, plainRefused):
		return refusal
	case bytes.HasPrefix(packet, plainWelcome):
		return welcome
	default:
		return other
	}
}

var errNoAck = errors.New("an answer without a number")

// parseAck reads the number of an answer, and whether it is of success.
func (d *door) parseAck(packet []byte) (ack uint32, ok bool, err error) {
	rest := packet[len(d.ack):]
	digits := 0
	for digits < len(rest) && digits <= ackDigits && rest[digits] >= '0' && rest[digits] <= '9' {
		ack = ack*10 + uint32(rest[digits]-'0')
		digits++
	}
	if digits != ackDigits {
		return 0, false, errNoAck
	}
	rest = rest[digits:]
	return ack, bytes.Contains(rest[:min(len(rest), 32)], success), nil
}

var success = []byte(`"success":true`)

// Member is the value of the first string or number of that name in a packet, "" if there is none.
func Member(packet []byte, name string) string {
	_, rest, found := bytes.Cut(packet, []byte(`"`+name+`":`))
	if !found {
		return ""
	}
	rest = bytes.TrimPrefix(rest, []byte(`"`))
	end := bytes.IndexAny(rest, `",}]`)
	return string(rest[:max(end, 0)])
}

// lastString is the last argument of an event if it is a string: the offset that a server with connection state
// recovery adds. It aliases the packet.
func lastString(packet []byte) []byte {
	text, ok := bytes.CutSuffix(packet, []byte(`"]`))
	if !ok {
		return nil
	}
	i := bytes.LastIndexByte(text, '"')
	if i < 1 || text[i-1] != ',' {
		return nil
	}
	return text[i+1:]
}

// code is the code of a refusal, or what is nearest to one.
func code(packet []byte) string {
	if c := Member(packet, "code"); c != "" && !isNumber(c) {
		return c
	}
	return "REFUSED"
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
