// Command bench measures Parley beside references that it makes itself, on the same Postgres in
// the same run. Machines are noisy: what counts are the ratios, the medians of alternating
// rounds. It works in databases of its own and drops them.
package main

import (
	"context"
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
}

func scenarios() []scenario {
	return []scenario{
		{"sends", "durable sends of 500 senders, against one INSERT per transaction and COPY", benchSends},
		{"single", "one sender alone, against one bare commit", benchSingle},
		{"growth", "sends on a long log, against a short one", benchGrowth},
		{"catchup", "a follower reading the log from its start", benchCatchUp},
		{"idle", "memory of an idle WebSocket connection", benchIdle},
		{"recovery", "a client that comes back to 100 missed messages, of few and of many events", benchRecovery},
		{"views", "views taking in a log, and keeping up with senders", benchViews},
		{"rebuild", "views made anew from a long log", benchRebuild},
		{"pages", "what clients read, of few and of many messages, against the bare statements", benchPages},
		{"replay", "analysts who play a long log, and follow it beside senders", benchReplay},
		{"storm", "all sockets come back at once, with 50 missed messages each", benchStorm},
	}
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
	var only, profile string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.binary, "binary", ".local/bin/parley", "the program, for the scenarios that start a node")
	flags.IntVar(&o.rounds, "rounds", 3, "alternating rounds; the median counts")
	flags.DurationVar(&o.duration, "duration", 4*time.Second, "length of each measurement")
	flags.IntVar(&o.sockets, "sockets", 5000, "sockets that are idle, or come back at once")
	flags.IntVar(&o.events, "events", 1_000_000, "length of the long log")
	flags.StringVar(&only, "scenario", os.Getenv("SCENARIO"), "run one of: "+scenarioNames()+" (the default is all)")
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

	var rows []row
	for _, s := range scenarios() {
		if only != "" && only != s.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s …\n", s.name, s.what)
		measured, err := s.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows = append(rows, measured...)
	}
	if len(rows) == 0 {
		return fmt.Errorf("no scenario %q; there are %s", only, scenarioNames())
	}
	return printTable(out, rows)
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
