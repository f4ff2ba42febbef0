package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/eventstore/consumers"
)

// Webhooks keeps webhooks and, on one node at a time, delivers. It is safe for concurrent use.
//
// The methods of the menu are for admins, which their caller has to see to. They answer with nil, the context's error, or
// a *domain.Error: UNKNOWN_EVENT for a webhook that does not exist, CONFLICT for the name of a consumer and for more
// webhooks than there may be, INVALID_PAYLOAD, and UNAVAILABLE.
type Webhooks struct {
	pool *pgxpool.Pool
	log  eventstore.Reader
	feed *consumers.Feed
	cfg  Config

	// places are for deliveries on their way.
	places  chan struct{}
	counts  counts
	leading atomic.Bool
	running atomic.Int64
}

type counts struct{ deliveries, events, failures, parked atomic.Uint64 }

// Stats is what this node does about webhooks. The counts are since its start.
type Stats struct {
	// Leading: this node delivers.
	Leading bool
	// Webhooks is how many it delivers for; Sending how many deliveries are prepared or on their way.
	Webhooks, Sending int
	// Deliveries were taken, with so many Events in them. Failures were not, and so many webhooks were Parked.
	Deliveries, Events, Failures, Parked uint64
}

// New makes the menu. The pool must be that of the primary. Deliveries are made while Run runs.
func New(pool *pgxpool.Pool, log eventstore.Reader, feed *consumers.Feed, cfg Config) *Webhooks {
	cfg = cfg.withDefaults()
	return &Webhooks{pool: pool, log: log, feed: feed, cfg: cfg, places: make(chan struct{}, cfg.Concurrent)}
}

// channel is where all nodes hear that a webhook was changed.
const channel = "parley_webhooks"

const (
	revise = `revision = nextval('consumers.revisions')`
	// fresh forgets failures.
	fresh = `attempts = 0, failing_since = NULL, next_attempt_at = NULL, parked_at = NULL`

	insertConsumerSQL = `
INSERT INTO consumers.consumers (name, owner, position, types, streams, categories, webhook)
SELECT $1, $2, $3, $4, $5, $6, true WHERE (SELECT count(*) FROM consumers.webhooks) < $7
ON CONFLICT DO NOTHING`
	insertSQL         = `INSERT INTO consumers.webhooks (name, url, secret, max_events) VALUES ($1, $2, $3, $4)`
	updateConsumerSQL = `
UPDATE consumers.consumers SET types = $2, streams = $3, categories = $4, position = coalesce($5, position), ` + revise + `
WHERE name = $1 AND webhook`
	updateSQL = `
UPDATE consumers.webhooks SET url = $2, secret = coalesce($3, secret), max_events = coalesce(nullif($4, 0), max_events), ` + fresh + `
WHERE name = $1`
	moveSQL   = `UPDATE consumers.consumers SET position = coalesce($2, position), ` + revise + ` WHERE name = $1 AND webhook`
	freshSQL  = `UPDATE consumers.webhooks SET ` + fresh + ` WHERE name = $1`
	deleteSQL = `DELETE FROM consumers.consumers WHERE name = $1 AND webhook`
)

const secretPrefix = "whsec_"

// The sizes of secrets are those of Standard Webhooks.
const minSecret, maxSecret, newSecret = 24, 64, 32

func parseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(secret) < minSecret || len(secret) > maxSecret {
		return nil, domain.Invalid("secret", fmt.Sprintf("must be %s and %d to %d bytes in base64", secretPrefix, minSecret, maxSecret))
	}
	return secret, nil
}

// Put makes a webhook, or changes an existing one: what it wants, where it goes, its secret if one is given, and
// its position when a place is named. A new one is at the head of the log unless a place is named. Failures are forgotten,
// and one that was parked goes on. It reports whether the webhook is new; the secret is in the answer only if
// it was made here.
func (w *Webhooks) Put(ctx context.Context, who domain.Principal, name string, r wire.WebhookRequest) (wire.Webhook, bool, error) {
	secret, err := w.check(name, &r)
	if err != nil {
		return wire.Webhook{}, false, err
	}
	at, placed, err := consumers.Find(ctx, w.log, r.Place)
	if err != nil {
		return wire.Webhook{}, false, err
	}
	updated, err := w.update(ctx, name, r, secret, at, placed)
	if updated || err != nil {
		return w.shown(ctx, name, "", false, err)
	}
	if !placed {
		if at, err = w.log.Head(ctx); err != nil {
			return wire.Webhook{}, false, err
		}
	}
	made := ""
	if secret == nil {
		secret = make([]byte, newSecret)
		_, _ = rand.Read(secret) // never fails
		made = secretPrefix + base64.StdEncoding.EncodeToString(secret)
	}
	return w.shown(ctx, name, made, true, w.insert(ctx, who, name, r, secret, at))
}

func (w *Webhooks) check(name string, r *wire.WebhookRequest) (secret []byte, err error) {
	if err = consumers.CheckName(name); err != nil {
		return nil, err
	}
	if err = checkURL(r.URL, w.cfg.AllowPrivate); err != nil {
		return nil, err
	}
	if err = consumers.CheckWanted(&r.Wanted); err != nil {
		return nil, err
	}
	if r.MaxEvents < 0 || r.MaxEvents > mostEvents {
		return nil, domain.Invalid("maxEvents", fmt.Sprintf("must be 1 to %d", mostEvents))
	}
	if r.Secret == "" {
		return nil, nil
	}
	return parseSecret(r.Secret)
}

