// Command conformance serves what the public protocol test suites talk to: at /engine.io/ an
// Engine.IO endpoint that sends every message back, at /socket.io/ a Socket.IO server with the
// namespaces and events that the Socket.IO suite expects. It is the same code that carries chat,
// without the chat, and with the suites' short times.
//
//	namespace     event             answer
//	/ and /custom connect           event "auth" with the CONNECT payload, {} if there was none
//	/             message           event "message-back" with the same arguments
//	/             message-with-ack  acknowledged with the same arguments
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

type options struct {
	address                                   string
	pingInterval, pingTimeout, connectTimeout time.Duration
}

// run returns the exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, errOut io.Writer) int {
	o, err := parse(args, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	logger := slog.New(slog.NewTextHandler(errOut, nil))
	if err := serve(ctx, o, logger, nil); err != nil {
		fmt.Fprintln(errOut, "conformance:", err)
		return 1
	}
	return 0
}

func parse(args []string, errOut io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(errOut)
	port := flags.Uint("port", 3000, "port on all addresses; 0 takes a free one")
	interval := flags.Uint("ping-interval", 300, "ms between a pong and the next ping")
	timeout := flags.Uint("ping-timeout", 200, "ms that a pong may take")
	connect := flags.Uint("connect-timeout", 1000, "ms that a connection may belong to no namespace")
	err := flags.Parse(args)
	switch {
	case err != nil:
		return o, err
	case flags.NArg() > 0 || *port > 65535 || *interval == 0 || *timeout == 0 || *connect == 0:
		_, _ = fmt.Fprintln(errOut, "conformance: no arguments, a port up to 65535, and times above 0")
		return o, errors.New("bad usage")
	}
	o.address = net.JoinHostPort("", strconv.FormatUint(uint64(*port), 10))
	o.pingInterval = time.Duration(*interval) * time.Millisecond
	o.pingTimeout = time.Duration(*timeout) * time.Millisecond
	o.connectTimeout = time.Duration(*connect) * time.Millisecond
	return o, nil
}

// serve answers until ctx ends. listening, if not nil, is told the address.
func serve(ctx context.Context, o options, logger *slog.Logger, listening func(net.Addr)) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.address)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "listening", slog.String("address", listener.Addr().String()))
	if listening != nil {
		listening(listener.Addr())
	}
	engine := engineio.Config{PingInterval: o.pingInterval, PingTimeout: o.pingTimeout, Logger: logger}
	raw := engineio.NewServer(engine, func(s *engineio.Session, _ *http.Request) engineio.Handler { return echo{s} })
	sockets := socketio.NewServer(socketio.Config{Engine: engine, ConnectTimeout: o.connectTimeout})
	sockets.Handle("/", namespace{answers: true})
	sockets.Handle("/custom", namespace{})
	mux := http.NewServeMux()
	mux.Handle("/engine.io", raw)
	mux.Handle("/engine.io/", raw)
	mux.Handle("/socket.io", sockets)
	mux.Handle("/socket.io/", sockets)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	return together(ctx, raw.Run, sockets.Run, func(ctx context.Context) error { return serveHTTP(ctx, web, listener) })
}

// serveHTTP answers until ctx ends and nothing is being answered any more.
func serveHTTP(ctx context.Context, web *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := web.Shutdown(last)
	if closed := <-served; !errors.Is(closed, http.ErrServerClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// together runs all parts until ctx ends or one of them fails, and returns when all have.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	failures := make([]error, len(parts))
	for i, run := range parts {
		group.Go(func() {
			if failures[i] = run(ctx); failures[i] != nil {
				stop()
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}
