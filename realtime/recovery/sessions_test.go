package recovery_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"parley/eventstore/testenv"
	"parley/realtime/recovery"
)

var key = []byte("a key that all nodes share")

// sessions are those of one node, whose loop runs until the test ends.
func sessions(t *testing.T, client redis.UniversalClient, cfg recovery.SessionsConfig) *recovery.Sessions {
	t.Helper()
	s := recovery.NewSessions(client, key, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return s
}

func wantRooms(t *testing.T, s *recovery.Sessions, pid string, want ...string) {
	t.Helper()
	got, known := s.Rooms(t.Context(), pid)
	if diff := cmp.Diff(want, got); diff != "" || !known {
		t.Errorf("known %v (-want +got):\n%s", known, diff)
	}
}

// eventually waits for what the loop does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func TestAPIDBelongsToOneUser(t *testing.T) {
	t.Parallel()
	s := recovery.NewSessions(nil, key, recovery.SessionsConfig{})
	pid, other := s.New("ann"), s.New("ann")
	if pid == other || len(pid) > 64 {
		t.Errorf("pids %q and %q", pid, other)
	}
	if !s.Owns(pid, "ann") || !recovery.NewSessions(nil, key, recovery.SessionsConfig{}).Owns(pid, "ann") {
		t.Error("her own pid, on any node")
	}
	changed := []byte(pid)
	changed[3] ^= 1
	for name, foreign := range map[string]bool{
		"another user":   s.Owns(pid, "bob"),
		"another key":    recovery.NewSessions(nil, []byte("other"), recovery.SessionsConfig{}).Owns(pid, "ann"),
		"changed":        s.Owns(string(changed), "ann"),
		"cut":            s.Owns(pid[:20], "ann"),
		"empty":          s.Owns("", "ann"),
		"no base64":      s.Owns("!!!!", "ann"),
		"with a new end": s.Owns(pid+"AAAA", "ann"),
	} {
		if foreign {
			t.Error(name + " passes for her own")
		}
	}
}

func TestSessionsAreKnownOnEveryNode(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t)
	cfg := recovery.SessionsConfig{Prefix: testenv.Prefix(t)}
	here, there := sessions(t, client, cfg), sessions(t, client, cfg)
	pid := here.New("ann")
	if _, known := there.Rooms(t.Context(), pid); known {
		t.Error("known before it began")
	}
	here.Begin(t.Context(), pid, "c1", []string{"b", "a"})
	wantRooms(t, there, pid, "a", "b")
	here.Update(t.Context(), pid, "c1", []string{"a", "c"})
	wantRooms(t, there, pid, "a", "c")
	here.Update(t.Context(), pid, "c1", nil)
	wantRooms(t, there, pid, []string(nil)...)
}

// Two connections with one pid: what one of them does takes nothing from the other.
func TestTwoConnectionsKeepTheirRooms(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t)
	cfg := recovery.SessionsConfig{Prefix: testenv.Prefix(t), RetryEvery: 5 * time.Millisecond}
	here, there := sessions(t, client, cfg), sessions(t, client, cfg)
	pid := here.New("ann")
	here.Begin(t.Context(), pid, "c1", []string{"a"})
	there.Begin(t.Context(), pid, "c2", []string{"a", "b"})
	here.Update(t.Context(), pid, "c1", []string{"a", "c"})
	wantRooms(t, there, pid, "a", "b", "c")
	here.End("c1")
	there.Update(t.Context(), pid, "c2", []string{"b"})
	wantRooms(t, there, pid, "a", "b", "c") // of the one that has ended as well, until the next begins
	eventually(t, "the end is written", func() bool {
		entry, err := client.HGet(t.Context(), cfg.Prefix+pid, "c1").Result()
		return err == nil && entry[0] == 'E'
	})
	there.End("c2")
	eventually(t, "the end is written", func() bool {
		entry, err := client.HGet(t.Context(), cfg.Prefix+pid, "c2").Result()
		return err == nil && entry[0] == 'E'
	})
	here.Begin(t.Context(), pid, "c3", []string{"b"})
	wantRooms(t, there, pid, "b")
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t)
	cfg := recovery.SessionsConfig{Prefix: testenv.Prefix(t), TTL: 50 * time.Millisecond}
	s := sessions(t, client, cfg)
	pid := s.New("ann")
	s.Begin(t.Context(), pid, "c1", []string{"a"})
	eventually(t, "forgotten after its TTL", func() bool {
		_, known := s.Rooms(t.Context(), pid)
		return !known
	})
}

