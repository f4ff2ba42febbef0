package users

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// Queries reads the view. It is safe for concurrent use.
type Queries struct{ db projections.DB }

// NewQueries reads from db.
func NewQueries(db projections.DB) *Queries { return &Queries{db: db} }

// Get is one account, also a deactivated one, and the view's position (also beside an
// error of code INVALID_USER, which says that there is none).
func (q *Queries) Get(ctx context.Context, id string) (wire.User, event.Position, error) {
	list, err := q.ByIDs(ctx, id)
	if err != nil {
		return wire.User{}, 0, err
	}
	if len(list.Items) == 0 {
		return wire.User{}, list.Position, domain.Errorf(domain.CodeInvalidUser, "no such user")
	}
	return list.Items[0], list.Position, nil
}

// ByIDs is the accounts of these ids, those that exist, by id.
func (q *Queries) ByIDs(ctx context.Context, ids ...string) (projections.List[wire.User], error) {
	rows, position, err := q.read(ctx, byIDsSQL, ids)
	return projections.List[wire.User]{Items: shapes(rows), Position: position}, err
}

// Search lists the accounts whose username begins with the text, by username, and after
// them those whose display name alone does, by that. Letter case does not count; no text
// lists all. cursor is "" or the NextCursor of the page before; INVALID_PAYLOAD for any other.
func (q *Queries) Search(ctx context.Context, text, cursor string, limit int) (projections.List[wire.User], error) {
	var list projections.List[wire.User]
	at, err := parseCursor(cursor)
	if err != nil {
		return list, err
	}
	prefix, limit := projections.Fold(text), projections.Limit(limit)
	rows, position, err := q.read(ctx, searchSQL, prefix, projections.PrefixEnd(prefix), at.list, at.key, at.id, limit+1)
	if err != nil {
		return list, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		list.NextCursor = projections.EncodeCursor(strconv.Itoa(int(last.list)), string(last.key), string(last.id))
	}
	list.Items, list.Position = shapes(rows), position
	return list, nil
}

// A search goes through two lists.
const (
	listUsernames = 0
	listNames     = 1
)

// cursor is the last row that was seen: the list it is in and its key there.
type cursor struct {
	list    int
	key, id string
}

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	parts, err := projections.DecodeCursor(s, 3)
	if err != nil {
		return cursor{}, err
	}
	c := cursor{key: parts[1], id: parts[2]}
	if parts[0] != "0" {
		c.list = listNames
	}
	return c, nil
}

const columns = `u.position, u.active, u.id, u.username, u.display_name, u.avatar_url`

const byIDsSQL = `
SELECT c.position, ` + columns + `, 0, ''
FROM views.checkpoints c
LEFT JOIN views.users u ON u.id = ANY ($1::text[])
WHERE c.name = 'users'
ORDER BY u.id`

// $1 to $2 is the range of keys that begin with the text; $3, $4, $5 is the cursor. Most people are found
// by both names, and the second list has to pass over them: it is read only when the
// first one, which shows them, is at its end and does not fill the page.
const searchSQL = `
WITH usernames AS MATERIALIZED (
  SELECT *, 0 AS list, username_key AS key
  FROM views.users
  WHERE $3::int = 0 AND username_key >= $1 AND username_key < $2 AND (username_key, id) > ($4, $5)
  ORDER BY username_key, id
  LIMIT $6
)
SELECT c.position, ` + columns + `, u.list, u.key
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT * FROM usernames
  UNION ALL
  (SELECT *, 1 AS list, name_key AS key
   FROM views.users
   WHERE $1 <> '' AND (SELECT count(*) FROM usernames) < $6
     AND name_key >= $1 AND name_key < $2 AND ($3::int = 0 OR (name_key, id) > ($4, $5))
     AND NOT (username_key >= $1 AND username_key < $2)
   ORDER BY name_key, id
   LIMIT $6)
) u ON true
WHERE c.name = 'users'
ORDER BY u.list, u.key, u.id
LIMIT $6`

// row takes NULLs: see projections.Select.
type row struct {
	position  zeronull.Int8
	active    pgtype.Bool
	id        zeronull.Text
	username  zeronull.Text
	name      zeronull.Text
	avatarURL zeronull.Text
	list      zeronull.Int4
	key       zeronull.Text
}

func (q *Queries) read(ctx context.Context, sql string, args ...any) ([]row, event.Position, error) {
	return projections.Select(ctx, q.db, "users", sql, targets, func(r *row) bool { return r.id != "" }, args...)
}

func targets(r *row) []any {
	return []any{&r.position, &r.active, &r.id, &r.username, &r.name, &r.avatarURL, &r.list, &r.key}
}

func shapes(rows []row) []wire.User {
	list := make([]wire.User, len(rows))
	for i, r := range rows {
		list[i] = wire.User{
			ID: string(r.id), Username: string(r.username), DisplayName: string(r.name),
			AvatarURL: string(r.avatarURL), Active: r.active.Bool, Position: event.Position(r.position),
		}
	}
	return list
}
