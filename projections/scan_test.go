package projections_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/eventstore/testenv"
	"parley/projections"
)

type scanned struct {
	big   zeronull.Int8
	small zeronull.Int4
	text  zeronull.Text
	at    zeronull.Timestamptz
	id    zeronull.UUID
	yes   pgtype.Bool
	data  json.RawMessage
}

func (s *scanned) targets() []any {
	return []any{&s.big, &s.small, &s.text, &s.at, &s.id, &s.yes, &s.data}
}

// What is decoded here is what pgx makes of it, and no row has anything of the one before.
func TestSelectReadsWhatPgxReads(t *testing.T) {
	const sql = `SELECT 7::bigint, big, small, txt, at, id, yes, data FROM (VALUES
  (1::bigint, 1::int, 'héllo'::text, '2026-11-22 10:11:12.345678+02'::timestamptz, '0190b6f0-0000-7000-8000-0123456789ab'::uuid, true, '{"a": [1]}'::json),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (-9223372036854775808, -2147483648, '', '1970-01-01 00:00:00+00', '00000000-0000-0000-0000-000000000000', false, 'null'),
  (9223372036854775807, 2147483647, '', '1812-06-24 00:00:00.000001+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', true, '[]'),
  (NULL, 3, NULL, '2026-11-22 10:11:12+00', NULL, NULL, '[]')
) AS v(big, small, txt, at, id, yes, data)`
	pool := testenv.Pool(t)
	for name, mode := range map[string]pgx.QueryExecMode{"binary": pgx.QueryExecModeCacheStatement, "text": pgx.QueryExecModeSimpleProtocol} {
		t.Run(name, func(t *testing.T) {
			want := scannedByPgx(t, pool, mode, sql)
			got, position, err := projections.Select(t.Context(), pool, "values", sql,
				(*scanned).targets, func(*scanned) bool { return true }, mode)
			if err != nil || position != 7 || len(got) != len(want) {
				t.Fatalf("%d rows, position %d, %v; want %d, 7", len(got), position, err, len(want))
			}
			for i := range want {
				if g, w := got[i], want[i]; !time.Time(g.at).Equal(time.Time(w.at)) || g.at == (zeronull.Timestamptz{}) != (w.at == (zeronull.Timestamptz{})) ||
					g.big != w.big || g.small != w.small || g.text != w.text || g.id != w.id || g.yes != w.yes ||
					string(g.data) != string(w.data) || (g.data == nil) != (w.data == nil) {
					t.Errorf("row %d is\n%+v, and by pgx\n%+v", i, g, w)
				}
			}
		})
	}
}

func scannedByPgx(t *testing.T, db projections.DB, mode pgx.QueryExecMode, sql string) (list []scanned) {
	t.Helper()
	rows, err := db.Query(context.Background(), sql, mode)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s scanned
		var position int64
		if err := rows.Scan(append([]any{&position}, s.targets()...)...); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
