package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"parley/domain"
)

// JWKSConfig says where an identity provider publishes its keys.
type JWKSConfig struct {
	// URL is that of the key set (RFC 7517): https, or http on this machine. Redirects are not followed.
	URL string
	// AllowHTTP takes http from other machines, too: whoever is between can then make tokens.
	AllowHTTP bool
	// RefreshEvery is how often the keys are fetched; a max-age of the answer may make it more often.
	// Zero means 1 h.
	RefreshEvery time.Duration
	// Timeout bounds one fetch. Zero means 5 s.
	Timeout time.Duration
	// RefetchEvery is how often, in the long run, a token with an unknown key may cause a fetch; some may
	// follow each other at once. Zero means 5 s.
	RefetchEvery time.Duration
	// Logger gets which keys there are, and why they could not be fetched. Zero means that nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Zero means time.Now.
	Now func() time.Time
}

func (c JWKSConfig) withDefaults() JWKSConfig {
	if c.RefreshEvery == 0 {
		c.RefreshEvery = time.Hour
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.RefetchEvery == 0 {
		c.RefetchEvery = 5 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

const (
	// refetchBurst is how many fetches unknown keys may cause at once.
	refetchBurst = 5
	// maxMissing bounds the memory for keys that were looked for in vain.
	maxMissing = 256
	maxKID     = 256 // bytes

	minRefresh = time.Minute
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// JWKS are the public keys of an identity provider: RS256, ES256 and EdDSA. Run fetches them, and again
// now and then, and soon when a token names a key that is not among them. It is safe for concurrent use.
//
// The URL is that of the configuration; a token only ever decides whether it is asked once more, and
// that only as often as RefetchEvery allows. While it does not answer the keys that are known stay.
type JWKS struct {
	cfg    JWKSConfig
	client *http.Client
	tried  chan struct{} // closed after the first attempt
	wanted chan struct{} // something is in next

	mu      sync.Mutex
	set     *keySet // nil until one was fetched
	failed  error   // the last attempt, if it did
	next    *fetch  // what the next attempt will answer
	budget  float64 // of fetches that unknown keys may cause
	filled  time.Time
	missing map[string]time.Time // keys that were not there, and when
}

// fetch is an attempt that somebody waits for.
type fetch struct {
	done chan struct{}
	err  error
}

// NewJWKS checks the configuration. Nothing is fetched before Run.
func NewJWKS(cfg JWKSConfig) (*JWKS, error) {
	cfg = cfg.withDefaults()
	if err := checkJWKSURL(cfg.URL, cfg.AllowHTTP); err != nil {
		return nil, err
	}
	return &JWKS{
		cfg: cfg, client: newJWKSClient(cfg.Timeout), tried: make(chan struct{}), wanted: make(chan struct{}, 1),
		budget: refetchBurst, filled: cfg.Now(), missing: map[string]time.Time{},
	}, nil
}

func checkJWKSURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("not the URL of a key set, such as https://id.example.com/keys")
	case u.Scheme == "https", u.Scheme == "http" && (allowHTTP || isLoopback(u.Hostname())):
		return nil
	default:
		return errors.New("keys are fetched by https alone, except from this machine")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Run fetches keys until ctx ends.
func (j *JWKS) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-j.wanted:
		}
		fresh, err := j.attempt(ctx)
		if err != nil {
			timer.Reset(retryAfter(failures))
			failures++
			continue
		}
		failures = 0
		timer.Reset(fresh)
	}
}

// retryAfter doubles, and differs between nodes.
func retryAfter(failures int) time.Duration {
	d := min(firstRetry<<min(failures, 5), lastRetry)
	return d/2 + rand.N(d/2+1) //nolint:gosec // spreads load, protects nothing
}

// attempt fetches once, keeps what came, and says for how long that is fresh.
func (j *JWKS) attempt(ctx context.Context) (fresh time.Duration, err error) {
	j.mu.Lock()
	waited := j.next
	j.next = nil
	j.mu.Unlock()

	set, maxAge, err := j.fetch(ctx)
	j.report(set, err)

	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed = err; err == nil {
		j.set = set
	}
	if waited != nil {
		waited.err = err
		close(waited.done)
	}
	select {
	case <-j.tried:
	default:
		close(j.tried)
	}
	return min(max(maxAge, minRefresh), j.cfg.RefreshEvery), err
}

// report logs a failure, and keys that are others than before.
func (j *JWKS) report(set *keySet, err error) {
	if err != nil {
		j.cfg.Logger.Warn("keys of the identity provider not fetched", slog.Any("error", err))
		return
	}
	known := j.known()
	if known != nil && slices.Equal(known.names, set.names) && slices.Equal(known.left, set.left) {
		return
	}
	j.cfg.Logger.Info("keys of the identity provider fetched", slog.Any("keys", set.names))
	for _, why := range set.left {
		j.cfg.Logger.Warn("key of the identity provider left out", slog.String("reason", why))
	}
}

func (j *JWKS) known() *keySet {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.set
}

// Ready says why no token can be verified; nil when one can.
func (j *JWKS) Ready(context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.set == nil && j.failed != nil:
		return j.failed
	case j.set == nil:
		return errors.New("not fetched yet")
	case len(j.set.keys) == 0:
		return errors.New("no key of use among them")
	default:
		return nil
	}
}

