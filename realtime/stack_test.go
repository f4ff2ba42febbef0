package realtime_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/realtime"
	"parley/realtime/engineio"
	"parley/realtime/gateway"
	"parley/realtime/hub"
	"parley/realtime/recovery"
	"parley/realtime/socketio"
)

// tail follows a log in memory.
type tail struct {
	log eventstore.Reader

	mu   sync.Mutex
	grew chan struct{} // closed and replaced with each commit
}

func newTail() *tail { return &tail{grew: make(chan struct{})} }

func (f *tail) committed([]event.Recorded) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.grew)
	f.grew = make(chan struct{})
}

func (f *tail) more() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.grew
}

// Follow implements eventstore.Follower.
func (f *tail) Follow(
	ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error,
) error {
	for {
		more := f.more()
		batch, err := f.log.All(ctx, after, 0)
		if err != nil {
			return nil //nolint:nilerr // the context has ended
		}
		if len(batch) > 0 {
			after = batch[len(batch)-1].Position
			if err := handle(ctx, batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// stack is a node: everything from the log to the sockets.
type stack struct {
	log     *memory.Node
	tail    *tail
	menu    *commands.Commands
	hub     *hub.Hub
	gateway *gateway.Gateway
	server  *socketio.Server
	url     string
}

// fill makes the commands of a node, and what runs beside them.
type fill func(eventstore.Log, eventstore.Follower) (menu *commands.Commands, run func(context.Context) error)

// start runs a node until the test ends.
func start(t testing.TB, with fill, cfg gateway.Config) *stack {
	t.Helper()
	follower := newTail()
	log := memory.New(memory.Config{OnCommit: follower.committed})
	follower.log = log
	return run(t, log, follower, with, cfg)
}

// second runs another node on the same log.
func (s *stack) second(t testing.TB, with fill, cfg gateway.Config) *stack {
	t.Helper()
	return run(t, s.log.Node(s.tail.committed), s.tail, with, cfg)
}

func run(t testing.TB, log *memory.Node, follower *tail, with fill, cfg gateway.Config) *stack {
	t.Helper()
	menu, background := with(log, follower)
	// Nobody is too slow here: the log in memory is faster than a client on a busy machine reads.
	const patient = 1 << 20
	h := hub.New(hub.Config{MaxHeld: patient})
	ring := recovery.NewRing(recovery.RingConfig{Facts: 64}) // few, so that the log is read as well
	projector := realtime.NewProjector(log, follower, h, ring, nil)
	view := &memberships{log: log}
	cfg.Past = recovery.NewPast(ring, log, realtime.NewFacts(slog.New(slog.DiscardHandler)).Of, view.cameInto, recovery.Config{})
	cfg.RoomsOf = view.of
	cfg.Ready = projector.Ready()
	g := gateway.New(menu, h, authenticate(menu), cfg)
	door := gateway.NewSocketIO(g, nil)
	server := socketio.NewServer(socketio.Config{
		Handshake: door.TakeHandshake,
		Engine:    engineio.Config{QueueFrames: patient, QueueBytes: 1 << 30, WriteTimeout: time.Minute},
	})
	server.Handle("/", door)
	plain := gateway.NewPlain(g, nil, gateway.PlainConfig{
		Engine: engineio.Config{QueueFrames: patient, QueueBytes: 1 << 30, WriteTimeout: time.Minute},
	})

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = background(ctx) })
	running.Go(func() { _ = projector.Run(ctx) })
	running.Go(func() { _ = server.Run(ctx) })
	running.Go(func() { _ = plain.Run(ctx) })
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", server)
	mux.Handle("/ws", plain)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		cancel()
		running.Wait()
		web.Close()
	})
	<-projector.Ready()
	return &stack{log, follower, menu, h, g, server, web.URL}
}

// memberships is the view of who is where, folded each time.
type memberships struct{ log eventstore.Reader }

func (v *memberships) of(ctx context.Context, user string, _ event.Position, _ int) ([]string, error) {
	return v.cameInto(ctx, user, 0, 0, 0)
}

func (v *memberships) cameInto(ctx context.Context, user string, after, _ event.Position, _ int) ([]string, error) {
	in := map[string]event.Position{}
	for at := event.Position(0); ; {
		page, err := v.log.All(ctx, at, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			payload, err := r.Payload()
			if err != nil {
				return nil, err
			}
			f := realtime.Concerns(payload)
			switch {
			case f.Left == user:
				delete(in, f.Room)
			case f.Joins && slices.Contains(f.Users, user):
				in[f.Room] = r.Position
			}
			at = r.Position
		}
		if len(page) < eventstore.MaxPage {
			break
		}
	}
	maps.DeleteFunc(in, func(_ string, since event.Position) bool { return since <= after })
	return slices.Sorted(maps.Keys(in)), nil
}

// authenticate takes the name of a user for a token.
func authenticate(menu *commands.Commands) gateway.Authenticate {
	return func(ctx context.Context, token string) (domain.Principal, wire.User, error) {
		if token == "expired" {
			return domain.Principal{}, wire.User{}, domain.Errorf(domain.CodeTokenExpired, "token has expired")
		}
		if menu.Directory == nil {
			return domain.Principal{UserID: token}, wire.User{ID: token, Active: true}, nil
		}
		user, err := menu.Directory.User(ctx, token)
		return domain.Principal{UserID: token, Username: user.Username}, user, err
	}
}
