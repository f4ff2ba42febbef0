package load

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// fleet is all that a run consists of.
type fleet struct {
	options Options
	once    string // in the keys of messages: another one each time
	door    *door
	servers []server
	dialers []net.Dialer
	epoch   time.Time
	loops   []*loop
	dialed  atomic.Uint32
	retries atomic.Int64 // connections that were tried again

	rooms   []*chatRoom
	clients []*client
	streams []*stream

	// What the scenario wants; set before anybody connects.
	byDelivery   bool // closed loops wait for deliveries, not for acks
	keepsCursors bool
	onMessage    func(c *client, packet []byte, now int64)
}

// server is one of the URLs.
type server struct {
	base    *url.URL
	addr    string
	request []byte // the upgrade
}

func defaultThreads() int { return max(1, runtime.NumCPU()/2) }

// randomName is no other run's.
func randomName() string {
	var name [3]byte
	_, _ = rand.Read(name[:]) // it never fails
	return hex.EncodeToString(name[:])
}

// newFleet makes clients and rooms; nobody is connected yet.
func newFleet(ctx context.Context, o Options) (f *fleet, err error) {
	f = &fleet{options: o, once: randomName(), door: doorNamed(o.Door, o.Path), epoch: time.Now()}
	for _, text := range o.URLs {
		if err := f.addServer(ctx, text); err != nil {
			return nil, err
		}
	}
	f.dialers = []net.Dialer{{KeepAlive: -1}}
	for i, source := range o.Sources {
		f.dialers = append(f.dialers[:i], net.Dialer{KeepAlive: -1, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}})
	}
	for i := range o.Threads {
		l, err := startLoop(i, f.epoch)
		if err != nil {
			f.close()
			return nil, err
		}
		f.loops = append(f.loops, l)
	}
	return f, f.populate()
}

// addServer finds out where a server is, once, and whether anybody is there.
func (f *fleet) addServer(ctx context.Context, text string) error {
	base, err := url.Parse(text)
	if err != nil {
		return err
	}
	host := base.Host
	if base.Port() == "" {
		host = net.JoinHostPort(base.Hostname(), "80")
	}
	dialer := net.Dialer{Timeout: arriveWithin}
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return fmt.Errorf("reach %s: %w", text, err)
	}
	f.servers = append(f.servers, server{base: base, addr: conn.RemoteAddr().String(), request: upgradeRequest(base, f.door.path)})
	return conn.Close()
}

func (f *fleet) close() {
	for _, l := range f.loops {
		l.stop()
	}
}

// populate makes the rooms and who is in them.
func (f *fleet) populate() error {
	now := time.Now()
	for i := range f.options.Clients / f.options.RoomSize {
		room := f.newRoom()
		for j := range f.options.RoomSize {
			c, err := f.newClient(i+j, now) // so that not all who speak, the first of a room, use one server
			if err != nil {
				return err
			}
			room.take(c)
			if j < f.options.Senders && f.options.Scenario != Reconnect {
				f.newStream(c)
			}
		}
	}
	return nil
}

func (f *fleet) newRoom() *chatRoom {
	room := &chatRoom{id: fmt.Sprintf("load-%s-%d", f.options.Name, len(f.rooms))}
	f.rooms = append(f.rooms, room)
	return room
}

// newClient makes a client, which uses the servers and loops in turn.
func (f *fleet) newClient(turn int, now time.Time) (*client, error) {
	c := &client{
		fleet: f, node: turn % len(f.servers), loop: f.loops[turn%len(f.loops)],
		user: fmt.Sprintf("load-%s-u%d", f.options.Name, len(f.clients)),
	}
	f.clients = append(f.clients, c)
	var err error
	c.token, err = f.options.token(c.user, now)
	return c, err
}

// take makes a client a member.
func (r *chatRoom) take(c *client) {
	c.room, c.ears = r, make([]heard, c.fleet.options.Senders)
	r.members = append(r.members, c)
}

