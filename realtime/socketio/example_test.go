package socketio_test

import (
	"context"
	"encoding/json"
	"net/http"

	"parley/realtime/socketio"
)

// lobby greets everybody and echoes what they say.
type lobby struct{}

func (lobby) Connect(_ context.Context, s *socketio.Socket, auth json.RawMessage) (socketio.Events, error) {
	if auth == nil {
		return nil, &socketio.ConnectError{Message: "Who are you?"}
	}
	return guest{s}, s.Emit("welcome", s.ID()) // follows the CONNECT reply
}

type guest struct{ *socketio.Socket }

func (g guest) Event(e socketio.Event) {
	if e.Name == "say" && len(e.Args) == 1 {
		_ = g.Emit("said", e.Args[0])
	}
	_ = e.Ack(map[string]bool{"success": e.Name == "say"})
}

func (guest) Disconnected(socketio.Reason) {}

func Example() {
	server := socketio.NewServer(socketio.Config{})
	server.Handle("/", lobby{})
	http.Handle("/socket.io/", server)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = server.Run(ctx) }()
	// http.ListenAndServe …
}