// Redis may be away, and come back empty: then what is live is told to it again.
func TestAnEmptiedRedisIsToldAgain(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	options, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	cfg := recovery.SessionsConfig{RetryEvery: 10 * time.Millisecond, RefreshEvery: 50 * time.Millisecond}
	s := sessions(t, client, cfg)
	pid, other := s.New("ann"), s.New("ann")
	s.Begin(t.Context(), pid, "c1", []string{"a"})
	server.Kill()
	s.Begin(t.Context(), other, "c2", []string{"b"})
	s.Update(t.Context(), pid, "c1", []string{"a", "c"})
	s.End("c2")
	if _, known := s.Rooms(t.Context(), pid); known {
		t.Error("known without Redis")
	}
	server.Start()
	for want, of := range map[string]string{"c": pid, "b": other} {
		eventually(t, "told again", func() bool {
			rooms, known := s.Rooms(t.Context(), of)
			return known && rooms[len(rooms)-1] == want
		})
	}
}

// held keeps the next command of a client from Redis until it is let go.
type held struct {
	next        chan struct{} // holds a token for a command to be held
	came, letGo chan struct{}
	answered    chan struct{}
}

func newHeld() *held {
	return &held{
		next: make(chan struct{}, 1), came: make(chan struct{}), letGo: make(chan struct{}), answered: make(chan struct{}),
	}
}

func (h *held) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *held) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *held) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		select {
		case <-h.next:
			close(h.came)
			<-h.letGo
			defer close(h.answered)
		default:
		}
		return next(ctx, cmd)
	}
}

// What is refreshed may have changed meanwhile: Redis keeps the newest, whatever comes last.
func TestARefreshOverwritesNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *recovery.Sessions, pid string){
		"it hears more": func(s *recovery.Sessions, pid string) { s.Update(context.Background(), pid, "c1", []string{"a", "b"}) },
		"and has ended": func(s *recovery.Sessions, pid string) {
			s.Update(context.Background(), pid, "c1", []string{"a", "b"})
			s.End("c1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := testenv.Redis(t)
			slow := newHeld()
			client.AddHook(slow)
			s := sessions(t, client, recovery.SessionsConfig{
				Prefix: testenv.Prefix(t), Timeout: 20 * time.Second, RefreshEvery: 20 * time.Millisecond, RetryEvery: time.Hour,
			})
			pid := s.New("ann")
			s.Begin(t.Context(), pid, "c1", []string{"a"})
			slow.next <- struct{}{}
			<-slow.came
			change(s, pid)
			close(slow.letGo)
			<-slow.answered
			wantRooms(t, s, pid, "a", "b")
		})
	}
}

// A connection that outlived the memory of Redis, and then ends, does not pass for all that its client heard.
func TestWhatIsLeftAfterAFlushIsNotTakenForAll(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t)
	cfg := recovery.SessionsConfig{Prefix: testenv.Prefix(t)}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	here, there := recovery.NewSessions(client, key, cfg), recovery.NewSessions(client, key, cfg)
	pid := here.New("ann")
	here.Begin(t.Context(), pid, "c1", []string{"a"})
	there.Begin(t.Context(), pid, "c2", []string{"a"}) // before the first one is known to be dead
	there.Update(t.Context(), pid, "c2", []string{"a", "b"})
	if err := client.Del(t.Context(), cfg.Prefix+pid).Err(); err != nil {
		t.Fatal(err)
	}
	here.End("c1")
	_ = here.Run(over) // writes once
	if rooms, known := there.Rooms(t.Context(), pid); known {
		t.Errorf("known are %v", rooms)
	}
}

// A beginning that comes late may not have heard of others: it takes nothing from them.
func TestALateBeginningTakesNothingAway(t *testing.T) {
	t.Parallel()
	client := testenv.Redis(t)
	cfg := recovery.SessionsConfig{Prefix: testenv.Prefix(t)}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	here, there := recovery.NewSessions(client, key, cfg), recovery.NewSessions(client, key, cfg)
	pid := here.New("ann")
	here.Begin(over, pid, "c1", []string{"a"}) // does not reach Redis
	there.Begin(t.Context(), pid, "c2", []string{"a", "b"})
	there.End("c2")
	_ = there.Run(over)
	here.End("c1")
	_ = here.Run(over)
	wantRooms(t, here, pid, "a", "b")
}
