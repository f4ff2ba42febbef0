package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"parley/eventstore/testenv"
)

// Who is erased is nowhere any more: not in the database, in Redis, in a log, in an answer or in an export; and the
// log is still proved, and says the same as the views.
func TestErasure(t *testing.T) {
	inParallel(t)
	database, cache := testenv.DSN(t), testenv.StartRedis(t).URL
	env := backends(database, cache).with(settings{"LOG_LEVEL": "debug"})
	one, two := startNode(t, "one", env), startNode(t, "two", env)
	s := &erasing{t: t, trace: unique("trace"), alice: one.as(t, unique("alice")), root: one.as(t, unique("root"), "admin"), nodes: []*node{one, two}}
	s.room = s.alice.createRoom("public", "erased")
	first, second := s.live("first"), s.live("second")
	kept := s.alice.call("POST", "/api/v1/rooms/"+s.room+"/messages", object{"content": "what alice says stays", "replyTo": first.said}).done()

	answer := s.root.call("POST", "/api/v1/users/"+first.id+"/erase", nil).want(http.StatusOK).object()
	equal(t, "finished", answer["finished"] == true, true)
	again := s.root.call("POST", "/api/v1/users/"+first.id+"/erase", nil).want(http.StatusOK).object()
	equal(t, "the position when asked again", text(again, "position"), text(answer, "position"))
	s.root.call("POST", "/api/v1/users/nobody/erase", nil).want(http.StatusNotFound)
	s.root.call("POST", "/api/v1/users/"+first.id+"/reactivate", nil).want(http.StatusNotFound, http.StatusConflict, http.StatusForbidden, http.StatusUnauthorized)
	tools := settings{"DATABASE_URL": database, "REDIS_URL": cache}
	cli(t, settings{"DATABASE_URL": database}, "user", "erase", second.id).want(t, 2).oneLine(t, "REDIS_URL")
	cli(t, tools, "user", "erase", second.id).want(t, 0)
	cli(t, tools, "user", "erase", second.id).want(t, 0)
	for _, gone := range []resident{first, second} {
		gone.sits.wantRemoved(t, "who was erased")
		two.bearing(t, gone.token).call("GET", "/api/v1/users/me", nil).want(http.StatusUnauthorized, http.StatusForbidden)
		one.anonymous(t).call("POST", "/api/v1/auth/login", object{"username": gone.name, "password": password}).want(http.StatusUnauthorized)
	}
	s.nothingIsLeft(database, cache)

	page := s.alice.at(two).fresh("/api/v1/rooms/"+s.room+"/messages", kept.position()).items()
	equal(t, "messages", len(page), 7)
	equal(t, "what was erased", text(page[0], "content"), "")
	equal(t, "what stays", text(page[len(page)-1], "content"), "what alice says stays")
	_, head, _ := strings.Cut(cli(t, tools, "verify", "--chain").want(t, 0).stdout, "head ")
	cli(t, tools, "verify").want(t, 0)
	cli(t, tools, "rebuild", "all").want(t, 0)
	cli(t, tools, "verify", "--chain", "--expect", strings.TrimSpace(head)).want(t, 0) // who has gone may be in the log by now
	s.nothingIsLeft(database, cache)
	// Nothing brings a name back.
	s.alice.call("DELETE", "/api/v1/rooms/"+s.room+"/members/"+first.id, nil).done()
	s.nothingIsLeft(database, cache)
}

type erasing struct {
	t           *testing.T
	trace, room string
	alice, root caller
	nodes       []*node
}

// resident is somebody with a past.
type resident struct {
	id, name, token, said string
	sits                  *lingerer
}

// live leaves traces wherever one can.
func (s *erasing) live(who string) resident {
	s.t.Helper()
	r := resident{name: who + s.trace}
	account := object{"username": r.name, "email": r.name + "@example.com", "password": password, "displayName": "Called " + s.trace}
	g := granted(s.nodes[0].anonymous(s.t).call("POST", "/api/v1/auth/register", account), http.StatusCreated)
	r.id, r.token = g.userID, g.access
	c := s.nodes[0].bearing(s.t, r.token)
	c.call("PATCH", "/api/v1/users/me", object{"displayName": "Now " + s.trace, "avatarUrl": "https://x.test/" + s.trace}).done()
	r.sits = linger(s.t, s.nodes[1], r.token)
	for _, ask := range []struct {
		event   string
		payload object
	}{
		{"join-room", object{"roomId": s.room}},
		{"update-presence", object{"status": "busy", "text": "busy " + s.trace}},
		{"typing-start", object{"roomId": s.room}},
	} {
		if a := r.sits.ask(s.t, ask.event, ask.payload); !a.Success {
			s.t.Fatalf("%s: %+v", ask.event, a)
		}
	}
	messages := "/api/v1/rooms/" + s.room + "/messages"
	sent := c.call("POST", messages, object{
		"content": "said " + s.trace, "clientMessageId": "id " + s.trace, "mentions": []string{s.alice.user},
		"attachments": []object{{"url": "https://x.test/f/" + s.trace, "name": s.trace, "contentType": "text/plain", "size": 1}},
	}).done()
	r.said = text(sent.object(), "id")
	c.call("PATCH", messages+"/"+r.said, object{"content": "edited " + s.trace}).done()
	c.call("PUT", messages+"/"+r.said+"/pin", nil)
	c.call("PUT", messages+"/"+r.said+"/reactions/👍", nil).done()
	deleted := c.call("POST", messages, object{"content": "deleted " + s.trace}).done()
	c.call("DELETE", messages+"/"+text(deleted.object(), "id"), nil).done()
	last := c.call("POST", messages, object{"content": "last " + s.trace}).done()
	if found := s.alice.at(s.nodes[1]).fresh("/api/v1/search?q="+s.trace, last.position()).items(); len(found) == 0 {
		s.t.Error("nothing is found before the erasure")
	}
	return r
}

