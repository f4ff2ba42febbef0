package socketio

import (
	"cmp"
	"net/http"
	"time"

	"parley/realtime/engineio"
)

// Config of a Server. The zero value works.
type Config struct {
	// Engine configures the connections below.
	Engine engineio.Config
	// ConnectTimeout is how long a connection may belong to no namespace, from its
	// start or from leaving the last one. It also bounds Namespace.Connect.
	// Zero means 10 s.
	ConnectTimeout time.Duration
	// MaxConnects is how many CONNECT packets a connection may send within one
	// ConnectTimeout, whatever becomes of them. Zero means 16.
	MaxConnects int
	// AckTimeout is how long a client may take to acknowledge, unless EmitAck says
	// otherwise. Zero means 10 s.
	AckTimeout time.Duration
	// MaxPendingAcks is how many acknowledgements may be awaited from one socket. Zero means 256.
	MaxPendingAcks int
	// AttachmentTimeout is how long all attachments of a packet may take. Zero means 10 s.
	AttachmentTimeout time.Duration
	// MaxAttachmentBytes bounds the attachments of one packet together.
	// Zero means Engine.MaxPayload.
	MaxAttachmentBytes int
	// MaxAttachments is how many attachments a packet may have. Zero means 10.
	MaxAttachments int
	// MaxEventName is the length in bytes of the longest event name. Zero means 128.
	MaxEventName int
	// MaxNamespace is the length in bytes of the longest namespace. Zero means 128.
	MaxNamespace int
	// MaxJSONDepth is how deep arrays and objects may be nested. Zero means 64.
	MaxJSONDepth int
	// MaxArgs is how many arguments an event or ack may have. Zero means 64.
	MaxArgs int
	// Handshake makes, from the request that opened a connection, what Socket.Handshake
	// returns. It should keep little, and never the request itself. Zero means nil.
	Handshake func(*http.Request) any
}

func (c Config) withDefaults() Config {
	c.Engine = c.Engine.WithDefaults()
	limits := c.limits().withDefaults()
	c.MaxAttachments, c.MaxEventName, c.MaxNamespace = limits.MaxAttachments, limits.MaxEventName, limits.MaxNamespace
	c.MaxJSONDepth, c.MaxArgs = limits.MaxJSONDepth, limits.MaxArgs
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 10*time.Second)
	c.MaxConnects = cmp.Or(c.MaxConnects, 16)
	c.AckTimeout = cmp.Or(c.AckTimeout, 10*time.Second)
	c.MaxPendingAcks = cmp.Or(c.MaxPendingAcks, 256)
	c.AttachmentTimeout = cmp.Or(c.AttachmentTimeout, 10*time.Second)
	c.MaxAttachmentBytes = cmp.Or(c.MaxAttachmentBytes, c.Engine.MaxPayload)
	if c.Handshake == nil {
		c.Handshake = func(*http.Request) any { return nil }
	}
	return c
}

func (c Config) limits() Limits {
	return Limits{
		MaxAttachments: c.MaxAttachments, MaxEventName: c.MaxEventName, MaxNamespace: c.MaxNamespace,
		MaxJSONDepth: c.MaxJSONDepth, MaxArgs: c.MaxArgs,
	}
}

// Limits bound what ParsePacket accepts; see the fields of the same name in
// Config. Zero means Config's default.
type Limits struct {
	MaxAttachments, MaxEventName, MaxNamespace, MaxJSONDepth, MaxArgs int
}

func (l Limits) withDefaults() Limits {
	l.MaxAttachments = cmp.Or(l.MaxAttachments, 10)
	l.MaxEventName = cmp.Or(l.MaxEventName, 128)
	l.MaxNamespace = cmp.Or(l.MaxNamespace, 128)
	l.MaxJSONDepth = cmp.Or(l.MaxJSONDepth, 64)
	l.MaxArgs = cmp.Or(l.MaxArgs, 64)
	return l
}
