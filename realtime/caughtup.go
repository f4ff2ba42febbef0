package realtime

import (
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// caughtUp knows who has read everything in the rooms where something was said lately. Who speaks has read what was
// said before: the user's other devices are told, unless there was nothing left to read. Of a room that it does not
// know it is better to tell too much.
type caughtUp struct{ rooms *lru.Cache[string, *ears] }

// ears are those who have read a room up to its last message.
type ears struct {
	seq   int64
	users map[string]struct{}
}

// maxCaughtUp is of how many rooms it is known.
const maxCaughtUp = 10_000

func newCaughtUp() caughtUp {
	rooms, err := lru.New[string, *ears](maxCaughtUp)
	if err != nil {
		panic(err) // the size is not positive
	}
	return caughtUp{rooms}
}

// add takes in what the log says, in order, and adds to the fact of it what the devices of a user who spoke are told.
func (c caughtUp) add(r event.Recorded, f *hub.Fact) {
	payload, err := r.Payload()
	if err != nil {
		return
	}
	switch e := payload.(type) {
	case event.MessageSent:
		if c.spoke(e.RoomID, e.Sender.ID, r.Seq) {
			tellNothingLeft(f, e.RoomID, e.Sender.ID)
		}
	case event.MessagesRead:
		if room, known := c.rooms.Peek(e.RoomID); known && e.Seq >= room.seq {
			room.users[e.UserID] = struct{}{}
		}
	default:
	}
}

// spoke reports whether the user may have had something left to read.
func (c caughtUp) spoke(roomID, userID string, seq int64) bool {
	room, known := c.rooms.Get(roomID)
	if !known {
		room = &ears{users: make(map[string]struct{}, 1)}
		c.rooms.Add(roomID, room)
	}
	_, had := room.users[userID]
	had = had && room.seq == seq-1
	room.seq = seq
	clear(room.users)
	room.users[userID] = struct{}{}
	return !had && seq > 1
}

func tellNothingLeft(f *hub.Fact, roomID, userID string) {
	others := f.Make
	if others == nil {
		return
	}
	f.Users = append(slices.Clip(f.Users), userID)
	f.Make = func() []*hub.Push {
		pushes := others()
		if left, err := wire.NothingLeft(roomID, userID); err == nil {
			pushes = append(pushes, hub.NewPush(left, f.Position))
		}
		return pushes
	}
}
