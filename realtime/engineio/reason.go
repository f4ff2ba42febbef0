package engineio

import "errors"

// Reason says why a session ended. The texts are those of the reference
// implementation where it has one.
type Reason string

// The reasons a session can end for.
const (
	TransportClose     Reason = "transport close"      // the peer went away or sent a close packet
	TransportError     Reason = "transport error"      // the connection broke, or the peer broke the transport's rules
	PingTimeout        Reason = "ping timeout"         // a ping was not answered in time
	ParseError         Reason = "parse error"          // the peer sent something that is no packet
	ForcedClose        Reason = "forced close"         // the application closed the session
	ForcedServerClose  Reason = "forced server close"  // a rule of the layer above was broken or timed out
	ServerShuttingDown Reason = "server shutting down" // Drain or the end of Run
	SlowConsumer       Reason = "slow consumer"        // the peer read slower than the server had to write
)

// Errors returned by Session's sending methods.
var (
	ErrClosed       = errors.New("engineio: session closed")
	ErrSlowConsumer = errors.New("engineio: queue full, session closed")
)

// WebSocket close codes (RFC 6455, 7.4.1). closeNone means that no close frame
// is to be sent, because the connection is unusable or already has one.
const (
	closeNone          = 0
	closeNormal        = 1000
	closeGoingAway     = 1001
	closeProtocolError = 1002
	closeUnsupported   = 1003
	closeInvalidData   = 1007
	closePolicy        = 1008
	closeTooLarge      = 1009
	closeInternalError = 1011
	closeTryAgain      = 1013
)

func (r Reason) closeCode() int {
	switch r {
	case ServerShuttingDown:
		return closeGoingAway
	case ParseError, TransportError:
		return closeProtocolError
	case ForcedServerClose:
		return closePolicy
	case SlowConsumer:
		return closeNone
	default:
		return closeNormal
	}
}
