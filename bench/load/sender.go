package load

import "time"

// stalled is after how long a closed loop gives up what it waits for, and goes on.
const stalled = int64(5 * time.Second)

// send sends the stream's next message, which was to be sent at a time.
func (s *stream) send(at int64) {
	c := s.sender
	number := s.sent
	s.sent++
	if c.loop.tally.measures(at) {
		c.loop.tally.sent++
	}
	ack := c.pending.add(command{kind: sendMessage, at: at, stream: s, number: number})
	c.socket.write(s.template.message(ack, mark{stream: s.index, number: number, at: at}))
}

const sendMessage = "send-message"

// ready says whether the sender can say something.
func (s *stream) ready() bool { return s.sender.socket != nil && !s.sender.pending.full() }

// fill sends as many messages as a closed loop may. Only the sender's loop calls it.
func (s *stream) fill() {
	c := s.sender
	for c.loop.sending && s.ready() && s.free() {
		left := int32(1)
		if c.fleet.byDelivery {
			left = c.room.present.Load()
		}
		now := c.loop.now()
		s.moved = now
		s.launch(left)
		s.send(now)
	}
}

// more fills the stream, called by any loop.
func (s *stream) more(by *loop) {
	if s.sender.loop == by {
		s.fill()
	} else {
		s.sender.loop.do(s.fill)
	}
}

// sent takes the answer to a message.
func (c *client) sent(cmd command, ok bool) {
	s := cmd.stream
	if ok {
		s.stored.add(cmd.number)
	}
	switch {
	case s.window == nil: // an open loop
	case ok && !c.fleet.byDelivery && s.landed(cmd.number):
		s.fill()
	case !ok: // who is refused waits for revive
		s.window[int(cmd.number)%len(s.window)].left.Store(0)
	}
}

// revive goes on with streams of the loop that were refused, or whose messages do not come back.
func (l *loop) revive(streams []*stream) {
	now := l.now()
	for _, s := range streams {
		if s.sender.loop != l || s.window == nil {
			continue
		}
		if l.sending && !s.free() && now-s.moved > stalled {
			for i := range s.window {
				s.window[i].left.Store(0)
			}
		}
		s.fill()
	}
}
