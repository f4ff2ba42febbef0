package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"parley/api/replay"
	"parley/domain/event"
	"parley/eventstore/postgres"
)

// replayOptions are the flags of `parley replay`.
type replayOptions struct {
	query  url.Values
	output string
	resume bool
	exec   string
	speed  float64
}

func replayCommand() *cobra.Command {
	var o replayOptions
	var speed string
	filters := map[string]*string{}
	var follow bool
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Play events of the log to a file, a program or standard output",
		Long: "Plays the log, or a part of it, straight from the database: every event once, in the order of positions, up to the end that\n" +
			"the log has now; with --follow it then goes on until it is stopped. The formats are lines of JSON (ndjson), server-sent events (sse),\n" +
			"and parquet. Reads DATABASE_READ_URL, or DATABASE_URL.\n\n" +
			"A replay into a file that was stopped, or killed, goes on with --resume and the same filters: what it did not finish writing is\n" +
			"cut off, and the file becomes what it would have been. Parquet files, whose index stands at their end, cannot be resumed.\n\n" +
			"Categories: " + strings.Join(event.Categories(), ", ") + ".\nTypes: " + wrapped(event.Types()) + ".",
		Example: "  parley replay --types MessageSent --since 2026-01-01T00:00:00Z > messages.ndjson\n" +
			"  parley replay --output log.ndjson --resume\n" +
			"  parley replay --format parquet --output log.parquet\n" +
			"  parley replay --streams messages-general --speed 10 --exec 'jq -r .data.content'\n" +
			"  parley replay --from 1000000 --follow --exec ./consume.py",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.query = url.Values{}
			for name, value := range filters {
				if cmd.Flags().Changed(name) {
					o.query.Set(name, *value)
				}
			}
			if follow {
				o.query.Set("follow", "true")
			}
			request, err := o.request(speed)
			if err != nil {
				return err
			}
			return withReadLog(cmd, func(ctx context.Context, store *postgres.Store) error {
				return o.run(ctx, cmd, store, request)
			})
		},
	}
	for _, f := range [][2]string{
		{"from", "first position"},
		{"to", "last position"},
		{"since", "recorded at or after this time (RFC 3339)"},
		{"until", "recorded at or before this time"},
		{"types", "events of these types, comma list"},
		{"streams", "events of these streams, such as messages-<room id>, comma list"},
		{"categories", "events of these kinds of streams, comma list"},
		{"limit", "so many events at most"},
		{"format", "ndjson, sse or parquet (default ndjson)"},
	} {
		filters[f[0]] = cmd.Flags().String(f[0], "", f[1])
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with what is recorded from now on")
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "write to this file instead of standard output")
	cmd.Flags().BoolVar(&o.resume, "resume", false, "go on after the last whole event of --output")
	cmd.Flags().StringVar(&o.exec, "exec", "", "feed the events to the standard input of this shell command, which runs once")
	cmd.Flags().StringVar(&speed, "speed", "max", "max, or how many times as fast as it happened: 1, 10, 0.5")
	return cmd
}

// wrapped is a list in lines that fit a terminal.
func wrapped(words []string) string {
	var b strings.Builder
	line := len("Types: ")
	for i, word := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		if line += len(word) + 2; line > 120 {
			b.WriteString("\n  ")
			line = len(word) + 4
		}
		b.WriteString(word)
	}
	return b.String()
}

// request checks the flags.
func (o *replayOptions) request(speed string) (replay.Request, error) {
	r, fields := replay.Parse(o.query)
	for _, name := range replay.Parameters() {
		if problem, wrong := fields[name]; wrong {
			return r, usagef("--%s %s", name, problem)
		}
	}
	if speed != "max" {
		var err error
		if o.speed, err = strconv.ParseFloat(speed, 64); err != nil || !(o.speed > 0 && o.speed <= 1e9) {
			return r, usagef("--speed must be max, or a number above 0")
		}
	}
	switch {
	case o.output != "" && o.exec != "":
		return r, usagef("--output and --exec do not go together: use tee")
	case o.resume && o.output == "":
		return r, usagef("--resume needs --output; elsewhere go on with --from")
	case r.Format == replay.Parquet && o.resume:
		return r, usagef("a parquet file cannot be resumed: its index stands at its end")
	case r.Format == replay.Parquet && (o.speed > 0 || o.exec != ""):
		return r, usagef("--speed and --exec are for events one by one, not for parquet")
	}
	return r, nil
}

