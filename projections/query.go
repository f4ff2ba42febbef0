package projections

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/quote"
	"parley/domain/wire"
)

// Limits of a page of any list.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// DB is what queries read from: a pool (of the primary or of a replica) or a transaction.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// List is one page of a list.
type List[T any] struct {
	Items []T `json:"items"`
	// NextCursor asks for the page after this one; "" on the last page.
	NextCursor string `json:"nextCursor,omitempty"`
	// Position is that of the view: the page shows every event up to it.
	Position event.Position `json:"position"`
	// RoomChanged is what the statement told of a room, if it was asked: see RoomChanged.
	RoomChanged event.Position `json:"-"`
}

// AppendList appends a list as encoding/json would, given how to append one of its items.
func AppendList[T any](b []byte, l *List[T], item func(*T, []byte) []byte) []byte {
	b = wire.AppendArray(append(b, `{"items":`...), l.Items, item)
	if l.NextCursor != "" {
		b = quote.Append(append(b, `,"nextCursor":`...), l.NextCursor)
	}
	return append(wire.AppendPosition(append(b, `,"position":`...), l.Position), '}')
}

// Limit is a page's size: asked, DefaultLimit for 0 and less, never above MaxLimit.
func Limit(asked int) int {
	if asked <= 0 {
		return DefaultLimit
	}
	return min(asked, MaxLimit)
}

// Statements makes statements for pages, and keeps them: whoever looks for a long statement finds the very same one faster
// than its like. There are as many as a page has sizes. The zero value is ready for use, by many at once.
type Statements struct {
	made sync.Map // text by limited
}

type limited struct {
	sql  string
	rows int
}

// Limited is a statement that gives at least n rows, up to 201, where it says {rows}. sql is one of few.
//
// The number is part of the statement, and other parameters are best hidden in (SELECT $1): then Postgres sees that
// one plan is as good for all and keeps it. Else it makes one for each query, which costs more than the
// query itself. The number is one of few, so that there are few statements.
func (s *Statements) Limited(sql string, n int) string {
	rows := MaxLimit + 1
	for _, step := range [...]int{1, 11, 21, 26, 51, 101} {
		if n <= step {
			rows = step
			break
		}
	}
	key := limited{sql, rows}
	made, ok := s.made.Load(key)
	if !ok {
		head, tail, _ := strings.Cut(sql, "{rows}")
		made, _ = s.made.LoadOrStore(key, head+strconv.Itoa(rows)+tail)
	}
	text, _ := made.(string)
	return text
}

// RoomChanged is a column: the position of the last event of a room's own stream in the log, in the snapshot of the
// statement. Whoever knows the room as of that position knows who is a member while the statement is read, and need not
// look at the log for it. id is the parameter that has the room's id.
func RoomChanged(id string) string {
	return `(SELECT position FROM log.events WHERE stream = '` + string(event.RoomStream("")) + `' || (SELECT ` + id + `::text) ORDER BY version DESC LIMIT 1)`
}

// Fold is the form of a name under which it is searched for: letter case does not count.
func Fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// PrefixEnd is the key just above all keys that begin with prefix, comparing bytes. So a
// search for a prefix is a range of an index, and no character of it is a wildcard.
func PrefixEnd(prefix string) string { return prefix + "\U0010FFFF" }

// EncodeCursor makes an opaque cursor of the last row's key.
func EncodeCursor(key ...string) string {
	data, _ := json.Marshal(key) // strings only: cannot fail
	return base64.RawURLEncoding.EncodeToString(data)
}

// DecodeCursor reads the n parts of what EncodeCursor made. Anything else is INVALID_PAYLOAD.
func DecodeCursor(cursor string, n int) ([]string, error) {
	var key []string
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(data, &key)
	}
	if err != nil || len(key) != n || strings.Contains(strings.Join(key, ""), "\x00") {
		return nil, domain.Invalid("cursor", "is not one that a list has given")
	}
	return key, nil
}

// Select reads the rows of a query together with the view's position, in one snapshot: the
// rows show exactly the events up to the position. The statement's first column must be the
// position and it must give a row also when nothing is found: one whose other columns
// are all NULL. scan says where the other columns of a row go (to types that take
// NULL), found whether there was a row. Errors are of code UNAVAILABLE when trying again may help,
// and INVALID_PAYLOAD when a parameter is no text.
func Select[R any](
	ctx context.Context, db DB, what, sql string, scan func(*R) []any, found func(*R) bool, args ...any,
) ([]R, event.Position, error) {
	return SelectAs(ctx, db, what, sql, scan, found, func(r *R) (R, error) { return *r, nil }, args...)
}

// SelectAs is Select for rows that are shown as something else, which is made of each as it comes: rows are large, and
// none is kept. shape may keep what a row points to, but not the row.
func SelectAs[R, T any](
	ctx context.Context, db DB, what, sql string, scan func(*R) []any, found func(*R) bool, shape func(*R) (T, error), args ...any,
) ([]T, event.Position, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, 0, queryError(what, err)
	}
	defer rows.Close()
	var (
		list     = []T{}
		position int64
		row      R
		reader   = scanner{rows: rows, targets: append([]any{&position}, scan(&row)...)}
	)
	for rows.Next() {
		if !reader.plain {
			var zero R
			row = zero // pgx may write into what a target has
		}
		if err := reader.next(); err != nil {
			return nil, 0, queryError(what, err)
		}
		if !found(&row) {
			continue
		}
		item, err := shape(&row)
		if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", what, err)
		}
		if len(list) == cap(list) { // items are large: move them seldom; and many queries are for one
			list = slices.Grow(list, min(len(list), 1)*DefaultLimit+3*len(list)+1)
		}
		list = append(list, item)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, queryError(what, err)
	}
	return list, event.Position(position), nil
}

// One is the row of a query for one thing; false if it was not found.
func One[R any](list []R) (R, bool) {
	if len(list) == 0 {
		var zero R
		return zero, false
	}
	return list[0], true
}

// notText is the SQLSTATE for bytes that no text of Postgres can hold. What is asked for comes from outside.
const notText = "22021"

func queryError(what string, err error) error {
	err = fmt.Errorf("read %s: %w", what, err)
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pgErr.Code == notText:
		return &domain.Error{Code: domain.CodeInvalidPayload, Message: "text is not valid UTF-8 or has a NUL", Cause: err}
	case transient(err):
		return domain.Unavailable(err)
	default:
		return err
	}
}
