package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// The servers that are compared.
const (
	parley   = "Parley"
	nodePeer = "Node"
	barePeer = "bare"
)

const nodePeerDir = "bench/peers/node"

// startPeer starts one of the servers on a database of its own.
func (b *bench) startPeer(ctx context.Context, name string, env ...string) (*server, error) {
	switch name {
	case parley:
		return b.startParley(ctx, env...)
	case nodePeer:
		return b.startNode(ctx, env...)
	default:
		return b.startBare(ctx)
	}
}

// startParley starts a node with the settings of a user, but for the limits of messages and of connections from one address.
func (b *bench) startParley(ctx context.Context, env ...string) (*server, error) {
	dsn, err := b.database(ctx, "parley")
	if err != nil {
		return nil, err
	}
	return b.parleyOn(ctx, dsn, env...)
}

func (b *bench) parleyOn(ctx context.Context, dsn string, env ...string) (*server, error) {
	return startServer(ctx, b, dsn, 10*time.Minute, append([]string{"SOCKET_RATE_LIMIT_MESSAGES=0"}, env...)...)
}

// startNode starts the Node peer; with the same database and stream, it is a further process of the same chat.
func (b *bench) startNode(ctx context.Context, env ...string) (*server, error) {
	dsn, err := b.emptyDatabase(ctx, "node")
	if err != nil {
		return nil, err
	}
	return b.nodeOn(ctx, dsn, env...)
}

func (b *bench) nodeOn(ctx context.Context, dsn string, env ...string) (*server, error) {
	if err := installNode(ctx); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	stream := "bench:" + config.Database
	b.streams = append(b.streams, stream)
	cmd := exec.CommandContext(ctx, "node", nodePeerDir+"/server.js")
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "DATABASE_URL="+dsn, "REDIS_URL="+b.redisURL, "REDIS_STREAM="+stream, "JWT_SECRET="+benchSecret)
	cmd.Env = append(cmd.Env, env...)
	return b.startProcess(ctx, cmd, time.Minute)
}

// startBare starts the bound that keeps nothing.
func (b *bench) startBare(ctx context.Context) (*server, error) {
	binary, err := filepath.Abs(b.binary + "-bare")
	if err != nil {
		return nil, err
	}
	return b.startProcess(ctx, exec.CommandContext(ctx, binary), time.Minute)
}

// installNode installs the Node peer's packages, as locked, unless they are there.
func installNode(ctx context.Context) error {
	installed, err := newer(filepath.Join(nodePeerDir, "node_modules", ".package-lock.json"), filepath.Join(nodePeerDir, "package-lock.json"))
	if err != nil || installed {
		return err
	}
	progress("installing the Node peer's packages (npm ci)")
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	cmd.Dir = nodePeerDir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", nodePeerDir, err, out)
	}
	return nil
}

// newer says whether a file is there and at least as new as another.
func newer(file, than string) (bool, error) {
	there, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	other, err := os.Stat(than)
	return err == nil && !there.ModTime().Before(other.ModTime()), err
}

// dropStreams removes the Node peer's streams from Redis.
func (b *bench) dropStreams(ctx context.Context) {
	if len(b.streams) == 0 {
		return
	}
	options, err := redis.ParseURL(b.redisURL)
	if err != nil {
		return // a cluster, which the Node peer does not speak to
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.Del(ctx, b.streams...).Err(); err != nil {
		progress("streams in Redis are left: %v", err)
	}
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
