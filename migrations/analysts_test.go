package migrations_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"parley/eventstore/testenv"
)

// Analysts read the views and nothing else, and what docs/analysts.md tells them to ask works.
func TestAnalystsReadViewsAlone(t *testing.T) {
	t.Parallel()
	// The server that tests share is used by one who may not make roles: there the migration goes on without.
	conn, err := pgx.Connect(t.Context(), testenv.StartPostgres(t).DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, sql := range []string{
		`ALTER TABLE log.events ALTER COLUMN hash SET DEFAULT sha256('')`,
		`INSERT INTO log.events (position, version, seq, recorded_at, id, schema_version, stream, type, data, metadata)
SELECT row_number() OVER (), row_number() OVER (PARTITION BY stream), 0, now(), gen_random_uuid(), 1, stream, type, data::json, '{"userId":"u1"}'
FROM (VALUES
 ('user-u1', 'UserRegistered', '{"userId":"u1","username":"ada","displayName":"Ada","avatarUrl":""}'),
 ('room-a', 'RoomCreated', '{"roomId":"a","name":"A","type":"public","topic":"","createdBy":"u1","members":[{"userId":"u1","username":"ada","role":"owner"},{"userId":"u2","username":"bob","role":"member"}]}'),
 ('room-a', 'MemberLeft', '{"roomId":"a","userId":"u2","username":"bob"}'),
 ('messages-a', 'MessageSent', '{"roomId":"a","messageId":"m1","sender":{"id":"u1","username":"ada","displayName":"","avatarUrl":""},"content":"hello","mentions":["u2"]}'),
 ('messages-a', 'MessageSent', '{"roomId":"a","messageId":"m2","sender":{"id":"u2","username":"bob","displayName":"","avatarUrl":""},"content":"hello too"}'),
 ('receipts-a', 'MessagesRead', '{"roomId":"a","userId":"u1","seq":2,"messageId":"m2","readSeq":2,"deliveredSeq":2,"unreadCount":0,"mentionCount":0}'),
 ('messages-a', 'ReactionAdded', '{"roomId":"a","messageId":"m1","emoji":"+1"}'),
 ('presence-u1', 'UserCameOnline', '{"userId":"u1","status":"online","text":""}'),
 ('presence-u1', 'UserWentOffline', '{"userId":"u1"}')
) rows(stream, type, data)`,
		`SET ROLE parley_analyst`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for view, want := range map[string]int{
		"events": 9, "users": 1, "rooms": 1, "members": 3, "messages_sent": 2, "messages_changed": 1, "reads": 1, "presence": 2,
	} {
		if got := count(t, conn, "SELECT * FROM analytics."+view); got != want {
			t.Errorf("%s has %d rows, want %d", view, got, want)
		}
	}
	if got := count(t, conn, "SELECT * FROM analytics.messages_sent WHERE length = 5 AND mentions = 1 AND sender_username = 'ada'"); got != 1 {
		t.Errorf("found %d messages", got)
	}
	for _, sql := range []string{"SELECT * FROM log.events", "SELECT * FROM auth.accounts", "DELETE FROM analytics.events", "UPDATE analytics.users SET username = ''"} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("an analyst may %s", sql)
		}
	}
	recipes := recipes(t)
	if len(recipes) == 0 {
		t.Error("docs/analysts.md has no SQL")
	}
	for _, sql := range recipes {
		count(t, conn, sql)
	}
}

func count(t *testing.T, conn *pgx.Conn, sql string) int {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
		return 0
	}
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	return n
}

// recipes are the statements in the blocks of docs/analysts.md that are marked as sql.
func recipes(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/analysts.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for sql := range strings.SplitSeq(block[1], ";") {
			if sql = strings.TrimSpace(sql); sql != "" {
				list = append(list, sql)
			}
		}
	}
	return list
}
