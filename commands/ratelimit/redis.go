package ratelimit

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed allow.lua
var allowSource string

// Config tunes a Redis limiter. The zero value works.
type Config struct {
	// Prefix is put before each key, in braces: in a cluster all keys are in one slot. Zero means "parley:rate:".
	Prefix string
	// Wait bounds how long one answer of Redis is waited for. Zero means 50 ms.
	Wait time.Duration
	// Retry is how long Redis is left alone after it failed to answer. Zero means 1 s.
	Retry time.Duration
	// Batch is how many actions are counted in one round trip at most. Zero means 128.
	Batch int
	// Keys is how many keys this process remembers. Zero means 100,000.
	Keys int
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger hears when Redis goes away and when it is back. Nil means nobody does.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Prefix = cmp.Or(c.Prefix, "parley:rate:")
	c.Wait = cmp.Or(c.Wait, 50*time.Millisecond)
	c.Retry = cmp.Or(c.Retry, time.Second)
	c.Batch = cmp.Or(c.Batch, 128)
	c.Keys = cmp.Or(c.Keys, defaultKeys)
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // the clock of a program that brings none
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Redis counts for all processes. It is safe for concurrent use.
type Redis struct {
	cfg    Config
	client redis.UniversalClient
	script *redis.Script
	local  *Local
	queue  chan *request

	// away is set while Redis does not answer; it is asked again at retryAt (Unix nanoseconds).
	away    atomic.Bool
	retryAt atomic.Int64
}

// request is a question that waits for its answer.
type request struct {
	question
	key    string
	limit  int
	window time.Duration
	// gone is set by an asker who waits no more: counting for it would be unfair.
	gone   atomic.Bool
	answer chan answer
}

type answer struct {
	wait time.Duration
	// taken are actions, one at least, if there is nothing to wait for; latest is when the last of them happens, in
	// microseconds.
	taken  int
	latest int64
	err    error
}

var errNoAnswer = errors.New("redis did not answer in time")

// NewRedis counts with that client, whose option ContextTimeoutEnabled should be set: a
// Redis that hangs then holds nothing longer than Config.Wait. Run must be running.
func NewRedis(client redis.UniversalClient, cfg Config) *Redis {
	cfg = cfg.withDefaults()
	return &Redis{
		cfg: cfg, client: client, script: redis.NewScript(allowSource), local: newLocal(cfg.Now, cfg.Keys),
		queue: make(chan *request, cfg.Batch),
	}
}

// Allow takes an action of the key, or says how long it has to wait. A limit of 0 or less
// allows everything. It fails when ctx ends first, with its error.
func (l *Redis) Allow(ctx context.Context, key string, limit int, window time.Duration) (time.Duration, error) {
	if limit <= 0 {
		return 0, nil
	}
	wait, question := l.local.begin(key, limit, window)
	if question == nil {
		return wait, nil
	}
	if !l.mayAsk() {
		return l.local.take(key, limit, window), nil
	}
	r := &request{question: *question, key: "{" + l.cfg.Prefix + "}" + key, limit: limit, window: window, answer: make(chan answer, 1)}
	a := l.ask(ctx, r)
	switch {
	case a.err == nil:
		l.succeeded()
	case ctx.Err() != nil:
		return 0, ctx.Err()
	default:
		l.failed(a.err)
		return l.local.take(key, limit, window), nil
	}
	if a.wait == 0 {
		l.local.took(key, question, a.taken, a.latest, window)
	}
	return a.wait, nil
}

// mayAsk is true while Redis answers; after that, for one asker in each Retry.
func (l *Redis) mayAsk() bool {
	if !l.away.Load() {
		return true
	}
	at, now := l.retryAt.Load(), l.cfg.Now().UnixNano()
	return now >= at && l.retryAt.CompareAndSwap(at, now+int64(l.cfg.Retry))
}

func (l *Redis) succeeded() {
	if l.away.Load() && l.away.CompareAndSwap(true, false) {
		l.cfg.Logger.Info("rate limits are counted in redis again")
	}
}

func (l *Redis) failed(err error) {
	l.retryAt.Store(l.cfg.Now().Add(l.cfg.Retry).UnixNano())
	if l.away.CompareAndSwap(false, true) {
		l.cfg.Logger.Warn("rate limits are counted by this node alone", "error", err)
	}
}

func (l *Redis) ask(ctx context.Context, r *request) answer {
	patience := time.NewTimer(l.cfg.Wait)
	defer patience.Stop()
	select {
	case l.queue <- r:
	case <-patience.C:
		return answer{err: errNoAnswer}
	case <-ctx.Done():
		return answer{err: ctx.Err()}
	}
	select {
	case a := <-r.answer:
		return a
	case <-patience.C:
		r.gone.Store(true)
		return answer{err: errNoAnswer}
	case <-ctx.Done():
		r.gone.Store(true)
		return answer{err: ctx.Err()}
	}
}

// Run asks Redis for everybody until ctx ends. What was not answered by then is counted
// locally.
func (l *Redis) Run(ctx context.Context) error {
	for {
		select {
		case first := <-l.queue:
			l.count(ctx, l.gather(first))
		case <-ctx.Done():
			return nil
		}
	}
}

// gather takes what else has been asked meanwhile.
func (l *Redis) gather(first *request) []*request {
	batch := []*request{first}
	for len(batch) < l.cfg.Batch {
		select {
		case r := <-l.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// count answers a batch in one round trip; two when Redis has forgotten the script.
func (l *Redis) count(ctx context.Context, batch []*request) {
	batch = slices.DeleteFunc(batch, func(r *request) bool { return r.gone.Load() })
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Wait)
	defer cancel()
	keys, args := make([]string, 0, len(batch)), make([]any, 0, argsOfKey*len(batch))
	for _, r := range batch {
		keys = append(keys, r.key)
		args = append(args, r.limit, r.window.Microseconds(), r.wanted, life(r.window).Microseconds(), r.unused, r.latest)
	}
	counts, err := l.script.Run(ctx, l.client, keys, args...).Int64Slice()
	if err == nil && len(counts) != answersOfKey*len(batch) {
		err = fmt.Errorf("%d numbers for %d keys", len(counts), len(batch))
	}
	for i, r := range batch {
		if err != nil {
			r.answer <- answer{err: fmt.Errorf("count in redis: %w", err)}
			continue
		}
		of := counts[answersOfKey*i:]
		r.answer <- answer{wait: time.Duration(of[0]) * time.Microsecond, taken: int(of[1]), latest: of[2]}
	}
}

// What the script takes and answers for each key.
const argsOfKey, answersOfKey = 6, 3
