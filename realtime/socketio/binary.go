package socketio

import (
	"sync/atomic"

	"parley/realtime/engineio"
)

// partial is a binary packet whose attachments have not all arrived.
type partial struct {
	conn   *conn
	packet Packet
	got    [][]byte
	bytes  int
	timer  engineio.Timer
	over   atomic.Bool
}

func (c *conn) collect(p Packet) {
	c.partial = &partial{conn: c, packet: p, got: make([][]byte, 0, p.Attachments)}
	c.session.Server().Schedule(&c.partial.timer, c.server.cfg.AttachmentTimeout, c.partial)
}

// attachment takes one binary message.
func (c *conn) attachment(data []byte) {
	p := c.partial
	if p == nil {
		c.reject(engineio.ForcedClose, "attachment without a packet")
		return
	}
	p.got = append(p.got, data)
	if p.bytes += len(data); p.bytes > c.server.cfg.MaxAttachmentBytes {
		c.reject(engineio.ForcedClose, "attachments too large")
		return
	}
	if len(p.got) == p.packet.Attachments {
		p.finish()
		c.partial = nil
		c.dispatch(p.packet, p.got)
	}
}

func (p *partial) finish() {
	p.over.Store(true)
	p.conn.session.Server().Cancel(&p.timer)
}

// Expire implements engineio.Expirer: the attachments took too long.
func (p *partial) Expire() {
	if !p.over.Load() {
		p.conn.reject(engineio.ForcedClose, "attachments took too long")
	}
}
