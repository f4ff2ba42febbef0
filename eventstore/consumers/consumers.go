package consumers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
)

// Bounds of what one may ask for.
const (
	// DefaultPage is how many events an answer holds at most if nothing is said.
	DefaultPage = 100
	// MaxPage is the most that may be asked for.
	MaxPage = 1000
	// MaxWait is how long one may wait for the first event.
	MaxWait = 30 * time.Second
)

const (
	pageBytes = 1 << 20
	// scanTime is how long is looked for what is wanted before an empty page is the answer.
	scanTime = 5 * time.Second
)

// Config tunes Consumers. The zero value works.
type Config struct {
	// MaxPerOwner is how many consumers one user may have. Zero means 50.
	MaxPerOwner int
	// MaxWaiting is how many requests may wait for events at a time. Zero means 256.
	MaxWaiting int
}

func (c Config) withDefaults() Config {
	c.MaxPerOwner = cmp.Or(c.MaxPerOwner, 50)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 256)
	return c
}

// Consumers keeps named readers. It is safe for concurrent use.
//
// Its methods answer with nil, the context's error, or a *domain.Error: UNKNOWN_EVENT for a consumer that does not
// exist, FORBIDDEN for one of another user (an admin may use all), CONFLICT for the name of a webhook and
// for more consumers than one may have, INVALID_PAYLOAD, and UNAVAILABLE.
type Consumers struct {
	pool *pgxpool.Pool
	log  eventstore.Reader
	feed *Feed
	cfg  Config

	waiting  atomic.Int64
	draining chan struct{}
	drain    func()
}

// New makes the menu. The pool must be that of the primary.
func New(pool *pgxpool.Pool, log eventstore.Reader, feed *Feed, cfg Config) *Consumers {
	c := &Consumers{pool: pool, log: log, feed: feed, cfg: cfg.withDefaults(), draining: make(chan struct{})}
	c.drain = sync.OnceFunc(func() { close(c.draining) })
	return c
}

// Drain answers those who wait, and lets nobody wait any more.
func (c *Consumers) Drain() { c.drain() }

// Waiting is how many requests wait for events now.
func (c *Consumers) Waiting() int { return int(c.waiting.Load()) }

const (
	getSQL    = `SELECT ` + columns + ` FROM consumers.consumers WHERE name = $1`
	listSQL   = `SELECT ` + columns + ` FROM consumers.consumers WHERE NOT webhook AND (owner = $1 OR $2) ORDER BY name LIMIT 10000`
	deleteSQL = `DELETE FROM consumers.consumers WHERE name = $1 AND revision = $2 RETURNING ` + columns
	createSQL = `
INSERT INTO consumers.consumers (name, owner, position, types, streams, categories)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM consumers.consumers WHERE owner = $2 AND NOT webhook) < $7
ON CONFLICT DO NOTHING RETURNING ` + columns
	changeSQL = `
UPDATE consumers.consumers SET types = $3, streams = $4, categories = $5, position = coalesce($6, position),
	revision = nextval('consumers.revisions')
WHERE name = $1 AND revision = $2 RETURNING ` + columns
	rewindSQL = `
UPDATE consumers.consumers SET position = $3, revision = nextval('consumers.revisions')
WHERE name = $1 AND revision = $2 RETURNING ` + columns
	ackSQL = `
UPDATE consumers.consumers SET position = greatest(position, $3), moved_at = now()
WHERE name = $1 AND revision = $2 RETURNING ` + columns
	// What is asked for again and again is written down now and then.
	seenSQL = `UPDATE consumers.consumers SET seen_at = now() WHERE name = $1 AND seen_at IS NOT DISTINCT FROM $2`
	skipSQL = `UPDATE consumers.consumers SET position = $4 WHERE name = $1 AND revision = $2 AND position = $3`
)

