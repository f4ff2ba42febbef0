package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/domain/event"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/presence"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
	"parley/projections/users"
)

// views are all that there are, in the order in which they are rebuilt.
func views() []func(schema string) projections.Projector {
	return []func(string) projections.Projector{
		func(s string) projections.Projector { return users.NewProjector(s) },
		func(s string) projections.Projector { return rooms.NewProjector(s) },
		func(s string) projections.Projector { return messages.NewProjector(s) },
		func(s string) projections.Projector { return receipts.NewProjector(s) },
		func(s string) projections.Projector { return presence.NewProjector(s) },
		func(s string) projections.Projector { return search.NewProjector(s) },
	}
}

// liveViews are those that nodes keep and clients read.
func liveViews() []projections.Projector {
	var list []projections.Projector
	for _, build := range views() {
		list = append(list, build(""))
	}
	return list
}

// viewNames lists them.
func viewNames() []string {
	var names []string
	for _, build := range views() {
		names = append(names, build("").Name())
	}
	return names
}

func rebuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild NAME|all",
		Short: "Make a view anew from the log, while nodes run",
		Long: "Builds the tables of a view beside the live ones and puts them in their place when they have caught up: readers wait for\n" +
			"a moment, half a second at most. Then both are compared as of that moment. If they differ, the new tables are kept, the difference is\n" +
			"printed, and the exit code is 1. A rebuild that is stopped leaves the live tables as they are; the next one begins anew.\n\n" +
			"Views: " + strings.Join(viewNames(), ", ") + ".\nReads DATABASE_URL.",
		Example: "  parley rebuild messages\n  parley rebuild all",
		Args:    oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen := views()
			if args[0] != "all" {
				i := slices.Index(viewNames(), args[0])
				if i < 0 {
					return usagef("there is no view %q: name one of %s, or all", args[0], strings.Join(viewNames(), ", "))
				}
				chosen = chosen[i : i+1]
			}
			return withLog(cmd, func(ctx context.Context, n *node) error {
				var errs []error
				for _, build := range chosen {
					errs = append(errs, rebuild(ctx, n, build, cmd.OutOrStdout(), cmd.ErrOrStderr()))
				}
				return errors.Join(errs...)
			})
		},
	}
}

func rebuild(ctx context.Context, n *node, build func(string) projections.Projector, out, progressTo io.Writer) error {
	name := build("").Name()
	p := newProgress(progressTo, "rebuild "+name, 0)
	result, err := projections.Rebuild{
		Pool: n.pool, Log: n.store, Build: build,
		Progress: func(done, head event.Position) {
			p.total = int64(head)
			p.at(int64(done))
		},
	}.Run(ctx)
	p.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %d events in %s, %.0f events/s, in place at position %d\n", name, result.Events,
		result.Took.Round(time.Millisecond), float64(result.Events)/max(result.Took.Seconds(), 1e-9), result.Position)
	fmt.Fprintf(out, "  new: %s\n", result.New)
	switch {
	case !result.Compared:
		fmt.Fprintln(out, "  the old tables were behind, and are not compared")
		return nil
	case result.Old == result.New:
		fmt.Fprintln(out, "  the old tables were the same")
		return nil
	}
	fmt.Fprintf(out, "  old: %s\n", result.Old)
	for _, line := range result.Differences {
		fmt.Fprintln(out, " ", line)
	}
	return fmt.Errorf("view %s was not what the log says; it is now", name)
}