func (s *erasing) nothingIsLeft(database, cache string) {
	s.t.Helper()
	for where, what := range s.places(database, cache) {
		if at := strings.Index(what, s.trace); at >= 0 {
			s.t.Errorf("left in %s: %.300s", where, what[max(0, at-100):])
		}
	}
}

// places is everything that could hold a trace.
func (s *erasing) places(database, cache string) map[string]string {
	s.t.Helper()
	places := s.tables(database)
	for key, value := range s.keys(cache) {
		places["Redis "+key] = value
	}
	for _, n := range s.nodes {
		places["the log of node "+n.name] = n.log.String()
		for _, path := range []string{
			"/api/v1/rooms", "/api/v1/rooms/" + s.room + "/messages", "/api/v1/rooms/" + s.room + "/members", "/api/v1/search?q=" + s.trace,
			"/api/v1/sync?since=0", "/api/v1/rooms/" + s.room + "/presence",
		} {
			places[n.name+path] = strings.ReplaceAll(string(s.alice.at(n).call("GET", path, nil).done().raw), "q="+s.trace, "")
		}
		for _, path := range []string{"/api/v1/users?q=first", "/api/v1/users?limit=200", "/api/v1/events", "/api/v1/events?format=sse"} {
			places[n.name+path] = string(s.root.at(n).call("GET", path, nil).done().raw)
		}
	}
	return places
}

// tables are all rows of the database as text.
func (s *erasing) tables(database string) map[string]string {
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
		UNION ALL SELECT 'pg_catalog.pg_stats'`)
	if err != nil {
		s.t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	tables := map[string]string{}
	for _, name := range names {
		var all string
		if err := conn.QueryRow(ctx, "SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM "+name+" t").Scan(&all); err != nil {
			s.t.Fatal(err)
		}
		tables[name] = all
	}
	return tables
}

// keys are all values in Redis.
func (s *erasing) keys(cache string) map[string]string {
	ctx := s.t.Context()
	options, err := redis.ParseURL(cache)
	if err != nil {
		s.t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	values := map[string]string{}
	for _, key := range keys {
		for _, read := range [][]any{
			{"XRANGE", key, "-", "+"}, {"HGETALL", key}, {"SMEMBERS", key}, {"GET", key}, {"ZRANGE", key, 0, -1}, {"LRANGE", key, 0, -1},
		} {
			if value, err := client.Do(ctx, read...).Result(); err == nil { // the others are for other types
				values[key] = fmt.Sprint(key, value)
			}
		}
	}
	return values
}

// An erasure that was recorded, and then interrupted by the end of its node, is finished by the next one.
func TestInterruptedErasure(t *testing.T) {
	inParallelIdly(t)
	database, cache := testenv.DSN(t), testenv.StartRedis(t)
	n := startNode(t, "one", backends(database, cache.URL))
	s := &erasing{t: t, trace: unique("trace"), alice: n.as(t, unique("alice")), root: n.as(t, unique("root"), "admin"), nodes: []*node{n, n}}
	s.room = s.alice.createRoom("public", "erased")
	gone := s.live("gone")
	n.Kill()
	// What the node does first, and then no more.
	cli(t, settings{"DATABASE_URL": database, "REDIS_URL": "redis://127.0.0.1:1"}, "user", "erase", gone.id).want(t, 1)
	n.Restart()
	deadline := time.Now().Add(readyTimeout)
	for {
		answer := s.root.call("GET", "/api/v1/events?types=UserErased", nil).done()
		conn, err := pgx.Connect(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		var done bool
		err = conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM log.erasures WHERE done_at IS NOT NULL)").Scan(&done)
		_ = conn.Close(t.Context())
		if err == nil && done && strings.Contains(string(answer.raw), gone.id) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody finishes it: %v %s", err, answer.raw)
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.nothingIsLeft(database, cache.URL)
	cli(t, settings{"DATABASE_URL": database}, "verify", "--chain").want(t, 0)
}