// Put makes a consumer, or changes what an existing one wants and, when a place is named, where it is. A new one is at
// the beginning of the log unless a place is named. It reports whether the consumer is new.
func (c *Consumers) Put(ctx context.Context, who domain.Principal, name string, r wire.ConsumerRequest) (wire.Consumer, bool, error) {
	if err := CheckWanted(&r.Wanted); err != nil {
		return wire.Consumer{}, false, err
	}
	at, placed, err := Find(ctx, c.log, r.Place)
	if err != nil {
		return wire.Consumer{}, false, err
	}
	known, err := c.mine(ctx, who, name)
	if isMissing(err) {
		var made bool
		if known, made, err = c.create(ctx, who, name, r.Wanted, at); err != nil || made {
			return known.shown(c.feed.Head()), made, err
		}
	}
	if err != nil {
		return wire.Consumer{}, false, err
	}
	var position *int64
	if placed {
		position = (*int64)(&at)
	}
	changed, err := c.changed(ctx, changeSQL, known, r.Types, listed(r.Streams), r.Categories, position)
	return changed, false, err
}

// create makes a consumer unless there is one already.
func (c *Consumers) create(ctx context.Context, who domain.Principal, name string, w wire.Wanted, at event.Position) (made row, isNew bool, err error) {
	if err := CheckName(name); err != nil {
		return row{}, false, err
	}
	made, err = c.one(ctx, createSQL, name, who.UserID, int64(at), w.Types, listed(w.Streams), w.Categories, c.cfg.MaxPerOwner)
	if err == nil {
		return made, true, nil
	}
	if !isMissing(err) {
		return row{}, false, err
	}
	if made, err = c.mine(ctx, who, name); isMissing(err) {
		err = domain.Errorf(domain.CodeConflict, "one user may have %d consumers", c.cfg.MaxPerOwner)
	}
	return made, false, err
}

// mine is a consumer that the caller may use.
func (c *Consumers) mine(ctx context.Context, who domain.Principal, name string) (row, error) {
	if !domain.ValidID(name) {
		return row{}, errNoConsumer()
	}
	found, err := c.one(ctx, getSQL, name)
	switch {
	case err != nil:
		return row{}, err
	case found.Owner != who.UserID && !who.IsAdmin():
		return row{}, domain.Errorf(domain.CodeForbidden, "the consumer is another user's")
	case found.webhook:
		return row{}, domain.Errorf(domain.CodeConflict, "the name is that of a webhook")
	}
	return found, nil
}

// changed runs a statement on a consumer as it was read, and shows it. Who changed it meanwhile was first.
func (c *Consumers) changed(ctx context.Context, sql string, r row, args ...any) (wire.Consumer, error) {
	now, err := c.one(ctx, sql, append([]any{r.Name, r.revision}, args...)...)
	if isMissing(err) {
		err = domain.Errorf(domain.CodeConflict, "the consumer was changed at the same time, try again")
	}
	return now.shown(c.feed.Head()), err
}

// Get shows a consumer.
func (c *Consumers) Get(ctx context.Context, who domain.Principal, name string) (wire.Consumer, error) {
	found, err := c.mine(ctx, who, name)
	return found.shown(c.feed.Head()), err
}

// List shows the caller's consumers by name, or everybody's to an admin.
func (c *Consumers) List(ctx context.Context, who domain.Principal) ([]wire.Consumer, error) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := c.pool.Query(bounded, listSQL, who.UserID, who.IsAdmin())
	if err != nil {
		return nil, away(ctx, err)
	}
	found, err := pgx.CollectRows(rows, scanRow)
	if err != nil {
		return nil, away(ctx, err)
	}
	list, head := make([]wire.Consumer, len(found)), c.feed.Head()
	for i, r := range found {
		list[i] = r.shown(head)
	}
	return list, nil
}

// Delete forgets a consumer.
func (c *Consumers) Delete(ctx context.Context, who domain.Principal, name string) (wire.Consumer, error) {
	found, err := c.mine(ctx, who, name)
	if err != nil {
		return wire.Consumer{}, err
	}
	return c.changed(ctx, deleteSQL, found)
}

// Ack says that everything up to a position is done with.
func (c *Consumers) Ack(ctx context.Context, who domain.Principal, name, position string) (wire.Consumer, error) {
	found, err := c.mine(ctx, who, name)
	if err != nil {
		return wire.Consumer{}, err
	}
	at, err := ParsePosition(ctx, c.log, position)
	if err != nil {
		return wire.Consumer{}, err
	}
	return c.changed(ctx, ackSQL, found, int64(at))
}

