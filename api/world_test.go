package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"parley/api"
	"parley/api/auth"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/bus"
	"parley/eventstore/consumers"
	"parley/eventstore/erasure"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
	"parley/eventstore/webhooks"
	"parley/projections"
	"parley/projections/history"
	"parley/projections/messages"
	"parley/projections/presence"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
	"parley/projections/users"
	"parley/realtime/trace"
)

const secret = "a secret of at least 32 bytes, for tests"

// world is a node as the program wires it, on a database and a Redis prefix of its own.
type world struct {
	*api.API
	store    *postgres.Store
	menu     *commands.Commands
	issuer   *auth.Issuer
	sessions *auth.Sessions
	names    atomic.Int64

	consumers *consumers.Consumers
	webhooks  *webhooks.Webhooks
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newNode(t, testenv.Pool(t), testenv.Prefix(t))
}

// newNode is one of several nodes that share a database and a prefix.
func newNode(t *testing.T, pool *pgxpool.Pool, prefix string) *world {
	t.Helper()
	run := runner(t)
	redisOptions, err := redis.ParseURL(testenv.RedisURL(t))
	must(t, err)
	var log *bus.Bus
	store := postgres.New(pool, postgres.Config{OnCommit: func(batch []event.Recorded) { log.Committed(batch) }})
	log = bus.New(store, bus.Config{
		Redis: redis.UniversalOptions{Addrs: []string{redisOptions.Addr}, Username: redisOptions.Username, Password: redisOptions.Password, DB: redisOptions.DB},
		Topic: prefix + "commits",
	})
	counts := receipts.NewQueries(pool)
	menu, err := commands.New(commands.Deps{
		Log: store, Follower: log,
		Unread: func(ctx context.Context, roomID, userID string, after int64) (commands.Remaining, error) {
			left, err := counts.LeftOf(ctx, roomID, userID, after)
			return commands.Remaining{Unread: left.Unread, Mentions: left.Mentions, Cursor: left.Cursor, At: left.Position}, err
		},
	}, commands.Config{ReceiptWindow: time.Millisecond})
	must(t, err)
	views := projections.NewRunner(pool, log, []projections.Projector{
		users.NewProjector(""), rooms.NewProjector(""), messages.NewProjector(""), receipts.NewProjector(""),
		presence.NewProjector(""), search.NewProjector(""),
	}, projections.Config{})
	feed := consumers.NewFeed(pool, store, log)
	for _, service := range []func(context.Context) error{store.Run, log.Run, menu.Run, views.Run, feed.Run} {
		run(service)
	}
	w := &world{
		menu: menu, store: store, consumers: consumers.New(pool, store, feed, consumers.Config{}),
		webhooks: webhooks.New(pool, store, feed, webhooks.Config{}), // which deliver nothing here
	}
	w.API = w.api(t, pool, log, views)
	return w
}

// runner runs services until the test ends.
func runner(t *testing.T) func(func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	return func(service func(context.Context) error) {
		wg.Go(func() {
			if err := service(ctx); err != nil {
				t.Errorf("a service ended: %v", err)
			}
		})
	}
}

