package testenv

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a Redis of a test's own, for tests that break it. It keeps
// its address through Kill, Stop and Start, but no data: it never writes any to disk.
type RedisServer struct {
	// URL is its address.
	URL string

	tb   testing.TB
	dir  string
	port int
	args []string // more of them
	proc *process
}

// StartRedis starts one, in some tens of milliseconds. It is gone when the test ends.
func StartRedis(tb testing.TB) *RedisServer {
	tb.Helper()
	return startRedis(tb)
}

func startRedis(tb testing.TB, args ...string) *RedisServer {
	tb.Helper()
	s := &RedisServer{tb: tb, dir: serviceDir(tb), args: args}
	tb.Cleanup(func() {
		if s.proc.running() {
			s.check(s.proc.kill())
		}
	})
	var err error
	for range startTries { // somebody may take the port that was just free
		if s.port, err = freePort(); err != nil {
			break
		}
		s.URL = fmt.Sprintf("redis://127.0.0.1:%d/0", s.port)
		if err = s.start(); err == nil {
			return s
		}
	}
	s.check(err)
	return nil
}

// Start starts a server that was stopped or killed, empty, and returns when it answers.
func (s *RedisServer) Start() {
	s.tb.Helper()
	s.check(s.start())
}

// Stop shuts it down in order.
func (s *RedisServer) Stop() {
	s.tb.Helper()
	s.check(s.proc.stop(syscall.SIGTERM))
}

// Kill ends it at once (SIGKILL).
func (s *RedisServer) Kill() {
	s.tb.Helper()
	s.check(s.proc.kill())
}

// Pause freezes it: connections stay open, nothing answers.
func (s *RedisServer) Pause() { s.proc.signalFamily(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *RedisServer) Resume() { s.proc.signalFamily(syscall.SIGCONT) }

// FlushAll removes all keys.
func (s *RedisServer) FlushAll() {
	s.tb.Helper()
	s.check(s.do(func(ctx context.Context, client *redis.Client) error { return client.FlushAll(ctx).Err() }))
}

func (s *RedisServer) check(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("private Redis: %v", err)
	}
}

func (s *RedisServer) start() error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("redis-server is missing: run `make services`: %w", err)
	}
	args := append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir, "--save", "", "--appendonly", "no"}, s.args...)
	p, err := launch(filepath.Join(s.dir, "redis.log"), program, args...)
	if err != nil {
		return err
	}
	s.proc = p
	return p.awaitReady(func() error {
		return s.do(func(ctx context.Context, client *redis.Client) error { return client.Ping(ctx).Err() })
	})
}

func (s *RedisServer) do(call func(context.Context, *redis.Client) error) error {
	options, err := redis.ParseURL(s.URL)
	if err != nil {
		return err
	}
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.tb.Context()), 5*time.Second)
	defer cancel()
	return call(ctx, client)
}
