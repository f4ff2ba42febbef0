package socketio

import (
	"errors"

	"parley/realtime/engineio"
)

// Reason says why a socket was disconnected.
type Reason = engineio.Reason

// The reasons that end one namespace; all others end the whole connection.
const (
	ClientNamespaceDisconnect Reason = "client namespace disconnect" // the client sent DISCONNECT
	ServerNamespaceDisconnect Reason = "server namespace disconnect" // Socket.Disconnect was called
)

// Errors of this package.
var (
	ErrPacket       = errors.New("socketio: malformed packet")
	ErrDisconnected = errors.New("socketio: socket disconnected")
	ErrAcked        = errors.New("socketio: already acknowledged")
	ErrAckTimeout   = errors.New("socketio: operation has timed out")
	ErrPendingAcks  = errors.New("socketio: too many acknowledgements awaited")
)

// ConnectError refuses a CONNECT. Message and Data reach the client as the
// message and the data of its connect_error.
type ConnectError struct {
	Message string
	Data    any // must be something that encoding/json can encode; nil is left out
}

func (e *ConnectError) Error() string { return "connect refused: " + e.Message }