// shown is the answer to a change.
func (w *Webhooks) shown(ctx context.Context, name, secret string, isNew bool, err error) (wire.Webhook, bool, error) {
	if err != nil {
		return wire.Webhook{}, false, err
	}
	r, err := w.get(ctx, name)
	hook := r.shown(w.feed.Head())
	hook.Secret = secret
	return hook, isNew, err
}

// change runs one transaction, and tells the node that delivers if it did something.
func (w *Webhooks) change(ctx context.Context, do func(context.Context, pgx.Tx) (done bool, err error)) (done bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = pgx.BeginFunc(bounded, w.pool, func(tx pgx.Tx) error {
		if done, err = do(bounded, tx); err != nil || !done {
			return err
		}
		_, err = tx.Exec(bounded, `SELECT pg_notify($1, '')`, channel)
		return err
	})
	return done && err == nil, away(ctx, err)
}

// found runs a statement and reports whether it found its row.
func found(ctx context.Context, tx pgx.Tx, sql string, args ...any) (bool, error) {
	tag, err := tx.Exec(ctx, sql, args...)
	return tag.RowsAffected() == 1, err
}

func (w *Webhooks) update(ctx context.Context, name string, r wire.WebhookRequest, secret []byte, at event.Position, placed bool) (bool, error) {
	return w.change(ctx, func(ctx context.Context, tx pgx.Tx) (bool, error) {
		known, err := found(ctx, tx, updateConsumerSQL, name, r.Types, texts(r.Streams), r.Categories, position(at, placed))
		if err != nil || !known {
			return false, err
		}
		return found(ctx, tx, updateSQL, name, r.URL, secret, r.MaxEvents)
	})
}

func (w *Webhooks) insert(ctx context.Context, who domain.Principal, name string, r wire.WebhookRequest, secret []byte, at event.Position) error {
	if r.MaxEvents == 0 {
		r.MaxEvents = w.cfg.MaxEvents
	}
	inserted, err := w.change(ctx, func(ctx context.Context, tx pgx.Tx) (bool, error) {
		made, err := found(ctx, tx, insertConsumerSQL, name, who.UserID, int64(at), r.Types, texts(r.Streams), r.Categories, w.cfg.MaxWebhooks)
		if err != nil || !made {
			return false, err
		}
		return found(ctx, tx, insertSQL, name, r.URL, secret, r.MaxEvents)
	})
	if err == nil && !inserted {
		err = domain.Errorf(domain.CodeConflict, "the name is taken, or there are %d webhooks, which is the most there may be", w.cfg.MaxWebhooks)
	}
	return err
}

// Get shows a webhook.
func (w *Webhooks) Get(ctx context.Context, name string) (wire.Webhook, error) {
	r, err := w.get(ctx, name)
	return r.shown(w.feed.Head()), err
}

// List shows all webhooks by name.
func (w *Webhooks) List(ctx context.Context) ([]wire.Webhook, error) {
	rows, err := w.rows(ctx, selectSQL+` ORDER BY c.name`)
	list, head := make([]wire.Webhook, len(rows)), w.feed.Head()
	for i, r := range rows {
		list[i] = r.shown(head)
	}
	return list, err
}

// Delete forgets a webhook. A delivery that is on its way is cut off.
func (w *Webhooks) Delete(ctx context.Context, name string) (wire.Webhook, error) {
	r, err := w.get(ctx, name)
	if err != nil {
		return wire.Webhook{}, err
	}
	_, err = w.change(ctx, func(ctx context.Context, tx pgx.Tx) (bool, error) { return found(ctx, tx, deleteSQL, name) })
	return r.shown(w.feed.Head()), err
}

// Resume forgets the failures of a webhook, so that it goes on at once.
func (w *Webhooks) Resume(ctx context.Context, name string) (wire.Webhook, error) {
	return w.move(ctx, name, 0, false)
}

// Rewind moves a webhook to a place, back or forward, and resumes it.
func (w *Webhooks) Rewind(ctx context.Context, name string, to wire.Place) (wire.Webhook, error) {
	at, placed, err := consumers.Find(ctx, w.log, to)
	if err != nil {
		return wire.Webhook{}, err
	}
	if !placed {
		return wire.Webhook{}, domain.Invalid("position", "is required, or time")
	}
	return w.move(ctx, name, at, true)
}

func (w *Webhooks) move(ctx context.Context, name string, at event.Position, placed bool) (wire.Webhook, error) {
	_, err := w.change(ctx, func(ctx context.Context, tx pgx.Tx) (bool, error) {
		known, err := found(ctx, tx, moveSQL, name, position(at, placed))
		if err != nil || !known {
			return false, err
		}
		return found(ctx, tx, freshSQL, name)
	})
	hook, _, err := w.shown(ctx, name, "", false, err)
	return hook, err
}

// Stats is a snapshot for diagnostics.
func (w *Webhooks) Stats() Stats {
	return Stats{
		Leading: w.leading.Load(), Webhooks: int(w.running.Load()), Sending: len(w.places),
		Deliveries: w.counts.deliveries.Load(), Events: w.counts.events.Load(),
		Failures: w.counts.failures.Load(), Parked: w.counts.parked.Load(),
	}
}

// position is NULL where no place is named.
func position(at event.Position, placed bool) *int64 {
	if !placed {
		return nil
	}
	return (*int64)(&at)
}

// texts is never NULL.
func texts(list []event.Stream) []string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = string(s)
	}
	return names
}
