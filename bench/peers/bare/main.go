// Command bare is a bound for the bench: what a broadcaster on gorilla/websocket can do that keeps nothing, checks nothing and
// knows one process. It speaks just enough Socket.IO for the bench's load: connect, join-room, create-room, send-message.
// It listens where LISTEN_ADDR says. A message is encoded once; what waits for a connection goes out in one write.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Getenv("LISTEN_ADDR")); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1) //nolint:gocritic // the process ends: stop has nothing left to do
	}
}

// serve listens until ctx ends. Connections end with the process.
func serve(ctx context.Context, addr string) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newBroadcaster(ctx).routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
