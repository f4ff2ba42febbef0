package hub

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

// Push is one thing to tell sockets, shared by all of them. Each of its wire forms is
// encoded when the first socket asks for it.
type Push struct {
	// Event is the name that the client listens to.
	Event string
	// Room and Users are whom it is for; see wire.Push.
	Room  string
	Users []string
	// Watched is the user whose watchers it is for, or "".
	Watched string
	// Data is the encoded payload; nil of a batch: see Payload.
	Data json.RawMessage
	// Position is that of the fact. Durable pushes can be read again from the log after it.
	Position event.Position
	Durable  bool

	socketIO form
	offset   form
	plain    form
	batches  batches
	parts    []*Push // of a batch
}

type form struct {
	once  sync.Once
	frame *engineio.Frame
	err   error
}

// NewPush is p as it happened at a position.
func NewPush(p wire.Push, at event.Position) *Push {
	return &Push{Event: p.Event, Room: p.Room, Users: p.Users, Watched: p.Watched, Data: p.Data, Position: at, Durable: p.Durable}
}

// SocketIO is the push as an event of the main namespace, without offset. It fails if
// Data is no JSON.
func (p *Push) SocketIO() (*engineio.Frame, error) {
	return p.socketIO.make(func() (*engineio.Frame, error) {
		return socketio.EncodeEventFunc("/", p.Event, p.size(), p.appendPayload)
	})
}

// SocketIOOffset is SocketIO for clients with connection state recovery: a durable push has its
// position as a last argument, a string. Others must not end in one, or the client would take it
// for an offset.
func (p *Push) SocketIOOffset() (*engineio.Frame, error) {
	if !p.Durable {
		return p.SocketIO()
	}
	return p.offset.make(func() (*engineio.Frame, error) {
		return socketio.EncodeEventFunc("/", p.Event, p.size()+maxOffset, func(dst []byte) []byte {
			return appendOffset(append(p.appendPayload(dst), ','), p.Position)
		})
	})
}

// Offset is a position as the JSON string that clients keep and send back.
func Offset(at event.Position) json.RawMessage { return appendOffset(nil, at) }

const maxOffset = len(`,"9223372036854775807"`)

func appendOffset(dst []byte, at event.Position) []byte {
	return append(strconv.AppendInt(append(dst, '"'), int64(at), 10), '"')
}

func (f *form) make(encode func() (*engineio.Frame, error)) (*engineio.Frame, error) {
	f.once.Do(func() { f.frame, f.err = encode() })
	return f.frame, f.err
}

// onlyFor reports whether the user would not get the push without hearing the room.
func (p *Push) onlyFor(room, user string) bool {
	return p.Room == room && !slices.Contains(p.Users, user)
}

// Fact is one recorded event on its way to the sockets.
type Fact struct {
	Position event.Position
	// At is when it was recorded.
	At time.Time
	// Size is about what it takes in memory, in bytes.
	Size int
	// Room and Users are everybody whom one of the pushes addresses.
	Room  string
	Users []string
	// Watched is a user whose watchers one of the pushes addresses, or "".
	Watched string
	// Joins says that Users became members of Room.
	Joins bool
	// Says is the message whose content a push tells, and Unsays one that was deleted, or "".
	Says, Unsays string
	// Left is a user who is no member of Room from here on, or "".
	Left string
	// Shut is a user whose sockets have to be closed, or "".
	Shut string
	// Erases says that what was told before must not be told again from memory: the log knows what is left of it.
	Erases bool
	// Make makes the pushes. It is called at most once, and only if somebody here is addressed.
	Make func() []*Push

	once   sync.Once
	pushes []*Push
	unsaid atomic.Pointer[[]*Push]
}

// Pushes are what the fact tells. All who ask share them.
func (f *Fact) Pushes() []*Push {
	f.once.Do(func() {
		if f.Make != nil {
			f.pushes = f.Make()
			f.Make = nil
		}
	})
	return f.pushes
}

// Unsaid are the durable pushes of a fact that Says a message, without what it said: it was deleted at that time. All
// who ask share them, too.
func (f *Fact) Unsaid(at time.Time) []*Push {
	if shared := f.unsaid.Load(); shared != nil {
		return *shared
	}
	var list []*Push
	for _, p := range f.Pushes() {
		if !p.Durable {
			continue
		}
		data, err := wire.Unsaid(p.Data, at)
		if err != nil {
			continue // rather nothing than what was taken away
		}
		list = append(list, &Push{
			Event: p.Event, Room: p.Room, Users: p.Users, Watched: p.Watched, Data: data, Position: p.Position, Durable: true,
		})
	}
	if !f.unsaid.CompareAndSwap(nil, &list) {
		list = *f.unsaid.Load()
	}
	return list
}
