package search

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
	"parley/projections/messages"
)

const (
	// MaxQuery bounds a query, in code points.
	MaxQuery = 256
	// MaxLimit bounds a page.
	MaxLimit = 100
	// DefaultLimit is the size of a page of which nothing is said.
	DefaultLimit = 20
	// MaxRanked is how many messages are ranked, the newest that match.
	MaxRanked = 5000
)

// DB is what a search reads from: a pool of the primary or of a replica.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Config bounds what searches may take. The zero value works.
type Config struct {
	// Timeout of one search. Zero means 2 s.
	Timeout time.Duration
	// Parallel is how many searches go on at once, of one user one; others wait for their turn. Zero means 4.
	Parallel int
}

// Queries searches the view. It is safe for concurrent use.
type Queries struct {
	db    DB
	cfg   Config
	slots chan struct{}
	turns *turns
}

// NewQueries reads from db.
func NewQueries(db DB, cfg Config) *Queries {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 4
	}
	return &Queries{db: db, cfg: cfg, slots: make(chan struct{}, cfg.Parallel), turns: newTurns()}
}

// Request says what is searched for.
type Request struct {
	// UserID is who searches: in the rooms that this user is a member of.
	UserID string
	// Text is the query, at most MaxQuery code points. One without any word finds nothing.
	Text string
	// RoomID is the only room to search in. "" means all rooms of the user.
	RoomID string
	// Cursor is where the page before this one has ended, "" for the first page.
	Cursor string
	// Limit is the number of messages. Zero means DefaultLimit; more than MaxLimit means MaxLimit.
	Limit int
}

func (r Request) validate() error {
	switch {
	case !utf8.ValidString(r.Text) || utf8.RuneCountInString(r.Text) > MaxQuery:
		return domain.Invalid("q", fmt.Sprintf("must be a text of at most %d characters", MaxQuery))
	case r.Text == "":
		return domain.Invalid("q", "is required")
	case r.RoomID != "" && !domain.ValidID(r.RoomID):
		return domain.Invalid("roomId", "must be the id of a room")
	}
	return nil
}

// Find is a page of the messages that match, the best first. A page may have fewer messages than were asked for, and
// none, and still not be the last. INVALID_PAYLOAD for a query that is too long, and UNAVAILABLE when it takes too long.
func (q *Queries) Find(ctx context.Context, r Request) (projections.List[wire.Message], error) {
	var list projections.List[wire.Message]
	if err := r.validate(); err != nil {
		return list, err
	}
	after, err := parseCursor(r.Cursor)
	if err != nil {
		return list, err
	}
	limit := r.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	limit = min(limit, MaxLimit)
	rows, position, err := q.read(ctx, r.UserID, r.RoomID, projections.Fold(r.Text), after.is, after.rank, after.sentAt, after.id, limit+1, MaxRanked)
	if err != nil {
		return list, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		list.NextCursor = rows[limit-1].cursor()
	}
	list.Position, list.Items = position, make([]wire.Message, 0, len(rows))
	for i := range rows {
		if !rows[i].message.Found() {
			continue // it is not what it was when it was indexed
		}
		m, err := rows[i].message.Message()
		if err != nil {
			return list, err
		}
		list.Items = append(list.Items, m)
	}
	return list, nil
}

// read runs the statement when it has its turn. Its time is bounded on the server, so that the connection is
// still good afterwards; and here, with a bit more, for a server that does not answer.
func (q *Queries) read(ctx context.Context, userID string, args ...any) (rows []row, position event.Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, q.cfg.Timeout+q.cfg.Timeout/4)
	defer cancel()
	over, err := q.turns.take(ctx, userID)
	defer over()
	if err != nil {
		return nil, 0, domain.Unavailable(fmt.Errorf("wait for other searches of the user: %w", err))
	}
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-ctx.Done():
		return nil, 0, domain.Unavailable(fmt.Errorf("wait for other searches: %w", ctx.Err()))
	}
	tx, err := q.db.Begin(ctx)
	if err != nil {
		return nil, 0, domain.Unavailable(fmt.Errorf("search: %w", err))
	}
	defer func() { _ = tx.Rollback(ctx) }() // nothing was written
	limit := "SET LOCAL statement_timeout = " + strconv.FormatInt(q.cfg.Timeout.Milliseconds(), 10)
	if _, err := tx.Exec(ctx, limit); err != nil {
		return nil, 0, domain.Unavailable(fmt.Errorf("search: %w", err))
	}
	rows, position, err = projections.Select(ctx, tx, "words", findSQL, (*row).targets, (*row).found, append([]any{userID}, args...)...)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && tooIntricate(pgErr.Code) {
		err = &domain.Error{Code: domain.CodeInvalidPayload, Message: "the query is too intricate", Fields: map[string]string{"q": "is too intricate"}, Cause: err}
	}
	return rows, position, err
}

