package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"parley/eventstore/bus"
)

// Pools are small on purpose: one appender and a few projectors write, the rest are short
// reads. More connections would only queue inside Postgres.
const (
	maxPostgresConns = 24
	connectTimeout   = 10 * time.Second
)

// noCompiling keeps Postgres from compiling what it runs. Every read here takes some rows out of an index; of a large log
// the planner expects more of them, and would compile for seconds what then runs for a millisecond.
const noCompiling = "SET jit = off"

// readBuffer is what is read from Postgres at a time. The driver takes 8 kB, and a page is some of these.
const readBuffer = 32 << 10

// openPostgres connects a pool and checks that the server answers.
func openPostgres(ctx context.Context, variable, dsn string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, usagef("%s is not a valid Postgres URL", variable) // the parser's own text may quote it
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		cfg.MaxConns = maxPostgresConns
	}
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "parley"
	}
	cfg.ConnConfig.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return pgproto3.NewFrontend(bufio.NewReaderSize(r, readBuffer), w)
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, noCompiling)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", variable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to %s: %w", variable, err)
	}
	return pool, nil
}

// redisOptions reads REDIS_URL.
func redisOptions(urls string) (redis.UniversalOptions, error) {
	opts, err := bus.ParseRedisURL(urls)
	if err != nil {
		return opts, errors.New("REDIS_URL must be redis:// or rediss://, or a comma list of them")
	}
	opts.DialTimeout = 2 * time.Second
	opts.ReadTimeout = 2 * time.Second
	opts.WriteTimeout = 2 * time.Second
	opts.DisableIdentity = true
	opts.ContextTimeoutEnabled = true
	return opts, nil
}
