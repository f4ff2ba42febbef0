package e2e_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"parley/eventstore/testenv"
)

// What the program makes of a conversation is what the log says, and what somebody else makes of it is told.
func TestVerify(t *testing.T) {
	inParallel(t)
	database := testenv.DSN(t)
	n := startNode(t, "verified", backends(database, testenv.StartRedis(t).URL))
	alice, bob := n.as(t, unique("alice")), n.as(t, unique("bob"))
	bob.call("GET", "/api/v1/users/me", nil).done()
	room := alice.createRoom("private", "verified", bob.user)
	var last answer
	for i := range 20 {
		last = alice.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "number " + strconv.Itoa(i)}).done()
	}
	bob.call("PUT", "/api/v1/rooms/"+room+"/read", object{"seq": 7}).done()
	alice.call("DELETE", "/api/v1/rooms/"+room+"/messages/"+text(last.object(), "id"), nil).done()
	env := settings{"DATABASE_URL": database}
	cli(t, env, "verify").want(t, 0)
	cli(t, env, "verify", "--sample", "10", "--seed", "7").want(t, 0)
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), "UPDATE views.messages SET content = 'forged' WHERE seq = 3"); err != nil {
		t.Fatal(err)
	}
	found := cli(t, env, "verify").want(t, 1)
	equal(t, "lines: a difference and the sum", strings.Count(found.stdout, "\n"), 2)
	if !strings.HasPrefix(found.stdout, "messages: ") {
		t.Errorf("found %s", found.stdout)
	}
	mended := cli(t, env, "rebuild", "messages").want(t, 1)
	if !strings.Contains(mended.stdout, "forged") {
		t.Errorf("rebuild does not show the difference: %s", mended.stdout)
	}
	cli(t, env, "verify").want(t, 0)
	cli(t, env, "rebuild", "all").want(t, 0)
	cli(t, env, "rebuild", "nothing").want(t, 2).oneLine(t, "nothing")
	cli(t, env, "verify", "--sample", "-1").want(t, 2)

	// The log itself: what is noted of it tells of a past that was changed.
	proved := cli(t, env, "verify", "--chain").want(t, 0)
	_, head, _ := strings.Cut(strings.TrimSpace(proved.stdout), "head ")
	cli(t, env, "verify", "--chain", "--expect", head).want(t, 0)
	other := head[:strings.Index(head, ":")+1] + strings.Repeat("0", 64)
	if found := cli(t, env, "verify", "--chain", "--expect", other).want(t, 1); !strings.HasPrefix(found.stdout, "position ") {
		t.Errorf("another hash was noted: %s", found.stdout)
	}
	cli(t, env, "verify", "--chain", "--expect", "1:a").want(t, 2).oneLine(t, "hexadecimal")
	cli(t, env, "verify", "--expect", head).want(t, 2)
	for _, sql := range []string{ // each is found before the next one
		"UPDATE log.events SET data = replace(data::text, 'number 9', 'number 8')::json WHERE data::text LIKE '%number 9%' RETURNING position",
		"DELETE FROM log.events WHERE position = 4 RETURNING position",
	} {
		var changed int
		if err := conn.QueryRow(t.Context(), sql).Scan(&changed); err != nil {
			t.Fatal(err)
		}
		found := cli(t, env, "verify", "--chain").want(t, 1)
		if !strings.HasPrefix(found.stdout, "position "+strconv.Itoa(changed)+": ") {
			t.Errorf("after %s: %s", sql, found.stdout)
		}
	}
}
