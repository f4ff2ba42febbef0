package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/migrations"
)

// bench is what scenarios share.
type bench struct {
	options
	admin    *url.URL
	redisURL string
	// serverLog is where what the servers say goes.
	serverLog *os.File
	journal   journal
	created   []string // databases
	streams   []string // of the Node peer, in Redis
}

func newBench(_ context.Context, o options) (*bench, error) {
	admin, err := url.Parse(os.Getenv("DATABASE_URL"))
	if err != nil || admin.Host == "" && admin.RawQuery == "" {
		return nil, errors.New("DATABASE_URL must be a postgres:// URL: run `make bench`")
	}
	redisURL := os.Getenv("REDIS_URL")
	if redisURL == "" {
		return nil, errors.New("REDIS_URL is not set: run `make bench`")
	}
	return &bench{options: o, admin: admin, redisURL: redisURL, serverLog: os.Stderr}, nil
}

// database makes a fresh database with the schema in it.
func (b *bench) database(ctx context.Context, name string) (dsn string, err error) {
	dsn, err = b.emptyDatabase(ctx, name)
	if err != nil {
		return "", err
	}
	return dsn, migrations.Up(ctx, dsn)
}

func (b *bench) emptyDatabase(ctx context.Context, name string) (dsn string, err error) {
	name = fmt.Sprintf("parley_bench_%s_%d_%d", name, os.Getpid(), len(b.created))
	if err := b.exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	b.created = append(b.created, name)
	u := *b.admin
	u.Path = "/" + name
	return u.String(), nil
}

func (b *bench) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, b.admin.String())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

// close drops what database made, also after ctx has ended.
func (b *bench) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	b.dropStreams(ctx)
	for _, name := range b.created {
		drop := "DROP DATABASE IF EXISTS " + pgx.Identifier{name}.Sanitize()
		if b.exec(ctx, drop+" WITH (FORCE)") == nil {
			continue
		}
		if err := b.exec(ctx, drop); err != nil { // FORCE may not signal an autovacuum worker
			fmt.Fprintln(os.Stderr, "drop", name+":", err)
		}
	}
}

func pool(ctx context.Context, dsn string, conns int32) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = conns
	return pgxpool.NewWithConfig(ctx, cfg)
}
