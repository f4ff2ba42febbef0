package recovery

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// SessionsConfig tunes Sessions. The zero value works.
type SessionsConfig struct {
	// Prefix of the keys in Redis. Zero means "parley:pid:".
	Prefix string
	// TTL is how long a session is remembered after its end. Zero means 24 h.
	TTL time.Duration
	// Timeout bounds each call of Redis. Zero means 100 ms.
	Timeout time.Duration
	// RetryEvery is how often what Redis did not take is offered again. Zero means 500 ms.
	RetryEvery time.Duration
	// RefreshEvery is how often the sessions that are live are written anew: it keeps them from expiring, and
	// tells a Redis that was emptied. Zero means 10 min.
	RefreshEvery time.Duration
	// Logger gets what went wrong, once for each time that Redis goes away. Zero means none.
	Logger *slog.Logger
}

// Sessions remembers which rooms a session hears, for a client that comes back with the session's pid. Make
// one with NewSessions; Run has to run.
//
// A pid tells by itself whose it is: it is signed. So a foreign one is known for what it is, and one's own is
// good, even if Redis has forgotten everything; then only its rooms are not known.
//
// What is remembered is never less than what a client heard: each connection that goes on with a pid, two at once
// maybe, has an entry of its own, and who comes back gets the rooms of all. The entry of a connection that has
// ended goes when the next one begins, which has heard its rooms. Entries are numbered, so that one that comes late
// does not take the place of a newer one.
type Sessions struct {
	redis redis.UniversalClient
	key   []byte
	cfg   SessionsConfig

	mu     sync.Mutex
	live   map[string]*record // of this node, by connection
	serial uint64             // of the last record
	away   bool
}

// record is a connection's entry, for as long as this node has to see to it.
type record struct {
	pid, conn string
	rooms     []string
	serial    uint64
	ended     bool
	taken     bool // Redis has had an entry of the connection
	dirty     bool // it does not have this one
}

// NewSessions returns sessions that are kept in Redis and signed with a key, which all nodes share.
func NewSessions(client redis.UniversalClient, key []byte, cfg SessionsConfig) *Sessions {
	if cfg.Prefix == "" {
		cfg.Prefix = "parley:pid:"
	}
	if cfg.TTL <= 0 {
		cfg.TTL = 24 * time.Hour
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 100 * time.Millisecond
	}
	if cfg.RetryEvery <= 0 {
		cfg.RetryEvery = 500 * time.Millisecond
	}
	if cfg.RefreshEvery <= 0 {
		cfg.RefreshEvery = 10 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Sessions{redis: client, key: key, cfg: cfg, live: make(map[string]*record)}
}

const nonceBytes, tagBytes = 16, 16

// New makes a pid of a user.
func (s *Sessions) New(userID string) string {
	pid := make([]byte, nonceBytes, nonceBytes+tagBytes)
	_, _ = rand.Read(pid) // never fails
	return base64.RawURLEncoding.EncodeToString(append(pid, s.tag(pid, userID)...))
}

// Owns reports whether the pid is one of this user's.
func (s *Sessions) Owns(pid, userID string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(pid)
	if err != nil || len(raw) != nonceBytes+tagBytes {
		return false
	}
	return hmac.Equal(raw[nonceBytes:], s.tag(raw[:nonceBytes], userID))
}

func (s *Sessions) tag(nonce []byte, userID string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("pid"))
	mac.Write(nonce)
	mac.Write([]byte(userID))
	return mac.Sum(nil)[:tagBytes]
}

// Rooms says which rooms the session of a pid heard. It is false when that is not known (any more): the session
// is too old, or Redis has forgotten it or is away.
func (s *Sessions) Rooms(ctx context.Context, pid string) (rooms []string, known bool) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	entries, err := s.redis.HVals(ctx, s.cfg.Prefix+pid).Result()
	s.noted(ctx, err)
	for _, entry := range entries {
		var part []string
		if list := strings.IndexByte(entry, '['); list < 0 || json.Unmarshal([]byte(entry[list:]), &part) != nil {
			continue
		}
		rooms, known = append(rooms, part...), true
	}
	slices.Sort(rooms)
	return slices.Compact(rooms), known
}

