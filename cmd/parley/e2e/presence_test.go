package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/eventstore/testenv"
)

// hurried are settings under which a lease ends in 3 s and grace in 1 s.
func hurried() settings { return settings{"PRESENCE_TTL": "3", "PRESENCE_GRACE": "1"} }

// presenceOf is what a client hears of presence.
type presenceOf struct {
	UserID     string  `json:"userId"`
	Status     string  `json:"status"`
	Text       string  `json:"text"`
	LastSeenAt *string `json:"lastSeenAt"`
	Position   string  `json:"position"`
	At         string  `json:"at"`
}

// watcher is a client that watches others, and everything that it heard of them.
type watcher struct {
	t     *testing.T
	s     *socket
	heard chan presenceOf
}

func watch(t *testing.T, n *node, id string, users ...string) (*watcher, []presenceOf) {
	t.Helper()
	w := &watcher{t: t, heard: make(chan presenceOf, 100)}
	w.s = joinAs(t, n, object{"token": tokenOf(id)}, func(e told) {
		var p presenceOf
		if e.name == "presence-changed" && json.Unmarshal(e.data, &p) == nil {
			w.heard <- p
		}
	})
	return w, w.ask(users...)
}

func (w *watcher) ask(users ...string) []presenceOf {
	w.t.Helper()
	var answer struct{ Users []presenceOf }
	a, err := w.s.ask(w.t.Context(), "watch-presence", object{"userIds": users})
	if err != nil || !a.Success || json.Unmarshal(a.Data, &answer) != nil || len(answer.Users) != len(users) {
		w.t.Fatalf("watch %v: %+v, %v", users, a, err)
	}
	return answer.Users
}

// hears awaits changes, and no others before them.
func (w *watcher) hears(within time.Duration, want ...string) []presenceOf {
	w.t.Helper()
	over := time.After(within)
	var all []presenceOf
	for _, expected := range want {
		select {
		case p := <-w.heard:
			if got := strings.TrimSpace(fmt.Sprint(p.UserID, " ", p.Status, " ", p.Text)); got != expected || p.LastSeenAt == nil || !isPosition(p.Position) {
				w.t.Fatalf("heard %q, want %q: %+v", got, expected, p)
			}
			all = append(all, p)
		case <-over:
			w.t.Fatalf("nothing within %s, want %q", within, expected)
		}
	}
	return all
}

func (w *watcher) silent(d time.Duration) {
	w.t.Helper()
	select {
	case p := <-w.heard:
		w.t.Fatalf("heard %+v", p)
	case <-time.After(d):
	}
}

