package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/erasure"
)

// wireErasure needs the sessions, and Redis.
func (n *node) wireErasure() {
	n.eraser = erasure.New(n.store, erasure.Config{
		Forget: n.sessions.Forget, Settle: n.settled, Drop: n.dropStreams,
		Tables: []string{"views.users", "views.members", "views.messages", "views.search", "views.presence", "auth.accounts", "auth.sessions"},
		Logger: n.logger,
	})
}

// Views are waited for so long; then the erasure is left to the next who looks.
const (
	settleTimeout = 20 * time.Second
	settlePoll    = 20 * time.Millisecond
)

// settled waits until the tables of all views are at a position, whoever writes them.
func (n *node) settled(ctx context.Context, at event.Position) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for {
		var behind bool
		err := n.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM views.checkpoints WHERE position < $1)", int64(at)).Scan(&behind)
		if err == nil && !behind {
			return nil
		}
		select {
		case <-ctx.Done():
			return domain.Unavailable(fmt.Errorf("the views have not reached position %d (does a node run?): %w", at, ctx.Err()))
		case <-time.After(settlePoll):
		}
	}
}

// dropStreams empties the streams in Redis. Who has not read them yet reads the log.
func (n *node) dropStreams(ctx context.Context) error {
	for _, topic := range []string{n.topic(), n.typingTopic()} {
		if err := n.redis.XTrimMaxLen(ctx, topic, 0).Err(); err != nil {
			return domain.Unavailable(fmt.Errorf("empty a stream in Redis: %w", err))
		}
	}
	return nil
}

func userErase() *cobra.Command {
	var byName bool
	cmd := &cobra.Command{
		Use: "erase ID", Short: "Blank what a user wrote and was called by, everywhere and for good", Args: oneArg,
		Long: "Shuts the user out, deletes the local account, and blanks the user's messages and profile in the log, the views and Redis.\n" +
			"Positions, ids and the chain of hashes stay, and an event that says so. It cannot be undone; backups and exports are not reached.\n" +
			"One that is interrupted is finished by running it again, or by a node.\nReads DATABASE_URL and REDIS_URL. A node has to run, or to be started: it brings the views up to date.",
		Example: "  parley user erase 8f14e45f-ceea-467f-ab2d-1f0c8f1e3a77\n  parley user erase --username ada",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				id := args[0]
				if byName {
					account, err := t.accounts.FindAccount(ctx, id)
					if err != nil {
						return err
					}
					id = account.UserID
				}
				return t.erase(ctx, id, cmd.OutOrStdout(), cmd.ErrOrStderr())
			})
		},
	}
	cmd.Flags().BoolVar(&byName, "username", false, "the argument is the username of a local account")
	return cmd
}

func (t *accountTools) erase(ctx context.Context, id string, out, progressTo io.Writer) error {
	n := t.node
	if n.settings.RedisURL == "" {
		return usagef("REDIS_URL is required: Redis holds what was sent lately")
	}
	var err error
	if n.redisOptions, err = redisOptions(n.settings.RedisURL); err != nil {
		return err
	}
	n.redis = redis.NewUniversalClient(&n.redisOptions)
	if err := n.identify(ctx); err != nil {
		return err
	}
	n.wireErasure()
	done, err := t.commands.EraseUser.Do(ctx, operator(), commands.UserRef{UserID: id})
	if err != nil {
		return err
	}
	bar := newProgress(progressTo, "erase", int64(done.Position))
	err = n.eraser.Finish(ctx, done.Position, func(at event.Position) { bar.at(int64(at)) })
	bar.end()
	if err != nil {
		return err
	}
	if err := n.eraser.Vacuum(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "erased %s at position %d\n", id, done.Position)
	return err
}
