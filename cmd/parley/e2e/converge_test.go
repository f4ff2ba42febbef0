package e2e_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// Four people chat on five devices at two nodes, one of which is killed in the middle. The devices come back to the other.
// Soon afterwards each shows, by what it fetched at first and the events alone, what the views say: who has read what,
// what is unread, who is there. Nobody is typing for ever. And the views are what the log says.
func TestDevicesAgreeAfterAKill(t *testing.T) {
	inParallel(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	database := testenv.DSN(t)
	shared := backends(database, testenv.StartRedis(t).URL).with(settings{"PRESENCE_TTL": "4", "PRESENCE_GRACE": "1", "TYPING_TTL": "2"})
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	ada, bob, cy, dan := one.as(t, unique("ada")), unique("bob"), unique("cy"), unique("dan")
	users := []string{ada.user, bob, cy, dan}
	for _, id := range users {
		two.as(t, id)
	}
	b := &bustle{t: t, room: ada.createRoom("private", "bustle", bob, cy, dan), refuge: one}
	for n, d := range []struct {
		user  string
		at    *node
		plain bool
	}{{ada.user, one, true}, {ada.user, two, false}, {bob, two, true}, {cy, one, false}, {dan, two, false}} {
		v := newVisitor(t, d.user, nil)
		v.plain = d.plain
		v.arrive(d.at).join(b.room)
		b.devices = append(b.devices, &device{
			onlooker: &onlooker{visitor: v, home: one, watches: users}, rand: rand.New(rand.NewPCG(seed, uint64(n))), returns: d.user != dan,
		})
	}
	b.begin()
	b.lead(func() {
		b.await(15)
		two.Kill()
		b.await(15)
	})
	b.converge(database)
	if got := seenBy(t, one, ada.user, users...); !slices.Equal(got[3:], []string{"offline"}) || slices.Contains(got[:3], "offline") {
		t.Errorf("they are %v", got)
	}
	b.typing()
	cli(t, settings{"DATABASE_URL": database}, "verify").want(t, 0)
	soundLog(t, database)
}

// bustle is a room with devices that do all they can.
type bustle struct {
	t       *testing.T
	room    string
	refuge  *node
	devices []*device
}

// device is an onlooker that takes part.
type device struct {
	*onlooker
	rand    *rand.Rand
	returns bool // when its node is gone
	said    []string
	done    atomic.Int64 // commands
}

func (b *bustle) begin() {
	b.t.Helper()
	at := fence(b.t, b.refuge.as(b.t, b.devices[0].user), b.room)
	for _, d := range b.devices {
		if err := errors.Join(d.watch(d.watches...), d.look(at, b.room)); err != nil {
			b.t.Fatal(err)
		}
	}
}

// lead lets the devices live until the story is over.
func (b *bustle) lead(story func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, d := range b.devices {
		all.Go(func() { d.live(ctx, b.room, b.refuge) })
	}
	story()
}

// await waits until each device that is alive has done so much more.
func (b *bustle) await(commands int64) {
	b.t.Helper()
	goals := map[*device]int64{}
	for _, d := range b.devices {
		goals[d] = d.done.Load() + commands
	}
	for end := time.Now().Add(settle); len(goals) > 0; time.Sleep(5 * time.Millisecond) {
		maps.DeleteFunc(goals, func(d *device, goal int64) bool { return d.isGone() || d.done.Load() >= goal })
		if time.Now().After(end) {
			b.t.Fatalf("%d devices do nothing", len(goals))
		}
	}
}

func (d *device) isGone() bool { return !d.returns && d.socket.gone() }

// live asks one thing after the other. When the connection is gone it comes back to another node, which takes a few tries.
func (d *device) live(ctx context.Context, room string, refuge *node) {
	for ctx.Err() == nil {
		name, payload := d.idea(room)
		a, err := d.socket.ask(ctx, name, payload)
		switch {
		case err == nil && !a.Success && a.Code != "MESSAGE_DELETED":
			d.t.Errorf("%s by %s: %+v", name, d.user, a)
			return
		case err == nil:
			if d.done.Add(1); name == "send-message" {
				d.said = append(d.said, idOf(a.Data))
			}
		case !errors.Is(err, errClosed):
			return
		case !d.returns:
			return
		default:
			d.comeBack(ctx, refuge)
		}
	}
}

func (d *device) comeBack(ctx context.Context, refuge *node) {
	for ctx.Err() == nil {
		err := d.try(ctx, refuge.URL)
		if err == nil {
			err = d.watch(d.watches...)
		}
		if err == nil {
			return
		}
		d.t.Logf("%s does not come back yet: %v", d.user, err)
		d.leave()
	}
}

// idea is what to do next.
func (d *device) idea(room string) (name string, payload any) {
	switch n := d.rand.IntN(100); {
	case n < 35 || len(d.said) == 0:
		return "send-message", object{"roomId": room, "content": strconv.Itoa(n), "mentions": []string{d.watches[d.rand.IntN(len(d.watches))]}}
	case n < 45:
		return "edit-message", object{"roomId": room, "messageId": d.said[d.rand.IntN(len(d.said))], "content": "else"}
	case n < 50:
		return "delete-message", object{"roomId": room, "messageId": d.said[d.rand.IntN(len(d.said))]}
	case n < 60:
		return "add-reaction", object{"roomId": room, "messageId": d.said[d.rand.IntN(len(d.said))], "emoji": "👍"}
	case n < 72:
		return "mark-read", object{"roomId": room, "seq": d.rand.IntN(100)}
	case n < 80:
		return "mark-delivered", object{"roomId": room, "seq": d.rand.IntN(100)}
	case n < 92:
		return "typing-start", room
	default:
		return "update-presence", object{"status": []string{"online", "away", "busy"}[d.rand.IntN(3)], "text": strconv.Itoa(n)}
	}
}

// converge waits until all devices show what is fetched: who was on the dead node is offline then, and nobody is typing.
func (b *bustle) converge(database string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for wrong := ""; ; time.Sleep(100 * time.Millisecond) {
		found := b.disagreement(ctx, strconv.FormatInt(logHead(b.t, database), 10))
		switch {
		case ctx.Err() != nil:
			b.t.Fatalf("after a minute %s", wrong)
		case found == "":
			return
		}
		wrong = found
	}
}

// disagreement is the first thing that a device shows and the views do not, "" if there is none.
func (b *bustle) disagreement(ctx context.Context, position string) string {
	for _, d := range b.devices {
		if d.isGone() {
			continue
		}
		diff, err := d.differs(ctx, position)
		switch typists := d.typists(b.room); {
		case err != nil:
			return d.user + ": " + err.Error()
		case diff != "":
			return d.user + " shows (-fetched +shown):\n" + diff
		case text(d.Presence[b.devices[4].user], "status") != "offline":
			return d.user + " sees who has gone with the node"
		case len(typists) > 0:
			return d.user + " sees typing " + typists[0]
		}
	}
	return ""
}

// typing lets somebody type: the other users' devices show it, also one that comes only now.
func (b *bustle) typing() {
	b.t.Helper()
	typist, late := b.devices[2], newVisitor(b.t, b.devices[3].user, nil).arrive(b.refuge).join(b.room)
	unaware := func(d *device) bool {
		if err := d.fold("0"); err != nil {
			b.t.Fatal(err)
		}
		return d.user != typist.user && !d.isGone() && !slices.Equal(d.typists(b.room), []string{typist.user})
	}
	for end := time.Now().Add(settle); slices.ContainsFunc(b.devices, unaware); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("not everybody sees who is typing")
		}
		typist.must("typing-start", b.room) // anew, or it would end
	}
	late.await("typing-started")
}
