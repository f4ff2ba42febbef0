package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// client is a user with a socket. After setup its loop's goroutine alone uses it.
type client struct {
	fleet *fleet
	loop  *loop
	node  int // which of the servers it uses
	user  string
	token string
	room  *chatRoom

	socket  *socket // nil while there is none
	arrival *arrival
	pending pending

	ears   []heard // by the slots of its room's streams
	order  uint64  // a fingerprint of what it has heard, in its order
	cursor cursor
	caught bool   // it has heard what it had missed
	seq    string // the server's number of the last message that it heard; of mixed
}

// cursor is where a client stands, for one that comes back.
type cursor struct {
	pid    string
	offset []byte
	lost   bool // the server did not know it any more
}

// arrival is what a client does on its way in: it says who it is, and then its commands, one after another.
type arrival struct {
	steps []step
	done  chan<- error
}

type step struct{ event, data string }

func createRoom(id string) step {
	return step{"create-room", fmt.Sprintf(`{"id":%q,"name":%q,"type":"public"}`, id, id)}
}

func joinRoom(id string) step { return step{"join-room", roomRef(id)} }

func roomRef(id string) string { return fmt.Sprintf(`{"roomId":%q}`, id) }

// arriveWithin is how long it may take to come in.
const arriveWithin = 60 * time.Second

// arrive connects and returns when the last step was answered.
func (c *client) arrive(ctx context.Context, steps ...step) error {
	ctx, cancel := context.WithTimeout(ctx, arriveWithin)
	defer cancel()
	conn, err := c.fleet.dial(ctx, c)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	c.loop.do(func() { c.begin(conn, &arrival{steps, done}) })
	select {
	case err = <-done:
	case <-c.loop.done:
		err = fmt.Errorf("the generator's loop has ended: %w", c.loop.err)
	case <-ctx.Done():
		c.loop.call(c.leave)
		err = context.Cause(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("the server does not answer in time")
		}
	}
	if err != nil {
		return fmt.Errorf("%s comes in: %w", c.user, err)
	}
	return nil
}

func (c *client) begin(conn *net.TCPConn, a *arrival) {
	c.arrival = a
	c.pending = pending{}
	socket, err := c.loop.open(conn, c, c.fleet.servers[c.node].request)
	if err != nil {
		c.arrived(err)
		return
	}
	c.socket = socket
}

// arrived tells who waits for it.
func (c *client) arrived(err error) {
	if c.arrival == nil {
		return
	}
	c.arrival.done <- err
	c.arrival = nil
	if err == nil && c.room != nil {
		c.room.present.Add(1)
	}
}

// leave closes the connection as one that breaks.
func (c *client) leave() {
	if c.socket == nil {
		return
	}
	c.socket.close()
	c.gone()
}

func (c *client) gone() {
	c.socket = nil
	if c.arrival == nil && c.room != nil {
		c.room.present.Add(-1)
	}
	c.arrival = nil
}

// connected implements receiver.
func (c *client) connected() {
	if !c.fleet.door.greets {
		c.hello()
	}
}

// hello says who the client is, and where it stands if it comes back.
func (c *client) hello() {
	auth := map[string]any{"token": c.token}
	if c.fleet.keepsCursors {
		c.cursor.describe(auth, c)
	}
	text, err := json.Marshal(auth)
	if err != nil {
		c.socket.fail(err)
		return
	}
	c.socket.text(c.fleet.door.hello(string(text)))
}

// describe adds where the client stands to what it says of itself: to Socket.IO in the words of its connection state
// recovery, to the plain door in its own.
func (k *cursor) describe(auth map[string]any, c *client) {
	if c.fleet.door.name == DoorSocketIO {
		auth["recovery"] = true
		if k.pid != "" {
			auth["pid"] = k.pid
		}
	} else if len(k.offset) > 0 {
		auth["rooms"] = []string{c.room.id}
	}
	if len(k.offset) > 0 {
		auth["offset"] = string(k.offset)
	}
}

// packet implements receiver.
func (c *client) packet(p []byte, now int64) {
	switch c.fleet.door.of(p) {
	case delivery:
		c.delivered(p, now)
	case answer:
		c.answered(p, now)
	case ping:
		c.socket.text("3")
	case open:
		c.hello()
	case welcome:
		c.welcomed(p)
	case refusal:
		c.socket.fail(refusedError(code(p)))
	case other:
		c.noteCursor(p)
	}
}