func (w *world) api(t *testing.T, pool *pgxpool.Pool, follower eventstore.Follower, views *projections.Runner) *api.API {
	t.Helper()
	known := auth.Users{Register: w.menu.RegisterUser, Directory: w.menu.Directory}
	keys, err := auth.HS256([]byte(secret))
	must(t, err)
	w.issuer, err = auth.NewIssuer([]byte(secret), auth.IssuerConfig{})
	must(t, err)
	w.sessions, err = auth.NewSessions(pool, auth.SessionConfig{})
	must(t, err)
	accounts, err := auth.NewAccounts(pool, w.sessions, known, w.issuer, slog.New(slog.DiscardHandler), auth.AccountsConfig{
		Passwords: auth.HasherConfig{MemoryKiB: 64, Passes: 1},
	})
	must(t, err)
	a, err := api.New(api.Deps{
		Commands: w.menu, Sessions: w.sessions, Accounts: accounts,
		Authenticator: auth.NewAuthenticator(auth.NewVerifier(keys, auth.VerifierConfig{}), w.sessions, known, auth.AuthenticatorConfig{}),
		Users:         users.NewQueries(pool), Rooms: rooms.NewQueries(pool), Messages: messages.NewQueries(pool),
		Trace:     tracer{trace.New(testenv.Redis(t), trace.Config{Prefix: testenv.Prefix(t)}), w.store},
		History:   history.New(w.store, messages.NewQueries(pool), rooms.NewQueries(pool), history.Config{}),
		Revisions: messages.NewRevisions(w.store), Receipts: receipts.NewQueries(pool),
		Presence: presence.NewQueries(pool), Search: search.NewQueries(pool, search.Config{}),
		Views: views, Past: fakePast{1 << 40}, Log: w.store, Follower: follower, Consumers: w.consumers, Webhooks: w.webhooks, Eraser: erasure.New(w.store, erasure.Config{Forget: w.sessions.Forget}), Projections: views, Upkeep: fakeUpkeep{}, Diagnostics: fakeDiagnostics(),
		Logger: slog.New(slog.DiscardHandler),
	}, api.Config{Heartbeat: 50 * time.Millisecond})
	must(t, err)
	return a
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// unique makes names that no other part of the test has.
func (w *world) unique(name string) string { return fmt.Sprintf("%s-%d", name, w.names.Add(1)) }

// person is a user with a token.
type person struct{ id, token string }

func (w *world) person(t testing.TB, name string, roles ...domain.Role) person {
	t.Helper()
	id := w.unique("user")
	_, err := w.menu.RegisterUser.Do(t.Context(), commands.Actor{Principal: domain.Principal{UserID: id}},
		commands.RegisterUser{UserID: id, Username: name})
	must(t, err)
	return person{id, w.token(t, id, roles...)}
}

func (w *world) token(t testing.TB, id string, roles ...domain.Role) string {
	t.Helper()
	token, _, err := w.issuer.Issue(domain.Principal{UserID: id, Roles: roles}, time.Hour)
	must(t, err)
	return token
}

// as asks as somebody.
func (w *world) as(t testing.TB, p person, method, path, body string, headers ...string) answer {
	t.Helper()
	a := ask(t, w, request{method: method, path: "/api/v1" + path, token: p.token, body: body, headers: headers})
	asDescribed(t, method, "/api/v1"+path, a)
	return a
}

// at asks for a read that shows what a.write has done.
func (w *world) at(t testing.TB, write answer, p person, path string) answer {
	t.Helper()
	return w.as(t, p, "GET", path, "", "Parley-Min-Position", write.header.Get("Parley-Position"))
}

func (w *world) room(t testing.TB, owner person, kind event.RoomType, members ...person) wire.Room {
	t.Helper()
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.id
	}
	actor := commands.Actor{Principal: domain.Principal{UserID: owner.id}}
	room, err := w.menu.CreateRoom.Do(t.Context(), actor, commands.CreateRoom{Name: w.unique("room"), Type: kind, MemberIDs: ids})
	must(t, err)
	return room
}

func (w *world) message(t testing.TB, author person, roomID, content string) wire.Message {
	t.Helper()
	actor := commands.Actor{Principal: domain.Principal{UserID: author.id}}
	m, err := w.menu.SendMessage.Do(t.Context(), actor, commands.SendMessage{RoomID: roomID, Content: content})
	must(t, err)
	return m
}

func positionOf(t testing.TB, a answer) int64 {
	t.Helper()
	n, err := strconv.ParseInt(a.header.Get("Parley-Position"), 10, 64)
	if err != nil {
		t.Errorf("status %d with position %q, body %.200s", a.status, a.header.Get("Parley-Position"), a.body)
	}
	return n
}
