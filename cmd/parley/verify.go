package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"parley/eventstore/postgres"
	"parley/projections"
	"parley/projections/verify"
)

// viewStatus is how the views are, with what is known of their drift.
type viewStatus struct {
	runner *projections.Runner
	drift  *verify.Watch
}

// Status lists the views by name.
func (s viewStatus) Status() []projections.Status {
	list := s.runner.Status()
	for i := range list {
		list[i].Drift = s.drift.Drift(list[i].Name)
	}
	return list
}

func verifyCommand() *cobra.Command {
	var (
		sample, most int
		seed         uint64
		linked       bool
		expect       []string
	)
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove the views from the log, or the log itself",
		Long: "Folds the log, or a sample of it, by the rules of the domain and compares what the views show, each at the position\n" +
			"where it is. Nodes may be running. What differs is printed; the exit code is then 1.\n\n" +
			"With --chain it proves the log instead: each event carries a hash of itself and of all events before it. The first position that\n" +
			"is missing or not what was recorded is printed; the exit code is then 1. Else it prints the last position and hash: noted\n" +
			"elsewhere, they prove with --expect that the past is still the same, also to who could write to the database.\nReads DATABASE_URL.",
		Example: "  parley verify\n  parley verify --sample 500\n  parley rebuild messages   # mends a view\n" +
			"  parley verify --chain\n  parley verify --chain --expect 1200:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sample < 0 || most < 1 {
				return usagef("--sample must not be negative, --differences at least 1")
			}
			expected, err := parseNoted(expect)
			if err != nil {
				return err
			}
			if len(expected) > 0 && !linked {
				return usagef("--expect needs --chain")
			}
			if linked {
				return withLog(cmd, func(ctx context.Context, n *node) error {
					return proveChain(ctx, n.store, expected, cmd.OutOrStdout(), cmd.ErrOrStderr())
				})
			}
			if !cmd.Flags().Changed("seed") {
				seed = rand.Uint64() //nolint:gosec // chooses what to look at, protects nothing
			}
			return withLog(cmd, func(ctx context.Context, n *node) error {
				v := verification{Verifier: verify.New(n.pool, n.store), out: cmd.OutOrStdout(), most: most}
				return v.run(ctx, n.store, cmd.ErrOrStderr(), sample, seed)
			})
		},
	}
	cmd.Flags().IntVar(&sample, "sample", 0, "compare only so many rooms and users, picked at random, busy ones rather (0: all)")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "pick the same sample again (default: another each time; it is printed)")
	cmd.Flags().IntVar(&most, "differences", 20, "print at most so many differences")
	cmd.Flags().BoolVar(&linked, "chain", false, "prove the log by its chain of hashes")
	cmd.Flags().StringArrayVar(&expect, "expect", nil, "a POSITION:HASH that was printed before (may be repeated)")
	return cmd
}

// withLog opens the database for a tool that reads the log and the views.
func withLog(cmd *cobra.Command, do func(context.Context, *node) error) error {
	return withDatabase(func(cmd *cobra.Command, dsn string) error {
		n := &node{logger: slog.New(slog.DiscardHandler), name: nodeName()}
		defer n.close()
		var err error
		if n.pool, err = openPostgres(cmd.Context(), "DATABASE_URL", dsn); err != nil {
			return err
		}
		n.store = postgres.New(n.pool, postgres.Config{AllowUnsafe: true})
		return do(cmd.Context(), n)
	})(cmd, nil)
}

// verification is one run of the command.
type verification struct {
	*verify.Verifier

	out  io.Writer
	most int

	things, events, differences int
	progress                    *progress
}

var errDrift = errors.New("the views are not what the log says")

func (v *verification) run(ctx context.Context, log verify.Log, progressTo io.Writer, sample int, seed uint64) error {
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	if sample == 0 {
		v.progress = newProgress(progressTo, "verify", int64(head))
		err = v.All(ctx, func(t verify.Thing) error { return v.check(ctx, t) })
	} else {
		fmt.Fprintf(v.out, "sample of %d, seed %d\n", sample, seed)
		v.progress = newProgress(progressTo, "verify", 0)
		var things []verify.Thing
		things, err = v.Sample(ctx, sample, seed)
		for i := 0; err == nil && i < len(things); i++ {
			err = v.check(ctx, things[i])
		}
	}
	v.progress.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(v.out, "%d rooms and users, %d events: %d differences\n", v.things, v.events, v.differences)
	if v.differences > 0 {
		return errDrift
	}
	return nil
}

func (v *verification) check(ctx context.Context, t verify.Thing) error {
	found, events, err := v.Thing(ctx, t)
	if err != nil {
		return err
	}
	v.things++
	v.events += events
	v.progress.at(int64(v.events))
	for _, d := range found {
		if v.differences++; v.differences <= v.most {
			fmt.Fprintln(v.out, d)
		}
	}
	return nil
}