func joinAs(t *testing.T, n *node, auth object, onEvent func(told)) *socket {
	t.Helper()
	s, err := dialAs(t.Context(), n.URL, auth, onEvent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// seenBy is what GET /presence tells somebody.
func seenBy(t *testing.T, n *node, viewer string, users ...string) []string {
	t.Helper()
	var seen []string
	for _, p := range n.as(t, viewer).call("GET", "/api/v1/presence?userIds="+strings.Join(users, ","), nil).want(200).items() {
		seen = append(seen, text(p, "status"))
	}
	return seen
}

const soon = 20 * time.Second // on a machine that others use

// Several devices on two nodes are one presence; short drops leave no trace; a killed node's users go offline, and those
// who come back elsewhere in time do not.
func TestPresenceOfTwoNodes(t *testing.T) {
	inParallelIdly(t)
	database := testenv.DSN(t)
	shared := backends(database, testenv.StartRedis(t).URL).with(settings{"PRESENCE_TTL": "6", "PRESENCE_GRACE": "3"})
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	ann, bob, cy := unique("ann"), unique("bob"), unique("cy")
	w, users := watch(t, one, unique("watcher"), ann, bob, cy)
	if users[0].UserID != ann || users[0].Status != "offline" || users[0].LastSeenAt != nil {
		t.Errorf("%+v", users)
	}

	phone := joinAs(t, two, object{"token": tokenOf(ann)}, nil)
	w.hears(soon, ann+" online")
	laptop := joinAs(t, one, object{"token": tokenOf(ann)}, nil)
	if p, err := phone.must(t.Context(), "update-presence", object{"status": "busy", "text": "at work"}); err != nil || text(p, "status") != "busy" || !isPosition(text(p, "position")) {
		t.Fatal(p, err)
	}
	w.hears(soon, ann+" busy at work")
	phone.close() // a device of two
	laptop.close()
	phone = joinAs(t, two, object{"token": tokenOf(ann)}, nil) // a short drop
	w.silent(5 * time.Second)
	phone.close()
	w.hears(soon, ann+" offline")

	hidden := joinAs(t, two, object{"token": tokenOf(bob), "presence": "invisible"}, nil)
	awaitStatus(t, two, bob, bob, "invisible")
	if got := seenBy(t, one, ann, bob); !slices.Equal(got, []string{"offline"}) {
		t.Errorf("an invisible user is seen: %v", got)
	}
	if _, err := hidden.must(t.Context(), "update-presence", object{"status": "away"}); err != nil {
		t.Fatal(err)
	}
	w.hears(soon, bob+" away")
	if _, err := hidden.must(t.Context(), "presence:update", object{"status": "invisible", "text": "hush"}); err != nil {
		t.Fatal(err)
	}
	if last := w.hears(soon, bob+" offline"); last[0].At != *last[0].LastSeenAt {
		t.Errorf("the time gives it away: %+v", last[0])
	}

	stays := joinAs(t, one, object{"token": tokenOf(cy)}, nil)
	defer stays.close()
	w.hears(soon, cy+" online")
	joinAs(t, two, object{"token": tokenOf(ann)}, nil)
	w.hears(soon, ann+" online")
	joinAs(t, two, object{"token": tokenOf(cy)}, nil)
	two.Kill()
	w.hears(soon+10*time.Second, ann+" offline") // within the lease and a look
	w.silent(4 * time.Second)                    // cy has another device
	if got := seenBy(t, one, cy, ann, bob, cy); !slices.Equal(got, []string{"offline", "offline", "online"}) {
		t.Errorf("after the kill: %v", got)
	}
	awaitStatus(t, one, bob, bob, "offline") // unseen
	if log := presenceLog(t, database, cy); !slices.Equal(log, []string{"UserCameOnline"}) {
		t.Errorf("the log of who stayed: %v", log)
	}
}

// Redis that is emptied makes nobody go offline, and who has gone meanwhile is found out.
func TestPresenceSurvivesAnEmptiedRedis(t *testing.T) {
	inParallelIdly(t)
	broker := testenv.StartRedis(t)
	shared := backends(testenv.DSN(t), broker.URL).with(hurried())
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	ann, bob := unique("ann"), unique("bob")
	w, _ := watch(t, one, unique("watcher"), ann, bob)
	phone := joinAs(t, two, object{"token": tokenOf(ann)}, nil)
	w.hears(soon, ann+" online")
	laptop := joinAs(t, one, object{"token": tokenOf(bob)}, nil)
	w.hears(soon, bob+" online")
	broker.FlushAll()
	w.silent(5 * time.Second)
	broker.Kill() // it keeps nothing
	laptop.close()
	broker.Start()
	w.hears(soon, bob+" offline")
	w.silent(8 * time.Second)
	phone.close()
	w.hears(soon, ann+" offline")
}

// presenceLog is what happened to a user's presence.
func presenceLog(t *testing.T, database, id string) (types []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT type FROM log.events WHERE stream = $1 ORDER BY version", "presence-"+id)
	if err == nil {
		types, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func awaitStatus(t *testing.T, n *node, viewer, of, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon+10*time.Second)
	defer cancel()
	for {
		got := seenBy(t, n, viewer, of)
		if slices.Equal(got, []string{want}) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s sees %s %v, want %s", viewer, of, got, want)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
