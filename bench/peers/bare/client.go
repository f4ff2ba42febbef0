package main

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/gorilla/websocket"
)

// maxWaiting is how far a connection may fall behind before it is cut.
const maxWaiting = 8 << 20

// buffers are for what waits, so that a quiet connection has none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// client is a connection.
type client struct {
	ws    *websocket.Conn
	rooms []*room // known to its reader alone

	mu      sync.Mutex
	waiting *[]byte
	writing bool
}

func newClient(ws *websocket.Conn) *client { return &client{ws: ws} }

// write queues a frame. A goroutine that writes is there only as long as something waits, and takes all of that at once.
func (c *client) write(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = buffers.Get().(*[]byte) //nolint:errcheck,forcetypeassert // nothing else is put there
	}
	if len(*c.waiting) > maxWaiting {
		_ = c.ws.NetConn().Close()
		return
	}
	*c.waiting = append(*c.waiting, frame...)
	if !c.writing {
		c.writing = true
		go c.flush()
	}
}

func (c *client) flush() {
	for {
		c.mu.Lock()
		out := c.waiting
		c.waiting = nil
		if out == nil {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		_, err := c.ws.NetConn().Write(*out) // the reader sees the error too, and ends the connection
		*out = (*out)[:0]
		buffers.Put(out)
		if err != nil {
			return
		}
	}
}

// room is those who hear the same.
type room struct {
	mu      sync.Mutex
	seq     int64
	members []*client
}

func (r *room) join(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.members, c) {
		r.members = append(r.members, c)
	}
}

func (r *room) leave(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.members, c); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
	}
}

// tell gives all members the frame that encode makes of the next number: one order for all.
func (r *room) tell(encode func(seq int64) []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	frame := encode(r.seq)
	for _, c := range r.members {
		c.write(frame)
	}
}

// frame is a packet as a server's text frame.
func frame(packet []byte) []byte {
	const finalText, bits16, bits64 = 0x81, 126, 127
	out := make([]byte, 0, len(packet)+10)
	switch n := len(packet); {
	case n < bits16:
		out = append(out, finalText, byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, finalText, bits16), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, finalText, bits64), uint64(n))
	}
	return append(out, packet...)
}