// setEntry: ARGV are the TTL in ms, the connection, the state and the number of its entry, the rooms, "1" if it
// begins, and "1" if it has had an entry. The entries of others that Redis has forgotten cannot be told anew by a connection
// that ends: its own would pass for all of them.
var setEntry = redis.NewScript(`
if ARGV[3] == 'E' and ARGV[7] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local before = redis.call('HGET', KEYS[1], ARGV[2])
if before and tonumber(string.match(before, '^%u(%d+)') or '0') > tonumber(ARGV[4]) then return 0 end
if ARGV[6] == '1' then
	local all = redis.call('HGETALL', KEYS[1])
	for i = 1, #all, 2 do
		if string.sub(all[i+1], 1, 1) == 'E' or #all > 32 then redis.call('HDEL', KEYS[1], all[i]) end
	end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ARGV[4] .. ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`)

// Begin remembers what a connection hears that has the pid from now on; that includes what Rooms has said. It
// returns when Redis has it, or has not taken it in time; then Run goes on trying.
func (s *Sessions) Begin(ctx context.Context, pid, conn string, rooms []string) {
	s.write(ctx, s.put(record{pid: pid, conn: conn, rooms: rooms}), true)
}

// Update says that a connection hears other rooms than before. It waits as Begin does.
func (s *Sessions) Update(ctx context.Context, pid, conn string, rooms []string) {
	s.write(ctx, s.put(record{pid: pid, conn: conn, rooms: rooms}), false)
}

// put replaces the record of a connection.
func (s *Sessions) put(r record) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replace(r)
}

func (s *Sessions) replace(r record) *record {
	before := s.live[r.conn]
	s.serial++
	r.serial, r.dirty, r.taken = s.serial, true, before != nil && before.taken
	s.live[r.conn] = &r
	return &r
}

// End says that a connection has ended. It does not wait. What is remembered stays for the TTL.
func (s *Sessions) End(conn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.live[conn]
	switch {
	case r == nil:
	case len(s.live) > maxLive:
		delete(s.live, conn)
	default:
		s.replace(record{pid: r.pid, conn: conn, rooms: r.rooms, ended: true})
	}
}

// maxLive bounds the entries that are kept for a Redis that is away.
const maxLive = 100_000

// write offers an entry to Redis. begins says that it holds what all others heard until now: those of connections
// that have ended go.
func (s *Sessions) write(ctx context.Context, r *record, begins bool) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	s.mu.Lock()
	taken := r.taken
	s.mu.Unlock()
	state := "L"
	if r.ended {
		state = "E"
	}
	rooms, _ := json.Marshal(append([]string{}, r.rooms...)) // strings always can be encoded
	err := setEntry.Run(ctx, s.redis, []string{s.cfg.Prefix + r.pid},
		s.cfg.TTL.Milliseconds(), r.conn, state, r.serial, rooms, flag(begins), flag(taken)).Err()
	s.noted(ctx, err)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.live[r.conn]
	if now != nil {
		now.taken = true
	}
	if now != r {
		return // it has changed meanwhile, and is dirty
	}
	if r.dirty = false; r.ended {
		delete(s.live, r.conn)
	}
}

func flag(set bool) string {
	if set {
		return "1"
	}
	return "0"
}

// Run writes what Redis did not take and who has ended, and refreshes what is live, until ctx ends; then it writes
// once more.
func (s *Sessions) Run(ctx context.Context) error {
	retry, refresh := time.NewTicker(s.cfg.RetryEvery), time.NewTicker(s.cfg.RefreshEvery)
	defer retry.Stop()
	defer refresh.Stop()
	dirty := func(r *record) bool { return r.dirty }
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			s.writeAll(last, dirty)
			return nil
		case <-retry.C:
			s.writeAll(ctx, dirty)
		case <-refresh.C:
			s.writeAll(ctx, func(*record) bool { return true })
		}
	}
}

// writeAll writes the entries that are chosen, until Redis is away.
func (s *Sessions) writeAll(ctx context.Context, chosen func(*record) bool) {
	s.mu.Lock()
	var list []*record
	for _, r := range s.live {
		if chosen(r) {
			list = append(list, r)
		}
	}
	s.mu.Unlock()
	for _, r := range list {
		if s.write(ctx, r, false); s.isAway() || ctx.Err() != nil {
			return
		}
	}
}

func (s *Sessions) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}

// noted logs when Redis goes away and when it is back. Who stops waiting learns neither.
func (s *Sessions) noted(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	away := err != nil
	s.mu.Lock()
	changed := away != s.away
	s.away = away
	s.mu.Unlock()
	switch {
	case changed && away:
		s.cfg.Logger.WarnContext(ctx, "sessions are not remembered: redis is away", slog.Any("error", err))
	case changed:
		s.cfg.Logger.InfoContext(ctx, "sessions are remembered again")
	}
}
