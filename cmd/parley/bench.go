package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/bench/load"
)

// benchRun is what the flags of `parley bench` say.
type benchRun struct {
	load.Options

	json   string
	strict bool
}

func benchCommand() *cobra.Command {
	var b benchRun
	cmd := &cobra.Command{
		Use:   "bench SCENARIO",
		Short: "Load a server with many clients and measure it",
		Long: `Connects many clients to one or more servers, has them chat, and measures what comes of it. Scenarios:

  connect    clients connect, say who they are and join one room: connections/s, memory of idle ones
  fanout     few speak in rooms of many: deliveries/s, latency of each
  send       everybody speaks in small rooms: durable acks/s, latency of the acks
  mixed      typing, messages, receipts and presence, as in a real chat
  reconnect  all clients break off, miss messages, and come back at once: time until all have caught up
  history    pages of old messages by REST: requests/s
  order      one sender with several messages under way: does everybody hear them in the same order?

Without --rate senders go on as fast as the server lets them (a closed loop). With it they send so much, whatever comes of it, and
latency counts from when a message was meant to be sent. Every run counts deliveries that were lost, repeated or out of order.

The clients' tokens are signed with --jwt-secret, or JWT_SECRET, JWT_ISSUER and JWT_AUDIENCE. A node needs AUTO_PROVISION=true,
SOCKET_MAX_CONNECTIONS_PER_IP=0 and SOCKET_RATE_LIMIT_MESSAGES=0. Users and rooms of a run stay there: use a database of its own.
CPU time is user and system time; the generator's own is told beside it.`,
		Example: `  parley bench fanout --pid $(pidof parley)
  parley bench fanout --clients 10000 --room-size 1000 --rate 100 --duration 30s
  parley bench send --clients 200 --room-size 5 --rate 1000
  parley bench connect --clients 10000 --at 2000,5000,10000 --pid $(pidof parley)
  parley bench order --url http://localhost:3001 --url http://localhost:3002 --strict
  parley bench reconnect --clients 5000 --missed 50 --json result.json`,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Scenario = args[0]
			return b.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	b.flags(cmd)
	return cmd
}

func (b *benchRun) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&b.URLs, "url", nil, "a server, may be repeated: clients use them in turn (default http://localhost:3001)")
	f.StringVar(&b.Door, "door", load.DoorSocketIO, "socketio, or ws for plain WebSockets")
	f.StringVar(&b.Path, "path", "/socket.io", "where Socket.IO is served")
	f.StringVar(&b.Secret, "jwt-secret", "", "signs the clients' tokens (default JWT_SECRET, which other users of this machine do not see)")
	f.StringSliceVar(&b.Sources, "source", nil, "local addresses to connect from, in turn")
	f.StringVar(&b.Name, "name", "", "is in the names of the run's users and rooms (default: a random one)")
	f.BoolVar(&b.Known, "known", false, "an earlier run of this name, with as many clients and rooms, has made the users members")
	f.IntVar(&b.Clients, "clients", 0, "sockets, each of a user of its own (default: as the scenario needs)")
	f.IntVar(&b.RoomSize, "room-size", 0, "how many are in a room; --clients divided by it are the rooms")
	f.IntVar(&b.Senders, "senders", 0, "how many in each room speak (send, mixed: all; others: 1)")
	f.IntVar(&b.Outstanding, "outstanding", 0, "closed loop: messages of a sender that wait for their ack, in fanout for their deliveries (send: 1, others: 8)")
	f.Float64Var(&b.Rate, "rate", 0, "open loop: messages/s of all senders together; mixed: commands/s")
	f.IntVar(&b.Size, "size", 100, "bytes of a message's content")
	f.DurationVar(&b.Duration, "duration", 10*time.Second, "how long to measure")
	f.DurationVar(&b.Warmup, "warmup", 2*time.Second, "how long to send before")
	f.DurationVar(&b.Drain, "drain", 10*time.Second, "how long to wait at the end for what has not come yet")
	f.IntVar(&b.Concurrency, "concurrency", 0, "connections being opened at once, or that history uses (default 64, history 8)")
	f.IntVar(&b.Threads, "threads", 0, "event loops (default: half of the processors)")
	f.IntSliceVar(&b.PIDs, "pid", nil, "a process of the servers, whose CPU time and memory are measured; may be repeated")
	f.DurationVar(&b.Settle, "settle", 2*time.Second, "connect: for how long memory has to stay the same before it is believed, 2s to 30s")
	f.IntSliceVar(&b.At, "at", nil, "connect: measure memory at so many connections (default --clients)")
	f.IntVar(&b.Missed, "missed", 50, "reconnect: messages that each client misses")
	f.IntVar(&b.Messages, "messages", 1000, "history: messages in each room")
	f.IntVar(&b.Page, "page", 50, "history: messages in a page")
	f.StringVar(&b.json, "json", "", "write the result as JSON to a file, or with - to standard output instead of the table")
	f.BoolVar(&b.strict, "strict", false, "fail if a delivery was lost, repeated or out of order")
}

// benchGC lets the generator's small heap grow further than is usual, so that it collects seldom: the processor is for
// the servers.
const benchGC = 400

var (
	errFlawed      = errors.New("deliveries were lost, repeated or out of order")
	errInterrupted = errors.New("interrupted")
)

func (b *benchRun) run(ctx context.Context, out, progressTo io.Writer) error {
	if !slices.Contains(load.Scenarios(), b.Scenario) {
		return usagef("no scenario %q; there are %s", b.Scenario, strings.Join(load.Scenarios(), ", "))
	}
	if err := b.secret(); err != nil {
		return err
	}
	debug.SetGCPercent(benchGC)
	p := newProgress(progressTo, b.Scenario, 0)
	b.Progress = func(now load.Progress) { p.show(benchLine(b.Scenario, now)) }
	result, err := load.Run(ctx, b.Options)
	p.end()
	if errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	if _, wrong := errors.AsType[*load.OptionError](err); wrong {
		return usageError{err}
	}
	if result == nil {
		return err
	}
	if failed := b.tell(result, out); failed != nil {
		return failed
	}
	if err == nil && b.strict && !result.Flawless() {
		return errFlawed
	}
	return err
}

// secret takes from the environment what the flags do not say.
func (b *benchRun) secret() error {
	s, err := loadSettings()
	if err != nil {
		return err
	}
	if b.Secret == "" {
		b.Secret = s.JWTSecret
	}
	b.Issuer, b.Audience = s.JWTIssuer, s.JWTAudience
	return nil
}

func benchLine(scenario string, p load.Progress) string {
	line := fmt.Sprintf("%s: %s, %.0f of %.0f %s", scenario, p.Phase, p.Done, p.Of, p.Unit)
	var rates []string
	if p.Deliveries > 0 {
		rates = append(rates, fmt.Sprintf("%.0f deliveries/s", p.Deliveries))
	}
	if p.Acks > 0 {
		rates = append(rates, fmt.Sprintf("%.0f acks/s", p.Acks))
	}
	return strings.Join(append([]string{line}, rates...), ", ")
}

// tell writes the result where it is wanted.
func (b *benchRun) tell(r *load.Result, out io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	switch b.json {
	case "-":
		_, err = out.Write(text)
		return err
	case "":
	default:
		if err := os.WriteFile(b.json, text, 0o644); err != nil { //nolint:gosec // figures are for everybody
			return fmt.Errorf("write the result: %w", err)
		}
	}
	return r.WriteTable(out)
}
