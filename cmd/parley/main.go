// Command parley is an event-sourced chat backend: one binary that serves sockets and
// REST (serve), and the operator's tools beside it. This package only composes: what each part
// promises is written where the part lives.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage or settings (one line on standard error says which).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	// The first signal asks for a graceful stop; after it the default handling is back, so
	// a second one ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes of the program.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// usageError marks an error that the caller can mend by calling differently.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(errOut, "parley:", strings.Join(strings.Fields(err.Error()), " ")) // always one line
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	return exitFailed
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "parley",
		Short:         "An event-sourced chat backend",
		Long:          "Parley is a chat backend on one durable, gapless log of events.\n\nSettings come from the environment, or from a .env file in the current directory.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.Help(); err != nil {
				return err
			}
			return usagef("name a command")
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(), migrateCommand(), verifyCommand(), rebuildCommand(), replayCommand(), tokenCommand(), userCommand(), benchCommand(), versionCommand())
	return root
}

// noArgs refuses positional arguments as wrong usage; it also catches unknown commands.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unknown command or argument %q for %q, see %q", args[0], cmd.CommandPath(), cmd.CommandPath()+" --help")
	}
	return nil
}

// oneArg wants one positional argument.
func oneArg(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes 1 argument, got %d: %s", cmd.CommandPath(), len(args), cmd.UseLine())
	}
	return nil
}
