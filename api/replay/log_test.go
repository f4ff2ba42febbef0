package replay_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writeLog puts n events into an empty log, a millisecond apart: messages in a hundred rooms and, each hundredth
// event, a room.
func writeLog(tb testing.TB, pool *pgxpool.Pool, n int) {
	tb.Helper()
	for _, sql := range []string{
		`ALTER TABLE log.events ADD COLUMN IF NOT EXISTS hash bytea, ALTER COLUMN hash SET DEFAULT sha256('')`,
		`CREATE FUNCTION write_log(first bigint, last bigint) RETURNS void LANGUAGE sql AS $$
INSERT INTO log.events (position, version, seq, recorded_at, id, schema_version, stream, type, data, metadata)
SELECT p, 1 + (p - 1) / 100, 0, timestamptz '2026-01-01' + p * interval '1 ms', gen_random_uuid(), 1,
       CASE WHEN p % 100 = 0 THEN 'room-r' ELSE 'messages-r' || p % 100 END,
       CASE WHEN p % 100 = 0 THEN 'RoomUpdated' ELSE 'MessageSent' END,
       json_build_object('roomId', 'r' || p % 100, 'messageId', gen_random_uuid(), 'content', repeat('more or less ', (p % 13)::int), 'n', p),
       json_build_object('userId', 'u' || p % 7, 'correlationId', gen_random_uuid(), 'node', 'n1')
FROM generate_series(first, last) p $$`,
	} {
		if _, err := pool.Exec(tb.Context(), sql); err != nil {
			tb.Fatal(err)
		}
	}
	extendLog(tb, pool, 1, n)
	if _, err := pool.Exec(tb.Context(), "ANALYZE log.events"); err != nil {
		tb.Fatal(err)
	}
}

func extendLog(tb testing.TB, pool *pgxpool.Pool, first, last int) {
	tb.Helper()
	if _, err := pool.Exec(tb.Context(), "SELECT write_log($1, $2)", first, last); err != nil {
		tb.Fatal(err)
	}
}