// tooIntricate are the SQLSTATEs of the parser of queries: a limit is exceeded, or its stack is ("internal error").
func tooIntricate(code string) bool { return strings.HasPrefix(code, "54") || code == "XX000" }

type row struct {
	rank    pgtype.Float4
	sentAt  zeronull.Timestamptz
	id      zeronull.UUID
	message messages.Row
}

func (r *row) targets() []any {
	return append([]any{&r.rank, &r.sentAt, &r.id}, r.message.Targets()...)
}

func (r *row) found() bool { return r.id != (zeronull.UUID{}) }

// cursor is the last row that was seen. The rank is that of a message alone, so it is the same on the next page.
type cursor struct {
	is     bool
	rank   float32
	sentAt time.Time
	id     [16]byte
}

func (r *row) cursor() string {
	return projections.EncodeCursor(strconv.FormatFloat(float64(r.rank.Float32), 'g', -1, 32),
		strconv.FormatInt(time.Time(r.sentAt).UnixMicro(), 10), event.ID(r.id).String())
}

// latest is a time that Postgres knows, later than any message.
const latest = 1 << 53

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	parts, err := projections.DecodeCursor(s, 3)
	if err != nil {
		return cursor{}, err
	}
	rank, rankErr := strconv.ParseFloat(parts[0], 32)
	micros, timeErr := strconv.ParseInt(parts[1], 10, 64)
	id, idErr := event.ParseID(parts[2])
	if rankErr != nil || timeErr != nil || idErr != nil || micros < 0 || micros > latest {
		return cursor{}, domain.Invalid("cursor", "is not one that a list has given")
	}
	return cursor{is: true, rank: float32(rank), sentAt: time.UnixMicro(micros), id: id}, nil
}

// $1 user, $2 room or "", $3 query, $4 to $7 the cursor, $8 the limit, $9 how many are ranked. The rooms are in the
// query itself, so that a word that is frequent elsewhere costs nothing here. They are compared once more, for those who are in more rooms
// than a query can well hold. And the view of messages must have the text that was found.
const findSQL = `
WITH mine AS MATERIALIZED (
  SELECT room_id FROM views.members WHERE user_id = $1 AND ($2 = '' OR room_id = $2)
), asked AS MATERIALIZED (
  SELECT websearch_to_tsquery('simple', $3) AS words
), query AS MATERIALIZED (
  SELECT a.words, CASE WHEN r.n <= 1000 THEN a.words && r.rooms::tsquery ELSE a.words END AS all
  FROM asked a, (SELECT count(*) AS n, string_agg('''' || E'\x01' || room_id || '''', '|') AS rooms FROM mine) r
  WHERE numnode(a.words) > 0 AND r.n > 0
), newest AS MATERIALIZED (
  SELECT s.id, s.room_id, s.sent_at, s.text_at, s.words
  FROM query q JOIN views.search s ON s.words @@ q.all
  WHERE s.room_id IN (SELECT room_id FROM mine)
  ORDER BY s.sent_at DESC
  LIMIT $9
), ranked AS (
  SELECT n.id, n.room_id, n.sent_at, n.text_at, ts_rank(n.words, q.words, 1) AS rank FROM newest n, query q
)
SELECT least(c.position, (SELECT min(position) FROM views.checkpoints WHERE name IN ('messages', 'rooms'))),
  r.rank, r.sent_at, r.id, ` + messages.Columns + `
FROM views.checkpoints c
LEFT JOIN (
  SELECT * FROM ranked WHERE NOT $4 OR (rank, sent_at, id) < ($5::real, $6::timestamptz, $7::uuid)
  ORDER BY rank DESC, sent_at DESC, id DESC
  LIMIT $8
) r ON true
LEFT JOIN views.messages m ON m.id = r.id AND m.room_id = r.room_id AND m.deleted_at IS NULL
  AND coalesce(m.edited_at, m.sent_at) = r.text_at
WHERE c.name = 'search'
ORDER BY r.rank DESC, r.sent_at DESC, r.id DESC`
