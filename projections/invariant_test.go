package projections_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
	"parley/eventstore/testenv"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/receipts"
	"parley/projections/rooms"
)

// State fetched after = state fetched before + events received. Whatever a client is
// pushed must bring it to what it would have fetched, and nothing that it is not pushed may
// change what it fetches.
func TestPushesLeadFromOneFetchToTheNext(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			events := projectiontest.History(seed, 400).Events()
			ids := roomIDs(events)
			pool := testenv.Pool(t)
			picture := projectiontest.Fetch(t, pool, ids)
			for from := 0; from < len(events); from += 40 {
				batch := events[from:min(from+40, len(events))]
				projectiontest.Apply(t, pool, rooms.NewProjector(""), batch)
				projectiontest.Apply(t, pool, messages.NewProjector(""), batch)
				projectiontest.Apply(t, pool, receipts.NewProjector(""), batch)
				picture.Receive(t, batch...)
				fetched := projectiontest.Fetch(t, pool, ids)
				for _, id := range roomIDs(batch) { // room-created does not list the members: they are fetched
					picture.Members[id] = fetched.Members[id]
				}
				cameBack(picture, fetched, batch)
				if diff := cmp.Diff(fetched.JSON(t), picture.JSON(t)); diff != "" {
					t.Fatalf("after event %d (-fetched +pushed):\n%s", batch[len(batch)-1].Position, diff)
				}
			}
		})
	}
}

// cameBack fetches the receipts of those who came in: user-joined does not tell what they had read before.
func cameBack(picture, fetched projectiontest.State, batch []event.Recorded) {
	for _, r := range batch {
		payload, _ := r.Payload()
		switch e := payload.(type) {
		case event.RoomCreated:
			picture.Receipts[e.RoomID] = fetched.Receipts[e.RoomID]
		case event.MemberJoined:
			if now, is := fetched.Receipts[e.RoomID][e.UserID]; is {
				picture.Receipts[e.RoomID][e.UserID] = now
			}
		default:
		}
	}
}

func roomIDs(events []event.Recorded) []string {
	var ids []string
	for _, r := range events {
		if r.Type == event.TypeRoomCreated {
			ids = append(ids, r.Stream.Key())
		}
	}
	return ids
}