// Methods implements Keys.
func (j *JWKS) Methods() []string { return []string{algRS256, algES256, algEdDSA} }

// Key implements Keys. A token without a kid is for a set of one key.
func (j *JWKS) Key(ctx context.Context, alg, kid string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*j.cfg.Timeout) // an attempt that is going on, and the next
	defer cancel()
	select {
	case <-j.tried:
	case <-ctx.Done():
		return nil, domain.Unavailable(ctx.Err())
	}
	set := j.known()
	if set == nil {
		return nil, domain.Unavailable(errors.New("no keys have been fetched yet"))
	}
	if key := set.find(alg, kid); key != nil {
		return key, nil
	}
	if kid == "" || len(kid) > maxKID || set.has(kid) {
		return nil, errNoKey
	}
	if err := j.lookAgain(ctx, kid); err != nil {
		return nil, err
	}
	if key := j.known().find(alg, kid); key != nil {
		return key, nil
	}
	return nil, errNoKey
}

var errNoKey = errors.New("no such key")

// lookAgain has the keys fetched for one that is unknown. It returns errNoKey for one that was looked for
// in vain a moment ago, and UNAVAILABLE if that cannot be told.
func (j *JWKS) lookAgain(ctx context.Context, kid string) error {
	f, err := j.ask(kid)
	if err != nil {
		return err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return domain.Unavailable(ctx.Err())
	}
	if f.err != nil {
		return domain.Unavailable(fmt.Errorf("fetch keys: %w", f.err))
	}
	if !j.known().has(kid) {
		j.miss(kid)
	}
	return nil
}

// ask returns the next attempt, which all share who ask before it begins.
func (j *JWKS) ask(kid string) (*fetch, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.cfg.Now()
	if at, ok := j.missing[kid]; ok && now.Sub(at) < j.cfg.RefetchEvery {
		return nil, errNoKey
	}
	if j.next != nil {
		return j.next, nil
	}
	j.budget = min(refetchBurst, j.budget+now.Sub(j.filled).Seconds()/j.cfg.RefetchEvery.Seconds())
	j.filled = now
	if j.budget < 1 {
		return nil, domain.Unavailable(errors.New("keys were fetched too often lately"))
	}
	j.budget--
	j.next = &fetch{done: make(chan struct{})}
	select {
	case j.wanted <- struct{}{}:
	default:
	}
	return j.next, nil
}

func (j *JWKS) miss(kid string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.missing) >= maxMissing {
		clear(j.missing)
	}
	j.missing[kid] = j.cfg.Now()
}
