package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"parley/migrations"
)

func serveCommand() *cobra.Command {
	var migrate, demo bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start a node: sockets, REST and diagnostics on one port",
		Long: "Starts a node. Pending migrations are applied first. SIGTERM or Ctrl-C drains it: no new connections,\n" +
			"clients are told, commands in flight are finished, sockets are closed.\n\n" +
			"Settings, from the environment or a .env file:\n" + settingsHelp(),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings()
			if err != nil {
				return err
			}
			if err := s.validate(); err != nil {
				return err
			}
			if demo && s.JWTSecret == "" {
				return usagef("--demo makes local accounts: JWT_SECRET is required")
			}
			s.demo = demo
			return serve(cmd, s, migrate)
		},
	}
	cmd.Flags().BoolVar(&migrate, "migrate", true, "apply pending migrations first; with --migrate=false refuse to start while there are any")
	cmd.Flags().BoolVar(&demo, "demo", false, "make demo users, an administrator among them, and a demo room, print how to connect, and listen on this machine alone unless LISTEN_ADDR is set")
	return cmd
}

func serve(cmd *cobra.Command, s settings, migrate bool) error {
	ctx := cmd.Context()
	if err := prepareSchema(cmd, s.DatabaseURL, migrate); err != nil {
		return err
	}
	logger := s.logger(cmd.ErrOrStderr())
	redis.SetLogger(redisLog{logger}) // its only way out, and it is one for the process
	traceLog(logger)
	n, err := newNode(ctx, s, logger)
	if err != nil {
		return err
	}
	defer n.close()
	if s.demo {
		n.onReady = func() error { return n.demo(ctx, cmd.OutOrStdout()) }
	}
	return n.run(ctx)
}

func prepareSchema(cmd *cobra.Command, dsn string, migrate bool) error {
	if migrate {
		return migrations.Up(cmd.Context(), dsn)
	}
	err := migrations.Check(cmd.Context(), dsn)
	if errors.Is(err, migrations.ErrPending) {
		return fmt.Errorf("%w: run `parley migrate up`, or start without --migrate=false", err)
	}
	return err
}

// redisLog puts what the Redis client says about its connections into our log, below the
// messages of the parts that use it.
type redisLog struct{ logger *slog.Logger }

// Printf implements the client's logger.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.logger.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, args...))
}
