package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"parley/bench/load"
)

const benchSecret = "bench-secret-bench-secret-bench-secret"

// benchIdle measures what the resident memory of a node grows by when sockets connect,
// authenticate and then stay quiet.
func benchIdle(ctx context.Context, b *bench) ([]row, error) {
	dsn, err := b.database(ctx, "idle")
	if err != nil {
		return nil, err
	}
	server, err := startServer(ctx, b, dsn, 30*time.Second)
	if err != nil {
		return nil, err
	}
	defer server.stop()

	// The first sockets pay for what is shared: pools, caches, the heap's own growth.
	warm, err := server.connect(ctx, 200)
	defer closeAll(warm)
	if err != nil {
		return nil, err
	}
	before, err := server.settledRSS(ctx)
	if err != nil {
		return nil, err
	}
	sockets, err := server.connect(ctx, b.sockets)
	defer closeAll(sockets)
	if err != nil {
		return nil, err
	}
	after, err := server.settledRSS(ctx)
	if err != nil {
		return nil, err
	}
	each := float64(after-before) / float64(b.sockets) / 1024
	return []row{{
		fmt.Sprintf("idle authenticated WebSocket connection, resident memory each at %d", b.sockets),
		fmt.Sprintf("%.1f KB", each), "at most 12 KB", each <= 12,
	}}, nil
}

// startServer starts a node and waits until it is ready. env are further settings.
func startServer(ctx context.Context, b *bench, dsn string, within time.Duration, env ...string) (*server, error) {
	binary, err := filepath.Abs(b.binary)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Dir = os.TempDir() // without the .env of this checkout
	cmd.Env = append(os.Environ(), "DATABASE_URL="+dsn, "REDIS_URL="+b.redisURL, "JWT_SECRET="+benchSecret,
		"AUTO_PROVISION=true", "SOCKET_MAX_CONNECTIONS_PER_IP=0", "LOG_LEVEL=warn")
	cmd.Env = append(cmd.Env, env...)
	return b.startProcess(ctx, cmd, within)
}

// connect opens so many sockets and waits until each is authenticated.
func (s *server) connect(ctx context.Context, count int) ([]*websocket.Conn, error) {
	conns := make([]*websocket.Conn, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range conns {
		group.Go(func() error {
			v, err := s.arrive(ctx, userID(i%100), nil)
			if err == nil {
				conns[i] = v.conn
			}
			return err
		})
	}
	return conns, group.Wait()
}

func closeAll(conns []*websocket.Conn) {
	for _, c := range conns {
		if c != nil {
			_ = c.Close()
		}
	}
}

// settledRSS is the resident memory in bytes once it has stopped falling.
func (s *server) settledRSS(ctx context.Context) (int64, error) {
	last := int64(-1)
	for range 20 {
		rss, err := load.ResidentBytes(s.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if last >= 0 && rss >= last-last/100 && rss <= last+last/100 {
			return rss, nil
		}
		last = rss
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
	return last, nil
}
