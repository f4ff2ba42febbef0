package trace

import (
	"encoding/binary"
	"errors"

	"parley/domain/event"
)

// chunk is what a node has marked in about a second.
type chunk struct {
	node  string
	views []string
	marks []mark
}

const chunkVersion = 1

// encode writes small numbers: differences to the least position and the first time.
func (c chunk) encode() []byte {
	first := c.marks[0]
	for _, m := range c.marks {
		first.from, first.at = min(first.from, m.from), min(first.at, m.at)
	}
	b := []byte{chunkVersion}
	b = appendText(b, c.node)
	b = binary.AppendUvarint(b, uint64(len(c.views)))
	for _, name := range c.views {
		b = appendText(b, name)
	}
	b = binary.AppendUvarint(b, uint64(first.from))
	b = binary.AppendVarint(b, first.at)
	b = binary.AppendUvarint(b, uint64(len(c.marks)))
	for _, m := range c.marks {
		b = append(b, byte(m.stage), m.view)
		b = binary.AppendUvarint(b, uint64(m.from-first.from))
		b = binary.AppendUvarint(b, uint64(m.to-m.from))
		b = binary.AppendUvarint(b, uint64(m.at-first.at))
		b = binary.AppendUvarint(b, uint64(m.sockets))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errChunk = errors.New("not the marks of a node")

func decodeChunk(b []byte) (chunk, error) {
	r := chunkReader{rest: b}
	if r.byte() != chunkVersion {
		return chunk{}, errChunk
	}
	c := chunk{node: r.text()}
	for range r.count() {
		c.views = append(c.views, r.text())
	}
	from, at := event.Position(r.number()), r.signed()
	for range r.count() {
		m := mark{stage: stage(r.byte()), view: r.byte()}
		m.from = from + event.Position(r.number())
		m.to = m.from + event.Position(r.number())
		m.at = at + int64(r.number())
		m.sockets = uint32(r.number())
		if m.stage == applied && int(m.view) >= len(c.views) {
			return chunk{}, errChunk
		}
		c.marks = append(c.marks, m)
	}
	if r.failed || len(r.rest) > 0 {
		return chunk{}, errChunk
	}
	return c, nil
}

// chunkReader reads zeros after a failure.
type chunkReader struct {
	rest   []byte
	failed bool
}

func (r *chunkReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *chunkReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// unread is a size that take refuses.
const unread = -1

func (r *chunkReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		size = unread
	}
	r.take(size)
	return n
}

func (r *chunkReader) signed() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		size = unread
	}
	r.take(size)
	return n
}

// count is of things that take a byte each at least.
func (r *chunkReader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *chunkReader) text() string { return string(r.take(r.count())) }
