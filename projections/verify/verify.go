package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain/event"
	"parley/domain/wire"
)

// Log is what the views are made from.
type Log interface {
	Head(ctx context.Context) (event.Position, error)
	All(ctx context.Context, after event.Position, limit int) ([]event.Recorded, error)
	Since(ctx context.Context, streams []event.Stream, after, upTo event.Position, limit int) ([]event.Recorded, error)
}

// Thing is what is compared at a time: the views of a stream's key. Kind is one of the categories room, user, presence.
type Thing struct{ Kind, ID string }

// ThingOf is the thing that a stream belongs to; false for streams of which there is no view.
func ThingOf(s event.Stream) (Thing, bool) {
	switch kind := s.Category(); kind {
	case event.CategoryRoom, event.CategoryMessages, event.CategoryReceipts:
		return Thing{event.CategoryRoom, s.Key()}, true
	case event.CategoryUser, event.CategoryPresence:
		return Thing{kind, s.Key()}, true
	default:
		return Thing{}, false
	}
}

func (t Thing) streams() []event.Stream {
	switch t.Kind {
	case event.CategoryRoom:
		return []event.Stream{event.RoomStream(t.ID), event.MessagesStream(t.ID), event.ReceiptsStream(t.ID)}
	case event.CategoryUser:
		return []event.Stream{event.UserStream(t.ID)}
	default:
		return []event.Stream{event.PresenceStream(t.ID)}
	}
}

// Difference is one thing that a view shows otherwise than the log says.
type Difference struct {
	View string
	// What names the row: a room, a message, a member.
	What string
	// Want and Got are what is compared, as JSON; "null" for nothing.
	Want, Got string
}

// String is the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: the log says %s, the view shows %s", d.View, d.What, d.Want, d.Got)
}

// Verifier compares. It is safe for concurrent use.
type Verifier struct {
	pool *pgxpool.Pool
	log  Log
	// maxEvents is from which size on a thing is too big; 0 means none is.
	maxEvents int
}

var errTooBig = errors.New("too much has happened to it")

// New compares the views in a database with a log.
func New(pool *pgxpool.Pool, log Log) *Verifier { return &Verifier{pool: pool, log: log} }

// Thing compares one. Events counts those that were folded.
func (v *Verifier) Thing(ctx context.Context, t Thing) (found []Difference, events int, err error) {
	err = pgx.BeginTxFunc(ctx, v.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		c := &comparison{tx: tx, at: map[string]event.Position{}}
		if err := c.checkpoints(ctx); err != nil {
			return err
		}
		events, err = v.compare(ctx, c, t)
		found = c.found
		return err
	})
	if err != nil {
		return nil, events, fmt.Errorf("verify %s %s: %w", t.Kind, t.ID, err)
	}
	return found, events, nil
}

// fold takes in the events of a thing in order, and then compares.
type fold interface {
	add(r event.Recorded, payload event.Event)
	compare(ctx context.Context, c *comparison) error
}

func (v *Verifier) compare(ctx context.Context, c *comparison, t Thing) (events int, err error) {
	var f fold
	switch t.Kind {
	case event.CategoryRoom:
		f = newRoomFold(c, t.ID)
	case event.CategoryUser:
		f = &userFold{c: c, id: t.ID}
	default:
		f = &presenceFold{c: c, id: t.ID}
	}
	head := slices.Max(append(slices.Collect(maps.Values(c.at)), 0))
	for after := event.Position(0); after < head; {
		page, err := v.log.Since(ctx, t.streams(), after, head, pageSize)
		if err != nil {
			return events, err
		}
		for _, r := range page {
			payload, err := r.Payload()
			if err != nil {
				continue // written by a newer build: no view of this one shows it
			}
			f.add(r, payload)
		}
		if events += len(page); v.maxEvents > 0 && events > v.maxEvents {
			return events, errTooBig
		}
		if len(page) < pageSize {
			break
		}
		after = page[len(page)-1].Position
	}
	return events, f.compare(ctx, c)
}

// pageSize is how many events are read at once.
const pageSize = 2000

// comparison is one snapshot of the views.
type comparison struct {
	tx    pgx.Tx
	at    map[string]event.Position
	found []Difference
}

func (c *comparison) checkpoints(ctx context.Context) error {
	rows, err := c.tx.Query(ctx, "SELECT name, position FROM views.checkpoints")
	if err != nil {
		return fmt.Errorf("read the checkpoints: %w", err)
	}
	var (
		name     string
		position int64
	)
	_, err = pgx.ForEachRow(rows, []any{&name, &position}, func() error {
		c.at[name] = event.Position(position)
		return nil
	})
	return err
}

// shows reports whether a view is as far as r.
func (c *comparison) shows(view string, r event.Recorded) bool { return r.Position <= c.at[view] }

// same notes a difference if there is one.
func (c *comparison) same(view, what string, want, got any) error {
	wanted, err := wire.Marshal(want)
	if err != nil {
		return err
	}
	shown, err := wire.Marshal(got)
	if err != nil {
		return err
	}
	if string(wanted) != string(shown) {
		c.found = append(c.found, Difference{view, what, string(wanted), string(shown)})
	}
	return nil
}

// sameAll compares things by their keys.
func sameAll[K interface{ ~int64 | ~string }, V any](c *comparison, view, what string, want, got map[K]V) error {
	for k, w := range want {
		var shown any
		if g, ok := got[k]; ok {
			shown = g
		}
		if err := c.same(view, fmt.Sprintf("%s %v", what, k), w, shown); err != nil {
			return err
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			if err := c.same(view, fmt.Sprintf("%s %v", what, k), nil, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// All hands every thing of the log to each, in no particular order, each once. Events that are recorded meanwhile may be
// left out.
func (v *Verifier) All(ctx context.Context, each func(Thing) error) error {
	const page = 1000
	for after := ""; ; {
		rows, err := v.pool.Query(ctx, streamsSQL, after, page)
		if err != nil {
			return fmt.Errorf("list the streams: %w", err)
		}
		streams, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("list the streams: %w", err)
		}
		for _, s := range streams {
			// A room's messages and receipts come with the room.
			if t, ok := ThingOf(event.Stream(s)); ok && event.Stream(s).Category() == t.Kind {
				if err := each(t); err != nil {
					return err
				}
			}
		}
		if len(streams) < page {
			return nil
		}
		after = streams[len(streams)-1]
	}
}

// Streams are found by skipping from one to the next.
const streamsSQL = `
WITH RECURSIVE streams(stream, n) AS (
  (SELECT stream, 1 FROM log.events WHERE stream > $1 ORDER BY stream LIMIT 1)
  UNION ALL
  SELECT (SELECT stream FROM log.events WHERE stream > s.stream ORDER BY stream LIMIT 1), s.n + 1
  FROM streams s WHERE s.stream IS NOT NULL AND s.n < $2::int
)
SELECT stream FROM streams WHERE stream IS NOT NULL`

// Sample picks up to n things that the same seed picks again from the same log: the busier, the likelier.
func (v *Verifier) Sample(ctx context.Context, n int, seed uint64) ([]Thing, error) {
	head, err := v.log.Head(ctx)
	if err != nil || head == 0 {
		return nil, err
	}
	dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // chooses what to look at, protects nothing
	var things []Thing
	for range 4 * n { // some are picked twice
		page, err := v.log.All(ctx, event.Position(dice.Int64N(int64(head))), 1)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if t, ok := ThingOf(r.Stream); ok && !slices.Contains(things, t) {
				things = append(things, t)
			}
		}
		if len(things) == n {
			break
		}
	}
	return things, nil
}
