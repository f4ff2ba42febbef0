package auth

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Revocation says that somebody who was let in must go.
type Revocation struct {
	UserID string
	// SessionID is the login that has ended. "" means that the user has logged out
	// everywhere, and concerns what came in, not later than At, with a token that belongs to no
	// login of ours (see IsLocal); each of ours has a Revocation of its own.
	SessionID string
	At        time.Time
}

// overlap is how far back each look goes, for commits that became visible late and for clocks of
// the past: a Revocation is told once, but may be looked at more often.
const overlap = 30 * time.Second

const maxRevocations = 10_000

// Watch tells what any node has revoked since it began, within about SessionConfig.WatchEvery, until ctx
// ends. While Postgres is away it goes on trying and tells afterwards what it missed.
func (s *Sessions) Watch(ctx context.Context, tell func([]Revocation)) error {
	tick := time.NewTicker(s.cfg.WatchEvery)
	defer tick.Stop()
	w := watcher{sessions: s, told: map[Revocation]struct{}{}}
	for {
		if fresh := w.look(ctx); len(fresh) > 0 {
			tell(fresh)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

type watcher struct {
	sessions *Sessions
	// since is the time of the last look, by Postgres' clock; zero before the first.
	since time.Time
	told  map[Revocation]struct{}
}

// look asks once. What cannot be asked now is asked the next time.
func (w *watcher) look(ctx context.Context) []Revocation {
	now, found, err := w.sessions.revokedSince(ctx, w.since.Add(-overlap))
	if err != nil {
		return nil
	}
	first := w.since.IsZero()
	var fresh []Revocation
	for _, r := range found {
		if _, known := w.told[r]; known {
			continue
		}
		w.told[r] = struct{}{}
		if !first {
			w.sessions.cache.Remove(sessionKey{r.UserID, r.SessionID})
			fresh = append(fresh, r)
		}
	}
	if w.since = now; len(found) == maxRevocations {
		w.since = found[len(found)-1].At.Add(overlap) // there is more: go on where this ends
	}
	for r := range w.told {
		if r.At.Before(w.since.Add(-2 * overlap)) {
			delete(w.told, r)
		}
	}
	return fresh
}

// revokedSince reads revocations in the order of their time, and Postgres' time. A since of
// long ago means shortly before now: what is older was told by others.
func (s *Sessions) revokedSince(ctx context.Context, since time.Time) (now time.Time, found []Revocation, err error) {
	rows, err := s.pool.Query(ctx, `
WITH lately AS (
  SELECT user_id, id, revoked_at AS at FROM auth.sessions WHERE revoked_at > greatest($1, now() - interval '1 day')
  UNION ALL
  SELECT user_id, NULL, at FROM auth.logouts WHERE at > greatest($1, now() - interval '1 day')
  ORDER BY at LIMIT $2
)
SELECT now(), user_id, id, at FROM (SELECT 1) AS always LEFT JOIN lately ON true ORDER BY at`, since, maxRevocations)
	if err != nil {
		return time.Time{}, nil, dbError("read revocations", err)
	}
	found, err = pgx.AppendRows(found, rows, func(row pgx.CollectableRow) (Revocation, error) {
		var (
			userID *string
			id     *uuid.UUID
			at     *time.Time
		)
		if err := row.Scan(&now, &userID, &id, &at); err != nil || userID == nil {
			return Revocation{}, err
		}
		r := Revocation{UserID: *userID, At: at.UTC()}
		if id != nil {
			r.SessionID = sessionPrefix + id.String()
		}
		return r, nil
	})
	if len(found) > 0 && found[0].UserID == "" { // the row that carries the time alone
		found = nil
	}
	return now, found, dbError("read revocations", err)
}
