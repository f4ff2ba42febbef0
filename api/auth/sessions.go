package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/commands/together"
	"parley/domain"
)

// SessionConfig says how long logins live.
type SessionConfig struct {
	// RefreshLifetime is how long a refresh token may wait for its use. Zero means 30 days.
	RefreshLifetime time.Duration
	// CacheFor is how long this node may take a session for good without asking Postgres. Zero means 3 s.
	CacheFor time.Duration
	// WatchEvery is how often Watch asks. Zero means 1 s.
	WatchEvery time.Duration
	// SweepEvery is how often Run deletes what has expired. Zero means 1 h.
	SweepEvery time.Duration
	// Now is the clock of the cache; what is stored goes by Postgres' clock. Zero means time.Now.
	Now func() time.Time
}

func (c SessionConfig) withDefaults() SessionConfig {
	if c.RefreshLifetime == 0 {
		c.RefreshLifetime = 30 * 24 * time.Hour
	}
	if c.CacheFor == 0 {
		c.CacheFor = 3 * time.Second
	}
	if c.WatchEvery == 0 {
		c.WatchEvery = time.Second
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Sessions keeps logins, and what has been logged out. It is safe for concurrent use.
type Sessions struct {
	pool  *pgxpool.Pool
	cfg   SessionConfig
	cache *lru.Cache[sessionKey, sessionState]
	// Those who come at once are looked up at once.
	live    *together.Reads[login, bool]
	logouts *together.Reads[string, time.Time]
}

type sessionKey struct{ userID, sessionID string }

type sessionState struct {
	askedAt time.Time
	// ended: the session is revoked, or gone.
	ended bool
	// loggedOutAt is when the user last logged out everywhere; zero for never.
	loggedOutAt time.Time
}

const cachedSessions = 64 << 10

// NewSessions keeps them in the schema auth of the pool's database.
func NewSessions(pool *pgxpool.Pool, cfg SessionConfig) (*Sessions, error) {
	cache, err := lru.New[sessionKey, sessionState](cachedSessions)
	if err != nil {
		return nil, err
	}
	s := &Sessions{pool: pool, cfg: cfg.withDefaults(), cache: cache}
	s.live, s.logouts = together.New(s.readLive, together.Config{}), together.New(s.readLogouts, together.Config{})
	return s, nil
}

// sessionPrefix tells a session of ours from the sid that an identity provider may put into its tokens.
const sessionPrefix = "parley-"

// IsLocal reports whether a session id (claim sid) names a login of a local account.
func IsLocal(sessionID string) bool { return strings.HasPrefix(sessionID, sessionPrefix) }

func sessionUUID(sessionID string) (uuid.UUID, bool) {
	id, err := uuid.Parse(strings.TrimPrefix(sessionID, sessionPrefix))
	return id, err == nil && IsLocal(sessionID)
}

// Check refuses a token whose session was revoked or has ended, and one without a session
// of ours that was issued before its user logged out everywhere (or does not say when it was).
// UNAUTHENTICATED or UNAVAILABLE.
func (s *Sessions) Check(ctx context.Context, c Claims) error {
	key := sessionKey{userID: c.UserID}
	if IsLocal(c.SessionID) {
		key.sessionID = c.SessionID
	}
	state, err := s.state(ctx, key)
	if err != nil {
		return err
	}
	if key.sessionID != "" {
		if state.ended {
			return errLoggedOut()
		}
		return nil
	}
	// Tokens count whole seconds: one of the same second may have been issued before.
	if !state.loggedOutAt.IsZero() && !c.IssuedAt.After(state.loggedOutAt) {
		return errLoggedOut()
	}
	return nil
}

func errLoggedOut() error {
	return domain.Errorf(domain.CodeUnauthenticated, "logged out")
}

func (s *Sessions) state(ctx context.Context, key sessionKey) (sessionState, error) {
	now := s.cfg.Now()
	if state, ok := s.cache.Get(key); ok && now.Sub(state.askedAt) < s.cfg.CacheFor {
		return state, nil
	}
	state := sessionState{askedAt: now}
	var err error
	if key.sessionID != "" {
		state.ended, err = s.ended(ctx, key)
	} else {
		state.loggedOutAt, err = s.logouts.Read(ctx, key.userID)
	}
	if err != nil {
		return sessionState{}, err
	}
	s.cache.Add(key, state)
	return state, nil
}

func (s *Sessions) ended(ctx context.Context, key sessionKey) (bool, error) {
	id, ok := sessionUUID(key.sessionID)
	if !ok {
		return true, nil
	}
	live, err := s.live.Read(ctx, login{id, key.userID})
	return !live, err
}

// login is a session as Postgres knows it.
type login struct {
	id     uuid.UUID
	userID string
}

// readLive finds those that are not revoked.
func (s *Sessions) readLive(ctx context.Context, logins []login) (map[login]bool, error) {
	ids, users := make([]uuid.UUID, len(logins)), make([]string, len(logins))
	for i, l := range logins {
		ids[i], users[i] = l.id, l.userID
	}
	live := make(map[login]bool, len(logins))
	rows, err := s.pool.Query(ctx, `
SELECT s.id, s.user_id FROM unnest($1::uuid[], $2::text[]) AS wanted(id, user_id)
JOIN auth.sessions s ON s.id = wanted.id AND s.user_id = wanted.user_id AND s.revoked_at IS NULL`, ids, users)
	if err == nil {
		var l login
		_, err = pgx.ForEachRow(rows, []any{&l.id, &l.userID}, func() error { live[l] = true; return nil })
	}
	return live, dbError("look up sessions", err)
}

// readLogouts finds when users last logged out everywhere.
func (s *Sessions) readLogouts(ctx context.Context, users []string) (map[string]time.Time, error) {
	last := make(map[string]time.Time)
	rows, err := s.pool.Query(ctx, `SELECT user_id, at FROM auth.logouts WHERE user_id = ANY($1)`, users)
	if err == nil {
		var (
			user string
			at   time.Time
		)
		_, err = pgx.ForEachRow(rows, []any{&user, &at}, func() error { last[user] = at; return nil })
	}
	return last, dbError("look up logouts", err)
}

// Revoke ends one login. A session of an identity provider, or one that has ended, is left as it is.
func (s *Sessions) Revoke(ctx context.Context, sessionID string) error {
	id, ok := sessionUUID(sessionID)
	if !ok {
		return nil
	}
	var userID string
	err := s.pool.QueryRow(ctx, `UPDATE auth.sessions SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING user_id`, id).Scan(&userID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	s.cache.Remove(sessionKey{userID, sessionID})
	return dbError("revoke a session", err)
}

// RevokeAll ends every login of a user, and refuses all tokens that were issued for the user until now.
func (s *Sessions) RevokeAll(ctx context.Context, userID string) error {
	_, err := s.pool.Exec(ctx, `
WITH everywhere AS (
  INSERT INTO auth.logouts (user_id, at) VALUES ($1, now())
  ON CONFLICT (user_id) DO UPDATE SET at = excluded.at
)
UPDATE auth.sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL`, userID)
	s.forget(userID)
	return dbError("revoke all sessions", err)
}

func (s *Sessions) forget(userID string) {
	for _, key := range s.cache.Keys() {
		if key.userID == userID {
			s.cache.Remove(key)
		}
	}
}

// open starts a session and makes its first refresh token, if the account still has the password and
// the roles that it was let in with: false if not. Its row is locked meanwhile, so who changes
// one of them finds the session and can revoke it.
func (s *Sessions) open(ctx context.Context, acc account) (sessionID, refreshToken string, ok bool, err error) {
	id, token := uuid.New(), newRefreshToken()
	tag, err := s.pool.Exec(ctx, `
WITH owner AS (
  SELECT user_id FROM auth.accounts WHERE user_id = $2 AND password_hash = $5 AND roles = $6 FOR SHARE
), session AS (
  INSERT INTO auth.sessions (id, user_id, expires_at) SELECT $1, user_id, now() + $3 FROM owner RETURNING id, expires_at
)
INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) SELECT $4, id, expires_at FROM session`,
		id, acc.userID, s.cfg.RefreshLifetime, hashToken(token), acc.passwordHash, roleNames(acc.roles))
	if err != nil {
		return "", "", false, dbError("open a session", err)
	}
	return sessionPrefix + id.String(), token, tag.RowsAffected() == 1, nil
}

// holder is whom a refresh token belongs to.
type holder struct{ sessionID, userID string }

// redeemable says whom a refresh token belongs to, if it is still good. One that was used
// before revokes its session.
func (s *Sessions) redeemable(ctx context.Context, refreshToken string) (holder, error) {
	h, state, err := s.find(ctx, refreshToken)
	if err != nil {
		return holder{}, err
	}
	switch {
	case state.used:
		return holder{}, s.reused(ctx, h)
	case state.revoked:
		return holder{}, errLoggedOut()
	case state.expired:
		return holder{}, domain.Errorf(domain.CodeTokenExpired, "the refresh token has expired")
	}
	return h, nil
}

type tokenState struct{ used, revoked, expired bool }

func (s *Sessions) find(ctx context.Context, refreshToken string) (holder, tokenState, error) {
	var (
		h     holder
		state tokenState
		id    uuid.UUID
	)
	err := s.pool.QueryRow(ctx, `
SELECT s.id, s.user_id, t.used_at IS NOT NULL, s.revoked_at IS NOT NULL, t.expires_at <= now()
FROM auth.refresh_tokens t JOIN auth.sessions s ON s.id = t.session_id
WHERE t.token_hash = $1`, hashToken(refreshToken)).Scan(&id, &h.userID, &state.used, &state.revoked, &state.expired)
	if errors.Is(err, pgx.ErrNoRows) {
		return holder{}, tokenState{}, domain.Errorf(domain.CodeUnauthenticated, "unknown refresh token")
	}
	h.sessionID = sessionPrefix + id.String()
	return h, state, dbError("look up a refresh token", err)
}

func (s *Sessions) reused(ctx context.Context, h holder) error {
	if err := s.Revoke(ctx, h.sessionID); err != nil {
		return err
	}
	return domain.Errorf(domain.CodeUnauthenticated, "the refresh token was used before: log in again")
}

// rotate exchanges a refresh token for the next one of its session. Of two at the same time one
// wins, and the other is a reuse.
func (s *Sessions) rotate(ctx context.Context, h holder, refreshToken string) (next string, err error) {
	next = newRefreshToken()
	tag, err := s.pool.Exec(ctx, `
WITH used AS (
  UPDATE auth.refresh_tokens SET used_at = now()
  WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now() RETURNING session_id
), extended AS (
  UPDATE auth.sessions s SET expires_at = now() + $2 FROM used WHERE s.id = used.session_id
)
INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) SELECT $3, session_id, now() + $2 FROM used`,
		hashToken(refreshToken), s.cfg.RefreshLifetime, hashToken(next))
	if err != nil {
		return "", dbError("rotate a refresh token", err)
	}
	if tag.RowsAffected() == 0 {
		return "", s.reused(ctx, h)
	}
	return next, nil
}

// newRefreshToken is 256 random bits.
func newRefreshToken() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Run deletes what has expired, now and then, until ctx ends.
func (s *Sessions) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = s.Sweep(ctx) // the next one will do
		}
	}
}

// Sweep deletes sessions that have ended and refresh tokens that have expired. A session stays a
// day longer, so that its last access token can still be told from one that was made up.
func (s *Sessions) Sweep(ctx context.Context) error {
	for _, statement := range []string{
		`DELETE FROM auth.sessions WHERE expires_at < now() - interval '1 day'`,
		`DELETE FROM auth.refresh_tokens WHERE expires_at < now()`,
	} {
		if _, err := s.pool.Exec(ctx, statement); err != nil {
			return dbError("sweep sessions", fmt.Errorf("%.30s: %w", statement, err))
		}
	}
	return nil
}