func (f *fleet) newStream(c *client) {
	s := &stream{index: uint32(len(f.streams)), slot: len(c.room.streams), room: c.room, sender: c}
	s.template = newTemplate(f.door, c.room.id, f.once, s.index, f.options.Size)
	if f.options.Rate == 0 {
		s.window = make([]flight, f.options.Outstanding)
	}
	c.room.streams = append(c.room.streams, s)
	f.streams = append(f.streams, s)
}

// dial opens a connection for a client.
func (f *fleet) dial(ctx context.Context, c *client) (*net.TCPConn, error) {
	var n uint32
	if len(f.dialers) > 1 {
		n = f.dialed.Add(1) % uint32(len(f.dialers))
	}
	conn, err := f.dialers[n].DialContext(ctx, "tcp", f.servers[c.node].addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.New("not a TCP connection")
	}
	return tcp, nil
}

// crowded is from how many members on a room is entered twice.
const crowded = 50

// enter brings everybody into their rooms. Who joins a room is told to all who are there: so that this is not what
// setup consists of, members of a large room first join it and go, a few at a time.
func (f *fleet) enter(ctx context.Context) error {
	if err := f.found(ctx); err != nil {
		return err
	}
	if f.options.RoomSize >= crowded {
		if err := f.enrol(ctx); err != nil {
			return err
		}
	}
	return f.each(ctx, "connect", f.clients, f.patiently(enterRoom))
}

func enterRoom(ctx context.Context, c *client) error { return c.arrive(ctx, joinRoom(c.room.id)) }

// found creates the rooms. Their founders leave the connection again.
func (f *fleet) found(ctx context.Context) error {
	if f.options.Known {
		return nil
	}
	founders := make([]*client, len(f.rooms))
	for i, room := range f.rooms {
		founders[i] = room.members[0]
	}
	return f.each(ctx, "create rooms", founders, f.patiently(func(ctx context.Context, c *client) error {
		defer c.loop.call(c.leave)
		return c.arrive(ctx, createRoom(c.room.id), joinRoom(c.room.id))
	}))
}

// enrol makes the clients members of their rooms, who go again at once.
func (f *fleet) enrol(ctx context.Context) error {
	if f.options.Known {
		return nil
	}
	return f.each(ctx, "enrol members", f.clients, f.patiently(func(ctx context.Context, c *client) error {
		defer c.loop.call(c.leave)
		return enterRoom(ctx, c)
	}))
}

// A client that a busy server turns away tries again, so often and after so long, and longer each time.
const (
	comeAgain = 10
	waitFirst = 100 * time.Millisecond
)

// patiently has a client try again when the server says so, or closes the connection, which says the same.
func (f *fleet) patiently(enter func(context.Context, *client) error) func(context.Context, *client) error {
	return func(ctx context.Context, c *client) error {
		err := enter(ctx, c)
		for try := 1; try <= comeAgain && temporary(err); try++ {
			if sleep(ctx, time.Duration(try)*waitFirst) != nil {
				return err
			}
			f.retries.Add(1)
			err = enter(ctx, c)
		}
		return err
	}
}

func temporary(err error) bool {
	return errors.Is(err, refusedError("UNAVAILABLE")) || errors.Is(err, errClosed)
}

// each does something for many clients, Concurrency at a time, and tells how far it is.
func (f *fleet) each(ctx context.Context, phase string, clients []*client, do func(context.Context, *client) error) error {
	var done atomic.Int64
	stop := f.report(func() Progress {
		return Progress{Phase: phase, Done: float64(done.Load()), Of: float64(len(clients)), Unit: "clients"}
	})
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(f.options.Concurrency)
	for _, c := range clients {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			defer done.Add(1)
			return do(ctx, c)
		})
	}
	return group.Wait()
}

// report tells the progress once a second, until it is stopped.
func (f *fleet) report(progress func() Progress) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f.options.Progress(progress())
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// all calls a function in each loop, one after another.
func (f *fleet) all(do func(*loop)) {
	for _, l := range f.loops {
		l.call(func() { do(l) })
	}
}

// of are the clients of a loop.
func (f *fleet) of(l *loop) func(func(*client) bool) {
	return func(yield func(*client) bool) {
		for _, c := range f.clients {
			if c.loop == l && !yield(c) {
				return
			}
		}
	}
}
