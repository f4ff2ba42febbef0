package webhooks

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/consumers"
)

const selectSQL = `
SELECT c.name, c.owner, c.position, c.revision, c.types, c.streams, c.categories, c.created_at, c.moved_at,
	w.url, w.secret, w.max_events, w.attempts, w.failing_since, w.next_attempt_at, w.parked_at, w.last_error, w.last_error_at
FROM consumers.consumers c JOIN consumers.webhooks w USING (name)`

// row is a webhook as it is stored.
type row struct {
	wire.Webhook // without the secret

	revision int64
	secret   []byte
}

func scanRow(r pgx.CollectableRow) (row, error) {
	var (
		w                                             row
		streams                                       []string
		created                                       time.Time
		moved, failing, nextAttempt, parked, lastFail *time.Time
	)
	err := r.Scan(&w.Name, &w.Owner, (*int64)(&w.Position), &w.revision, &w.Types, &streams, &w.Categories, &created, &moved,
		&w.URL, &w.secret, &w.MaxEvents, &w.Attempts, &failing, &nextAttempt, &parked, &w.LastError, &lastFail)
	w.Streams = consumers.Streams(streams)
	w.CreatedAt, w.DeliveredAt = wire.Time(created), consumers.Moment(moved)
	w.FailingSince, w.NextAttemptAt, w.ParkedAt, w.LastErrorAt =
		consumers.Moment(failing), consumers.Moment(nextAttempt), consumers.Moment(parked), consumers.Moment(lastFail)
	switch {
	case parked != nil:
		w.State = wire.WebhookParked
	case w.Attempts > 0:
		w.State = wire.WebhookRetrying
	default:
		w.State = wire.WebhookActive
	}
	return w, err
}

// shown is the webhook as an admin sees it now.
func (r row) shown(head event.Position) wire.Webhook {
	w := r.Webhook
	w.Head = max(head, w.Position)
	w.Lag = int64(w.Head - w.Position)
	return w
}

// callTimeout bounds a call of Postgres, waiting for a connection included.
const callTimeout = 5 * time.Second

func (w *Webhooks) rows(ctx context.Context, sql string, args ...any) ([]row, error) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	rows, err := w.pool.Query(bounded, sql, args...)
	if err != nil {
		return nil, away(ctx, err)
	}
	list, err := pgx.CollectRows(rows, scanRow)
	return list, away(ctx, err)
}

func (w *Webhooks) get(ctx context.Context, name string) (row, error) {
	list, err := w.rows(ctx, selectSQL+` WHERE c.name = $1`, name)
	if err == nil && len(list) == 0 {
		err = domain.Errorf(domain.CodeUnknownEvent, "no such webhook")
	}
	if err != nil {
		return row{}, err
	}
	return list[0], nil
}

// exec runs a statement and reports whether it found its row.
func (w *Webhooks) exec(ctx context.Context, sql string, args ...any) (bool, error) {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	tag, err := w.pool.Exec(bounded, sql, args...)
	return tag.RowsAffected() == 1, away(ctx, err)
}

// away gives an error of Postgres its code.
func away(ctx context.Context, err error) error {
	if _, known := errors.AsType[*domain.Error](err); err == nil || known {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return domain.Unavailable(err)
}