// refusedError is the code with which a server refuses something.
type refusedError string

func (e refusedError) Error() string {
	switch e {
	case "TOO_MANY_CONNECTIONS":
		return "refused with " + string(e) + ": SOCKET_MAX_CONNECTIONS_PER_IP=0 switches the limit off"
	case "INVALID_USER":
		return "refused with " + string(e) + ": AUTO_PROVISION=true registers new users"
	default:
		return "refused with " + string(e)
	}
}

// welcomed goes on with the first step. Who was recovered is in its rooms again.
func (c *client) welcomed(p []byte) {
	if c.fleet.keepsCursors {
		pid := Member(p, "pid")
		recovered := c.fleet.door.name == DoorPlain && len(c.cursor.offset) > 0 || c.cursor.pid != "" && c.cursor.pid == pid
		c.cursor.lost = !recovered
		c.cursor.pid = pid
		if c.fleet.door.name == DoorPlain && len(c.cursor.offset) == 0 {
			c.noteCursor(p)
		}
		if recovered {
			c.arrived(nil)
			return
		}
	}
	c.proceed()
}

// proceed takes the next step in.
func (c *client) proceed() {
	a := c.arrival
	if a == nil {
		return
	}
	if len(a.steps) == 0 {
		c.arrived(nil)
		return
	}
	next := a.steps[0]
	a.steps = a.steps[1:]
	c.command(next, c.loop.now())
}

// command sends a command that was to be sent at a time.
func (c *client) command(s step, at int64) {
	ack := c.pending.add(command{kind: s.event, at: at})
	c.socket.text(c.fleet.door.command(ack, s.event, s.data))
}

// answered takes an answer to a command.
func (c *client) answered(p []byte, now int64) {
	ack, ok, err := c.fleet.door.parseAck(p)
	if err != nil {
		c.socket.fail(err)
		return
	}
	cmd, known := c.pending.take(ack)
	switch {
	case !known:
		c.loop.tally.strange++
		return
	case ok && c.arrival == nil:
		c.loop.tally.answered(cmd, now)
	case ok:
		c.proceed()
		return
	case c.arrival != nil && cmd.kind == "create-room" && code(p) == "ROOM_EXISTS":
		c.proceed()
		return
	case c.arrival != nil:
		c.socket.fail(fmt.Errorf("%s: %w", cmd.kind, refusedError(code(p))))
		return
	default:
		c.loop.tally.errors[code(p)]++
	}
	if cmd.stream != nil {
		c.sent(cmd, ok)
	}
}

// disconnected implements receiver.
func (c *client) disconnected(err error) {
	if c.arrival == nil {
		c.loop.tally.disconnected++
		c.loop.tally.errors["DISCONNECTED"]++
		c.giveUp()
	} else {
		c.arrival.done <- err
	}
	c.gone()
}

// giveUp counts the commands that are not answered any more.
func (c *client) giveUp() {
	if n := c.pending.len(); n > 0 {
		c.loop.tally.errors["NO_ACK"] += int64(n)
	}
	c.pending = pending{}
}

// delivered takes a new message.
func (c *client) delivered(p []byte, now int64) {
	t := c.loop.tally
	m, ok := findMark(p)
	if !ok || int(m.stream) >= len(c.fleet.streams) || c.fleet.streams[m.stream].room != c.room {
		t.strange++
		return
	}
	s := c.fleet.streams[m.stream]
	t.delivered(m.at, now, s.sender.node != c.node)
	t.judge(c.ears[s.slot].take(m.number))
	c.order = (c.order ^ (uint64(m.stream)<<32 | uint64(m.number))) * 0x100000001b3
	if c.fleet.keepsCursors {
		c.noteCursor(p)
	}
	if c.fleet.onMessage != nil {
		c.fleet.onMessage(c, p, now)
	}
	if c.fleet.byDelivery && s.landed(m.number) {
		s.more(c.loop)
	}
}

// noteCursor keeps where the client stands after a packet that says it.
func (c *client) noteCursor(p []byte) {
	if !c.fleet.keepsCursors {
		return
	}
	if c.fleet.door.name == DoorSocketIO {
		if offset := lastString(p); len(offset) > 0 {
			c.cursor.offset = append(c.cursor.offset[:0], offset...)
		}
	} else if i := bytes.LastIndex(p, []byte(`"position":"`)); i >= 0 {
		c.cursor.offset = append(c.cursor.offset[:0], Member(p[i:], "position")...)
	}
}