// withReadLog opens the log for reading, on the replica when there is one.
func withReadLog(cmd *cobra.Command, do func(context.Context, *postgres.Store) error) error {
	s, err := loadSettings()
	if err != nil {
		return err
	}
	variable, dsn := "DATABASE_READ_URL", s.DatabaseReadURL
	if dsn == "" {
		variable, dsn = "DATABASE_URL", s.DatabaseURL
	}
	if dsn == "" {
		return usagef("DATABASE_URL is required")
	}
	pool, err := openPostgres(cmd.Context(), variable, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	return do(cmd.Context(), postgres.New(pool, postgres.Config{Logger: slog.New(slog.DiscardHandler)}))
}

func (o *replayOptions) run(ctx context.Context, cmd *cobra.Command, store *postgres.Store, r replay.Request) error {
	out, err := o.open(ctx, cmd, &r)
	if err != nil || out == nil {
		return err
	}
	player := replay.New(store, nil, replay.Config{})
	plan, err := r.Plan(ctx, store)
	if err == nil {
		bar := newReplayBar(cmd.ErrOrStderr(), o, plan)
		err = player.Play(ctx, plan, out, replay.Options{Speed: o.speed, Progress: bar.at})
		bar.end()
	}
	closed := out.close()
	switch {
	case err == nil:
		return closed
	case ctx.Err() != nil:
		return errors.New("stopped before the end")
	case errors.Is(err, syscall.EPIPE) && closed == nil:
		return nil // the program has had enough
	}
	return errors.Join(err, closed)
}

// sink is where a replay goes.
type sink struct {
	*bufio.Writer

	// end ends what is behind it.
	end func() error
}

// close writes the last of it. What cannot be written any more is known from the write that failed before.
func (s *sink) close() error {
	flushed := s.Flush()
	if ended := s.end(); ended != nil || errors.Is(flushed, syscall.EPIPE) {
		return ended
	}
	return flushed
}

const sinkBuffer = 64 << 10

// open opens the output; none, without an error, when a file has all that was asked for already.
func (o *replayOptions) open(ctx context.Context, cmd *cobra.Command, r *replay.Request) (*sink, error) {
	switch {
	case o.exec != "":
		return execSink(ctx, cmd, o.exec)
	case o.output == "":
		return &sink{bufio.NewWriterSize(cmd.OutOrStdout(), sinkBuffer), func() error { return nil }}, nil
	}
	flags := os.O_RDWR | os.O_CREATE
	if !o.resume {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(o.output, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the output: %w", err)
	}
	if o.resume {
		done, err := resumeFile(file, r)
		if err != nil || done {
			return nil, errors.Join(err, file.Close())
		}
	}
	return &sink{bufio.NewWriterSize(file, sinkBuffer), func() error { return file.Close() }}, nil
}

// execSink starts a program that reads the events. It ends by itself when its input does; Ctrl-C reaches it, too.
func execSink(ctx context.Context, cmd *cobra.Command, line string) (*sink, error) {
	program := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", line)
	program.Stdout, program.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
	input, err := program.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := program.Start(); err != nil {
		return nil, fmt.Errorf("run the program: %w", err)
	}
	return &sink{bufio.NewWriterSize(input, sinkBuffer), func() error {
		_ = input.Close()
		if err := program.Wait(); err != nil && ctx.Err() == nil { // Ctrl-C may have ended it, too
			return fmt.Errorf("the program ended: %w", err)
		}
		return nil
	}}, nil
}

// replayBar shows on a terminal how far a replay is, unless the events are on it.
type replayBar struct {
	bar   *progressbar.ProgressBar
	first event.Position
}

func newReplayBar(errOut io.Writer, o *replayOptions, plan replay.Plan) *replayBar {
	b := &replayBar{first: plan.Past.After}
	if !isTerminal(errOut) || o.output == "" && isTerminal(os.Stdout) {
		return b
	}
	total := int64(plan.Past.UpTo - plan.Past.After)
	if plan.Follow || total < 0 {
		total = -1
	}
	b.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(errOut), progressbar.OptionSetDescription("replay"),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("events"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return b
}

// at is called after each write.
func (b *replayBar) at(_ int64, done event.Position) {
	if b.bar != nil && done >= b.first {
		_ = b.bar.Set64(int64(done - b.first)) // a terminal that is gone is no reason to stop
	}
}

func (b *replayBar) end() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
