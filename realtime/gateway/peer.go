package gateway

import (
	"encoding/json"

	"parley/domain/event"
	"parley/realtime/hub"
)

// Peer is a session's connection. None of its methods waits for the network, and all may
// be called from any goroutine.
type Peer interface {
	// ID is public: it is told to the client and to administrators.
	ID() string
	// Transport is "websocket" or "polling".
	Transport() string
	// Queued is the number of bytes that wait to be sent.
	Queued() int
	// Done is closed when the connection begins to close.
	Done() <-chan struct{}
	// Deliver queues a push in the connection's wire form.
	Deliver(p *hub.Push)
	// Emit queues an event to this connection alone. data is a JSON object.
	Emit(event string, data json.RawMessage)
	// EmitAt is Emit for an event that says where the client's cursor stands.
	EmitAt(event string, data json.RawMessage, at event.Position)
	// Replay makes ready what the client has missed, in order, and returns what queues it. It is bounded already, so
	// the limits of the queue do not count it.
	Replay(missed []*hub.Push) (send func())
	// Recover is for a client with connection state recovery, before anything is sent: it puts the pid into
	// the greeting, and offsets onto what is durable, where the protocol has a place for them.
	Recover(pid string)
	// Remove ends the connection for good: the client should not come back by itself.
	Remove()
	// Close ends the connection by accident, as the client sees it: it should come back.
	Close(why Closing)
}

// Closing says why a connection is closed.
type Closing int8

// The reasons of the gateway to close a connection.
const (
	CloseOverrun  Closing = iota + 1 // it could not take what it has to hear
	CloseAbuse                       // it went on over its command rate
	CloseDraining                    // the node is going away
)
