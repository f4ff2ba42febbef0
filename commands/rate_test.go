package commands_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/commands"
	"parley/commands/ratelimit"
	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/memory"
	"parley/eventstore/testenv"
)

func limited(t *testing.T, log eventstore.Log, limiter commands.Limiter) kit {
	t.Helper()
	c, err := commands.New(commands.Deps{Log: log, Limiter: limiter}, commands.Config{RateLimitMessages: 5})
	if err != nil {
		t.Fatal(err)
	}
	return kit{t, log, c}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	k := limited(t, memory.New(memory.Config{}), nil)
	k.users("ann", "mod", "mia", "mel")
	room := k.open(event.RoomPublic)
	send := func(who, content, clientID string) error {
		_, err := k.SendMessage.Do(t.Context(), as(who), commands.SendMessage{RoomID: room, Content: content, ClientMessageID: clientID})
		return err
	}
	for i := range 10 { // what is refused by its form is not counted
		if got := domain.CodeOf(send("mia", "", strconv.Itoa(i))); got != domain.CodeInvalidPayload {
			t.Fatalf("no content: %q", got)
		}
	}
	for i := range 5 {
		for range 3 { // repetitions are free
			if err := send("mia", "hi", strconv.Itoa(i)); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
	}
	err := send("mia", "one more", "x")
	refusal := domain.AsError(err)
	if domain.CodeOf(err) != domain.CodeRateLimited || refusal.RetryAfter <= 0 || refusal.RetryAfter > time.Minute {
		t.Errorf("the sixth message: %+v", refusal)
	}
	if err := send("mia", "hi", "0"); err != nil {
		t.Errorf("a repetition: %v", err)
	}
	if err := send("mel", "hi", "0"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	admin := 0
	must(k, k.AddMember, "ann", commands.AddMember{RoomID: room, UserID: rooted(k)})
	for range 7 {
		if code(k, k.SendMessage, "root!", commands.SendMessage{RoomID: room, Content: "hi"}) == "" {
			admin++
		}
	}
	if admin != 5 {
		t.Errorf("an admin sends %d messages, want 5", admin)
	}
	if got := code(k, k.EditMessage, "mia", commands.EditMessage{RoomID: room, MessageID: nowhere, Content: "x"}); got != domain.CodeMessageNotFound {
		t.Errorf("an edit: %q", got)
	}
}

func rooted(k kit) string {
	k.users("root")
	return "root"
}

func TestRateLimitAcrossNodes(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	limiter := func() commands.Limiter {
		options, err := redis.ParseURL(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		options.ContextTimeoutEnabled, options.MaxRetries = true, -1
		client := redis.NewClient(options)
		l := ratelimit.NewRedis(client, ratelimit.Config{Wait: time.Second, Retry: time.Minute})
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { _ = l.Run(ctx) })
		t.Cleanup(func() { cancel(); wg.Wait(); _ = client.Close() })
		return l
	}
	log := memory.New(memory.Config{})
	a, b := limited(t, log, limiter()), limited(t, log.Node(nil), limiter())
	a.users("ann", "mod", "mia", "mel")
	room := a.open(event.RoomPublic)
	flood := func(who string) int {
		var wg sync.WaitGroup
		var mu sync.Mutex
		sent := 0
		for i := range 60 {
			k := []kit{a, b}[i%2]
			wg.Go(func() {
				switch got := code(k, k.SendMessage, who, commands.SendMessage{RoomID: room, Content: "hi"}); got {
				case "":
					mu.Lock()
					sent++
					mu.Unlock()
				case domain.CodeRateLimited:
				default:
					t.Errorf("%s: %q", who, got)
				}
			})
		}
		wg.Wait()
		return sent
	}
	if sent := flood("mia"); sent != 5 {
		t.Errorf("%d messages over two nodes, want exactly 5", sent)
	}
	server.Kill()
	if sent := flood("mel"); sent != 10 {
		t.Errorf("%d messages over two nodes without Redis, want 5 on each", sent)
	}
}