// Rewind moves a consumer to a place, back or forward.
func (c *Consumers) Rewind(ctx context.Context, who domain.Principal, name string, to wire.Place) (wire.Consumer, error) {
	found, err := c.mine(ctx, who, name)
	if err != nil {
		return wire.Consumer{}, err
	}
	at, placed, err := Find(ctx, c.log, to)
	if err != nil {
		return wire.Consumer{}, err
	}
	if !placed {
		return wire.Consumer{}, domain.Invalid("position", "is required, or time")
	}
	return c.changed(ctx, rewindSQL, found, int64(at))
}

// Events is what follows what was acknowledged, at most limit events (0: DefaultPage). When there is nothing yet, it waits for
// the first. A consumer that does not exist is made, at the beginning of the log.
func (c *Consumers) Events(ctx context.Context, who domain.Principal, name string, limit int, wait time.Duration) (wire.ConsumerPage, error) {
	found, err := c.mine(ctx, who, name)
	if isMissing(err) {
		found, _, err = c.create(ctx, who, name, wire.Wanted{Types: []string{}, Streams: []event.Stream{}, Categories: []string{}}, 0)
	}
	if err != nil {
		return wire.ConsumerPage{}, err
	}
	if err := c.see(ctx, found); err != nil {
		return wire.ConsumerPage{}, err
	}
	if limit <= 0 {
		limit = DefaultPage
	}
	page, err := c.next(ctx, found, Limit{min(limit, MaxPage), pageBytes}, min(wait, MaxWait))
	if err != nil {
		return wire.ConsumerPage{}, fmt.Errorf("read for consumer %s: %w", name, err)
	}
	if len(page.Events) == 0 && page.UpTo > found.Position {
		if err := c.skip(ctx, found, page.UpTo); err != nil {
			return wire.ConsumerPage{}, err
		}
	}
	head := max(c.feed.Head(), page.UpTo)
	answer := wire.ConsumerPage{Items: make([]json.RawMessage, len(page.Events)), Position: page.UpTo, Head: head, More: head > page.UpTo}
	for i := range page.Events {
		answer.Items[i] = event.AppendEnvelope(make([]byte, 0, size(&page.Events[i])), &page.Events[i])
	}
	return answer, nil
}

// seenEvery is how exact it is told when somebody was there.
const seenEvery = 10 * time.Second

func (c *Consumers) see(ctx context.Context, r row) error {
	var before *time.Time
	if r.SeenAt != nil {
		at := time.Time(*r.SeenAt)
		if before = &at; time.Since(at) < seenEvery {
			return nil
		}
	}
	return c.exec(ctx, seenSQL, r.Name, before)
}

// skip acknowledges what is not wanted, unless the consumer has moved meanwhile.
func (c *Consumers) skip(ctx context.Context, r row, to event.Position) error {
	return c.exec(ctx, skipSQL, r.Name, r.revision, int64(r.Position), int64(to))
}

func (c *Consumers) exec(ctx context.Context, sql string, args ...any) error {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	_, err := c.pool.Exec(bounded, sql, args...)
	return away(ctx, err)
}

// next looks for the first page that is not empty, and waits for it.
func (c *Consumers) next(ctx context.Context, r row, limit Limit, wait time.Duration) (Page, error) {
	selection := Selection(r.Wanted, r.Position)
	began := time.Now()
	for {
		page, err := c.feed.Page(ctx, selection, limit)
		if err != nil || len(page.Events) > 0 {
			return page, err
		}
		selection.After = page.UpTo
		left := wait - time.Since(began)
		switch {
		case c.feed.Head() > page.UpTo && time.Since(began) < max(scanTime, wait):
		case left <= 0:
			return page, nil
		default:
			if came, err := c.await(ctx, page.UpTo, left); err != nil || !came {
				return page, err
			}
		}
	}
}

// await waits for something after a position. It is false when the time is over or the node drains.
func (c *Consumers) await(ctx context.Context, after event.Position, wait time.Duration) (bool, error) {
	if c.waiting.Add(1); c.waiting.Load() > int64(c.cfg.MaxWaiting) {
		c.waiting.Add(-1)
		return false, &domain.Error{Code: domain.CodeRateLimited, Message: "too many wait for events", RetryAfter: time.Second}
	}
	defer c.waiting.Add(-1)
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	came := c.feed.Await(bounded, after, c.draining)
	return came, ctx.Err()
}
