package socketio

import (
	"context"
	"math"
	"strconv"
	"time"

	"parley/realtime/engineio"
)

// pendingAck is an acknowledgement that the server waits for.
type pendingAck struct {
	socket *Socket
	id     int64
	timer  engineio.Timer
	done   func(Reply, error)
}

// Expire implements engineio.Expirer.
func (a *pendingAck) Expire() { a.socket.settle(a.id, Reply{}, ErrAckTimeout) }

// EmitAck emits an event and asks for an acknowledgement, within the given time
// (zero: Config.AckTimeout). If it returns nil, done is called exactly once: on
// the connection's reader goroutine with the reply or with ErrDisconnected, or
// on the goroutine of Run with ErrAckTimeout. done must not block. EmitAck
// returns ErrPendingAcks when too many are awaited, and the errors of Emit.
func (s *Socket) EmitAck(timeout time.Duration, done func(Reply, error), name string, args ...any) error {
	_, err := s.emitAck(timeout, done, name, args)
	return err
}

// Call emits an event and waits for its acknowledgement, for Config.AckTimeout
// or until ctx ends. It must not be called from Event or Connect, which keep the
// reply from being read.
func (s *Socket) Call(ctx context.Context, name string, args ...any) (Reply, error) {
	type result struct {
		reply Reply
		err   error
	}
	answer := make(chan result, 1)
	id, err := s.emitAck(0, func(r Reply, err error) { answer <- result{r, err} }, name, args)
	if err != nil {
		return Reply{}, err
	}
	select {
	case r := <-answer:
		return r.reply, r.err
	case <-ctx.Done():
		s.settle(id, Reply{}, ctx.Err())
		r := <-answer
		return r.reply, r.err
	}
}

func (s *Socket) emitAck(timeout time.Duration, done func(Reply, error), name string, args []any) (int64, error) {
	if timeout == 0 {
		timeout = s.conn.server.cfg.AckTimeout
	}
	a, err := s.expect(timeout, done)
	if err != nil {
		return 0, err
	}
	f, err := encode(packet{kind: EventPacket, namespace: s.namespace, name: name, id: a.id}, args)
	if err == nil {
		err = s.Send(f)
	}
	if err != nil && s.forget(a.id) == nil {
		return a.id, nil // done was called meanwhile
	}
	return a.id, err
}

// expect reserves an id. Ids stay below 2^31, which is all that some clients take.
func (s *Socket) expect(timeout time.Duration, done func(Reply, error)) (*pendingAck, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == left {
		return nil, ErrDisconnected
	}
	if len(s.acks) >= s.conn.server.cfg.MaxPendingAcks {
		return nil, ErrPendingAcks
	}
	if s.acks == nil {
		s.acks = make(map[int64]*pendingAck)
	}
	for s.acks[s.lastAck] != nil {
		s.lastAck = (s.lastAck + 1) & math.MaxInt32
	}
	a := &pendingAck{socket: s, id: s.lastAck, done: done}
	s.acks[a.id] = a
	s.lastAck = (s.lastAck + 1) & math.MaxInt32
	s.conn.session.Server().Schedule(&a.timer, timeout, a)
	return a, nil
}

// acked takes a client's ACK. Ids that nobody waits for are ignored.
func (s *Socket) acked(id string, reply Reply) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err == nil {
		s.settle(n, reply, nil)
	}
}

// settle calls back, once for each id.
func (s *Socket) settle(id int64, reply Reply, err error) {
	if a := s.forget(id); a != nil {
		a.done(reply, err)
	}
}

func (s *Socket) forget(id int64) *pendingAck {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.acks[id]
	if a != nil {
		delete(s.acks, id)
		s.conn.session.Server().Cancel(&a.timer)
	}
	return a
}

// failAcks tells everybody who waits that the socket is gone.
func (s *Socket) failAcks() {
	s.mu.Lock()
	acks := s.acks
	s.acks = nil
	s.mu.Unlock()
	for _, a := range acks {
		s.conn.session.Server().Cancel(&a.timer)
		s.conn.guard(func() { a.done(Reply{}, ErrDisconnected) })
	}
}
