package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/domain"
)

// Revocation says that somebody who was let in must go.
type Revocation struct {
	UserID string
	// SessionID is the login that has ended. "" means that the user has logged out
	// everywhere, and concerns tokens that were issued not later than At and belong to no
	// login of ours (see IsLocal); each of ours has a Revocation of its own.
	SessionID string
	At        time.Time
}

// concerns says of a principal of that user what Sessions.Check would say of the token.
func (r Revocation) concerns(p domain.Principal) bool {
	if r.SessionID != "" {
		return p.SessionID == r.SessionID
	}
	return !IsLocal(p.SessionID) && !p.IssuedAt.After(r.At)
}

// Concerned reports of a principal whether its token was revoked.
func Concerned(list []Revocation) func(domain.Principal) bool {
	byUser := make(map[string][]Revocation, len(list))
	for _, r := range list {
		byUser[r.UserID] = append(byUser[r.UserID], r)
	}
	return func(p domain.Principal) bool {
		return slices.ContainsFunc(byUser[p.UserID], func(r Revocation) bool { return r.concerns(p) })
	}
}

const (
	// overlap is how far back each look goes: for commits that became visible late, for clocks
	// that were set back, and for tokens that are on their way in.
	overlap = 30 * time.Second
	// lookTimeout bounds a look, so that a connection that hangs costs no more.
	lookTimeout = 3 * time.Second
	// maxTold is how many revocations are told at once.
	maxTold = 10_000
)

// Watch tells what any node has revoked, within about SessionConfig.WatchEvery, until ctx ends. While
// Postgres is away it goes on trying, and tells afterwards what it missed.
//
// A Revocation is told again and again for half a minute: a token that was taken for good shortly before
// may still be on its way to a socket. So who is told has to bear repetition, and, to begin with, what
// is up to a day old.
func (s *Sessions) Watch(ctx context.Context, tell func([]Revocation)) error {
	tick := time.NewTicker(s.cfg.WatchEvery)
	defer tick.Stop()
	var since time.Time // by Postgres' clock; zero before the first look
	for {
		if now, err := s.look(ctx, since.Add(-overlap), tell); err == nil { // otherwise the next one will do
			since = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look tells of what was revoked since then, and returns Postgres' time. A since of long ago means a day
// before now: what is older was told by others.
func (s *Sessions) look(ctx context.Context, since time.Time, tell func([]Revocation)) (now time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, `
WITH lately AS (
  SELECT user_id, id, revoked_at AS at FROM auth.sessions WHERE revoked_at > greatest($1, now() - interval '1 day')
  UNION ALL
  SELECT user_id, NULL, at FROM auth.logouts WHERE at > greatest($1, now() - interval '1 day')
)
SELECT now(), user_id, id, at FROM (SELECT 1) AS always LEFT JOIN lately ON true ORDER BY at`, since)
	if err != nil {
		return time.Time{}, dbError("read revocations", err)
	}
	defer rows.Close()
	var list []Revocation
	for rows.Next() {
		r, err := scanRevocation(rows, &now)
		if err != nil {
			return time.Time{}, err
		}
		if r.UserID != "" { // else it is the row that carries the time alone
			list = append(list, r)
		}
		if len(list) == maxTold {
			s.hear(list, tell)
			list = nil
		}
	}
	if err := rows.Err(); err != nil {
		return time.Time{}, dbError("read revocations", err)
	}
	s.hear(list, tell)
	return now, nil
}

func scanRevocation(row pgx.CollectableRow, now *time.Time) (Revocation, error) {
	var (
		userID *string
		id     *uuid.UUID
		at     *time.Time
	)
	if err := row.Scan(now, &userID, &id, &at); err != nil {
		return Revocation{}, fmt.Errorf("read a revocation: %w", err)
	}
	if userID == nil || at == nil {
		return Revocation{}, nil
	}
	r := Revocation{UserID: *userID, At: at.UTC()}
	if id != nil {
		r.SessionID = sessionPrefix + id.String()
	}
	return r, nil
}

// hear forgets what was believed of those sessions before others are told.
func (s *Sessions) hear(list []Revocation, tell func([]Revocation)) {
	if len(list) == 0 {
		return
	}
	for _, r := range list {
		s.cache.Remove(sessionKey{r.UserID, r.SessionID})
	}
	tell(list)
}
