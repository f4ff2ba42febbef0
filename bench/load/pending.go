package load

// pending are the commands of a client that are not answered yet, in a ring that grows. The ack id of a command is
// firstAck and its number among the client's commands.
type pending struct {
	ring        []command // its length is a power of two, or 0
	first, next uint32
}

// command is one that waits for its answer.
type command struct {
	kind    string // the event's name
	at      int64  // when it was to be sent
	stream  *stream
	number  uint32 // of the message, if it is one
	waiting bool
}

// maxPending is how many there may be of one client.
const maxPending = 4096

func (p *pending) full() bool { return p.next-p.first >= maxPending }

func (p *pending) len() (n int) {
	for i := p.first; i != p.next; i++ {
		if p.at(i).waiting {
			n++
		}
	}
	return n
}

func (p *pending) at(i uint32) *command { return &p.ring[int(i)&(len(p.ring)-1)] }

// add notes a command and returns its ack id. There is room for it: see full.
func (p *pending) add(c command) (ack uint32) {
	if int(p.next-p.first) == len(p.ring) {
		p.grow()
	}
	c.waiting = true
	*p.at(p.next) = c
	p.next++
	return firstAck + p.next - 1
}

func (p *pending) grow() {
	larger := pending{ring: make([]command, max(4, 2*len(p.ring)))}
	for i := p.first; i != p.next; i++ {
		*larger.at(i) = *p.at(i)
	}
	p.ring = larger.ring
}

// take returns the command with that ack id, unless it was answered before or never sent.
func (p *pending) take(ack uint32) (c command, ok bool) {
	i := ack - firstAck
	if i-p.first >= p.next-p.first || !p.at(i).waiting {
		return c, false
	}
	c = *p.at(i)
	p.at(i).waiting = false
	for p.first != p.next && !p.at(p.first).waiting {
		p.first++
	}
	return c, true
}
