// Command bench measures Parley beside references that it makes itself, on the same Postgres in
// the same run. Machines are noisy: what counts are the ratios, the medians of alternating
// rounds. It works in databases of its own and drops them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// options are the size of a run.
type options struct {
	binary   string
	rounds   int
	duration time.Duration
	sockets  int
	events   int
}

// row is one line of the table.
type row struct {
	work, figure, budget string
	met                  bool
}

// scenario is one thing to measure.
type scenario struct {
	name string
	what string
	run  func(ctx context.Context, b *bench) ([]row, error)
	// part is set for what looks at one part of Parley, and is not in the comparison.
	part bool
}

func scenarios() []scenario {
	return []scenario{
		{fanout, "deliveries in rooms of 10 to 10,000, against Node and bare", benchFanout, false},
		{sending, "durable sends, against Node", benchSend, false},
		{"ratelimit", "durable sends with the rate limit in Redis", benchRateLimit, false},
		{"disk", "durable sends on a slower disk", benchSlowDisk, false},
		{connecting, "connections/s and the memory of idle ones, against Node and bare", benchConnect, false},
		{nodes, "two nodes, against one", benchNodes, false},
		{ordering, "the order of messages across two nodes, against Node", benchOrder, false},
		{comeback, "5,000 clients that come back at once, against Node", benchReconnect, false},
		{size, "durable sends on logs of a thousand to a million events", benchSize, false},
		{"rooms", "durable sends in ten rooms, with and without 990 others", benchManyRooms, false},

		{"sends", "durable sends of 500 senders in one process, against one INSERT per transaction and COPY", benchSends, true},
		{"single", "one sender alone, against one bare commit", benchSingle, true},
		{"growth", "sends on a long log, against a short one", benchGrowth, true},
		{"catchup", "a follower reading the log from its start", benchCatchUp, true},
		{"idle", "memory of an idle WebSocket connection", benchIdle, true},
		{"recovery", "a client that comes back to 100 missed messages, of few and of many events", benchRecovery, true},
		{"views", "views taking in a log, and keeping up with senders", benchViews, true},
		{"rebuild", "views made anew from a long log", benchRebuild, true},
		{"pages", "what clients read, of few and of many messages, against the bare statements", benchPages, true},
		{"replay", "analysts who play a long log", benchReplay, true},
		{"followers", "analysts who follow the log beside senders", benchFollowers, true},
		{"storm", "all sockets come back at once, with 50 missed messages each", benchStorm, true},
	}
}

// chosen are the scenarios that a name stands for: one of them, all, or, for the empty name, the comparison.
func chosen(name string) []scenario {
	return slices.DeleteFunc(scenarios(), func(s scenario) bool {
		return name != "all" && name != s.name && (name != "" || s.part)
	})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // the process ends: stop has nothing left to do
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	var o options
	var only, profile, results, serverLog string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.binary, "binary", ".local/bin/parley", "the program, for the scenarios that start a node")
	flags.IntVar(&o.rounds, "rounds", 3, "alternating rounds; the median counts")
	flags.DurationVar(&o.duration, "duration", 3*time.Second, "length of each measurement")
	flags.IntVar(&o.sockets, "sockets", 5000, "sockets that are idle, or come back at once")
	flags.IntVar(&o.events, "events", 1_000_000, "length of the long log")
	flags.StringVar(&only, "scenario", os.Getenv("SCENARIO"), "run one of: "+scenarioNames()+"; or all (the default is what is compared with others)")
	flags.StringVar(&results, "results", "", "write the comparison as Markdown to this file, and its plots below a folder beside it")
	flags.StringVar(&serverLog, "log", "", "file for what the servers say (the default is standard error)")
	flags.StringVar(&profile, "cpuprofile", "", "write a CPU profile of this process to a file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	stopProfile, err := startProfile(profile)
	if err != nil {
		return err
	}
	defer stopProfile()
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close(ctx)
	if serverLog != "" {
		file, err := os.Create(serverLog)
		if err != nil {
			return err
		}
		defer file.Close()
		b.serverLog = file
	}

	all := chosen(only)
	if len(all) == 0 {
		return fmt.Errorf("no scenario %q; there are %s", only, scenarioNames())
	}
	rows, failed := b.runAll(ctx, all)
	if ctx.Err() != nil {
		return failed
	}
	if results != "" {
		if err := b.writeResults(results, rows, b.facts(ctx)); err != nil {
			return err
		}
	}
	return errors.Join(printTable(out, rows), failed)
}

// runAll runs scenarios one after another and says how they fare. One that fails has a row that says so.
func (b *bench) runAll(ctx context.Context, all []scenario) (rows []row, failed error) {
	began := time.Now()
	for _, s := range all {
		progress("%s (at %s): %s …", s.name, time.Since(began).Round(time.Second), s.what)
		measured, err := s.run(ctx, b)
		if ctx.Err() != nil {
			return rows, ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			measured = []row{{s.what, "failed", "measured", false}}
		}
		rows = append(rows, measured...)
	}
	progress("measured for %s", time.Since(began).Round(time.Second))
	return append(rows, b.journal.correctness()...), failed
}

func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}, nil
}

func scenarioNames() string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

func printTable(out io.Writer, rows []row) error {
	fmt.Fprintf(out, "%s, %d cores, %s\n\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.Version())
	return writeRows(out, rows)
}

func writeRows(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| work\t| figure\t| budget\t| met\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|")
	for _, r := range rows {
		met := "yes"
		switch {
		case r.budget == "":
			met = ""
		case !r.met:
			met = "NO"
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t|\n", r.work, r.figure, r.budget, met)
	}
	return w.Flush()
}

func median[T int | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
