package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"parley/domain"
)

// The length of a password, in bytes. The upper bound keeps a login from being used to
// make the server hash megabytes.
const (
	MinPasswordLength = 8
	MaxPasswordLength = 128
)

// HasherConfig is the cost of a password hash.
type HasherConfig struct {
	// MemoryKiB, Passes and Threads are argon2id's m, t and p. Zero means 19,456 KiB, 2 and 1: what
	// OWASP recommends as the least.
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
	// Parallel is how many hashes are made at once. Zero means 2.
	Parallel int
	// Queue is how many may wait for their turn; more are answered UNAVAILABLE. Zero means 64.
	Queue int
	// MaxWait is how long one waits. Zero means 5 s.
	MaxWait time.Duration
}

func (c HasherConfig) withDefaults() HasherConfig {
	if c.MemoryKiB == 0 {
		c.MemoryKiB = 19 << 10
	}
	if c.Passes == 0 {
		c.Passes = 2
	}
	if c.Threads == 0 {
		c.Threads = 1
	}
	if c.Parallel == 0 {
		c.Parallel = 2
	}
	if c.Queue == 0 {
		c.Queue = 64
	}
	if c.MaxWait == 0 {
		c.MaxWait = 5 * time.Second
	}
	return c
}

// Hasher makes and checks argon2id hashes. Each costs tens of megabytes and milliseconds, so
// few run at once and few wait. It is safe for concurrent use.
type Hasher struct {
	cfg     HasherConfig
	slots   chan struct{}
	waiting atomic.Int64
	dummy   string
}

// NewHasher makes a Hasher.
func NewHasher(cfg HasherConfig) *Hasher {
	cfg = cfg.withDefaults()
	h := &Hasher{cfg: cfg, slots: make(chan struct{}, cfg.Parallel)}
	h.dummy = h.encode(random(saltLength), random(keyLength))
	return h
}

const (
	saltLength = 16
	keyLength  = 32
)

// Hash makes the text that is stored for a password (PHC string format). INVALID_PAYLOAD for one that
// is too short or too long, UNAVAILABLE when too many others are at it.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	salt := random(saltLength)
	var key []byte
	err := h.inTurn(ctx, func() {
		key = argon2.IDKey([]byte(password), salt, h.cfg.Passes, h.cfg.MemoryKiB, h.cfg.Threads, keyLength)
	})
	if err != nil {
		return "", err
	}
	return h.encode(salt, key), nil
}

func checkPassword(password string) error {
	switch {
	case len(password) < MinPasswordLength:
		return domain.Invalid("password", fmt.Sprintf("must have at least %d bytes", MinPasswordLength))
	case len(password) > MaxPasswordLength:
		return domain.Invalid("password", fmt.Sprintf("must have at most %d bytes", MaxPasswordLength))
	case !utf8.ValidString(password):
		return domain.Invalid("password", "must be UTF-8")
	}
	return nil
}

// Check says whether the password is the one that stored was made from. With stored "" (no such
// account) it works as long and says no. The only error is UNAVAILABLE, or one of a stored
// text that Hash has not made.
func (h *Hasher) Check(ctx context.Context, stored, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	p, err := parseHash(stored)
	if err != nil {
		return false, err
	}
	if len(password) > MaxPasswordLength {
		password = password[:MaxPasswordLength] // cannot match: none so long was ever hashed
		known = false
	}
	var key []byte
	err = h.inTurn(ctx, func() {
		key = argon2.IDKey([]byte(password), p.salt, p.passes, p.memoryKiB, p.threads, uint32(len(p.key)))
	})
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && known, nil
}

// Outdated says that stored was made at another cost than this Hasher's.
func (h *Hasher) Outdated(stored string) bool {
	p, err := parseHash(stored)
	return err != nil || p.memoryKiB != h.cfg.MemoryKiB || p.passes != h.cfg.Passes || p.threads != h.cfg.Threads
}

// inTurn runs work when it is its turn.
func (h *Hasher) inTurn(ctx context.Context, work func()) error {
	select {
	case h.slots <- struct{}{}:
	default:
		if err := h.wait(ctx); err != nil {
			return err
		}
	}
	defer func() { <-h.slots }()
	work()
	return nil
}

var errBusy = errors.New("too many passwords to hash")

func (h *Hasher) wait(ctx context.Context) error {
	if h.waiting.Add(1) > int64(h.cfg.Queue) {
		h.waiting.Add(-1)
		return domain.Unavailable(errBusy)
	}
	defer h.waiting.Add(-1)
	patience := time.NewTimer(h.cfg.MaxWait)
	defer patience.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return domain.Unavailable(ctx.Err())
	case <-patience.C:
		return domain.Unavailable(errBusy)
	}
}

func (h *Hasher) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cfg.MemoryKiB, h.cfg.Passes, h.cfg.Threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

type phc struct {
	memoryKiB, passes uint32
	threads           uint8
	salt, key         []byte
}

// Bounds of what a stored hash may ask for: a row that somebody has written by hand must not
// be able to take the server's memory.
const (
	maxMemoryKiB = 256 << 10
	maxPasses    = 16
)

var errBadHash = errors.New("stored password hash is not argon2id in PHC form")

func parseHash(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errBadHash
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memoryKiB, &p.passes, &p.threads); err != nil {
		return phc{}, errBadHash
	}
	if p.memoryKiB > maxMemoryKiB || p.passes < 1 || p.passes > maxPasses || p.threads < 1 {
		return phc{}, errBadHash
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return phc{}, errBadHash
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, errBadHash
	}
	return p, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
