package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// onlooker is a visitor with a picture.
type onlooker struct {
	*visitor
	home    *node
	watches []string
	folded  int // events of the book that are in the picture

	*picture
}

// watched is how a visitor writes down the answer to watch-presence: in its place among the events.
const watched = " watched"

// watch asks to hear of users, now and from now on.
func (v *visitor) watch(users ...string) error {
	answered := make(chan error, 1)
	v.socket.emit("watch-presence", object{"userIds": users}, func(a ack, err error) {
		if err == nil && !a.Success {
			err = refusedError{a.Code}
		}
		if err == nil {
			v.take(v.visits, told{name: watched, data: a.Data})
		}
		answered <- err
	})
	return <-answered
}

// fold brings the picture up to what was told. Rooms that it came into are fetched as of a position, at least.
func (o *onlooker) fold(position string) error {
	o.mu.Lock()
	news := slices.Clone(o.book[o.folded:])
	o.folded = len(o.book)
	o.mu.Unlock()
	for _, n := range news {
		switch {
		case n.name == watched:
			users, _ := n.data["users"].([]any)
			for _, u := range users {
				o.Presence[text(u.(object), "userId")] = u.(object)
			}
		case n.name == "room-created" || n.name == "user-joined" && text(n.data, "userId") == o.user:
			if err := o.open(text(n.data, "roomId"), position); err != nil {
				return err
			}
		default:
			o.picture.take(n)
		}
	}
	o.settle()
	return nil
}

// open fetches a room that the user has come into, and hears it from now on. Nothing happens there meanwhile.
func (o *onlooker) open(room, position string) error {
	ctx, cancel := context.WithTimeout(o.t.Context(), settle)
	defer cancel()
	if _, err := o.socket.must(ctx, "join-room", room); err != nil {
		return err
	}
	fetched, err := photograph(ctx, o.caller(), position, []string{room}, nil)
	if err == nil {
		o.add(fetched, room)
	}
	return err
}

func (o *onlooker) caller() caller { return o.home.bearing(o.t, tokenOf(o.user)).named(o.user) }

// named says whose token it is.
func (c caller) named(user string) caller {
	c.user = user
	return c
}

// look fetches the first picture, of rooms and users: as of a position, and as of all that was told until now.
func (o *onlooker) look(position string, rooms ...string) error {
	var err error
	at := toPosition(position)
	o.mu.Lock()
	for _, n := range o.book {
		at = max(at, n.position)
		users, _ := n.data["users"].([]any) // the answer to watch-presence
		for _, u := range users {
			at = max(at, toPosition(text(u.(object), "position")))
		}
	}
	o.folded = len(o.book)
	o.mu.Unlock()
	o.picture, err = photograph(o.t.Context(), o.caller(), strconv.FormatInt(at, 10), rooms, o.watches)
	return err
}

// differs tells how the picture differs from what is fetched as of a position, "" if it does not.
func (o *onlooker) differs(ctx context.Context, position string) (string, error) {
	if err := o.fold(position); err != nil {
		return "", err
	}
	fetched, err := photograph(ctx, o.caller(), position, slices.Sorted(maps.Keys(o.Rooms)), o.watches)
	if err != nil {
		return "", err
	}
	defer clear(o.told)
	for room, d := range o.told {
		if r := o.Rooms[room]; r != nil && (d["unreadCount"] != r["unreadCount"] || d["mentionCount"] != r["mentionCount"]) {
			return fmt.Sprintf("unread-changed says %v, the messages %v and %v", d, r["unreadCount"], r["mentionCount"]), nil
		}
	}
	return cmp.Diff(fetched.shown(), o.shown()), nil
}

// fence says something in a room that nobody shows: who has heard it has heard everything before.
func fence(t testing.TB, c caller, room string) string {
	t.Helper()
	return c.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": strconv.FormatInt(time.Now().UnixNano(), 36)}).done().position()
}
