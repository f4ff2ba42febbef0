package recovery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
	"parley/realtime/hub"
	"parley/realtime/recovery"
)

func positions(facts []*hub.Fact) []event.Position {
	list := []event.Position{}
	for _, f := range facts {
		list = append(list, f.Position)
	}
	return list
}

// random is a fact of one of few rooms, that mentions, brings in or takes out one of few users.
func random(dice *rand.Rand, at event.Position) *hub.Fact {
	f := &hub.Fact{Position: at, Size: 1 + dice.IntN(100)}
	user := fmt.Sprint("u", dice.IntN(4))
	switch dice.IntN(8) {
	case 0:
		return f // of nobody: an account
	case 1:
		f.Users, f.Joins = []string{user, "u0", user}, true
	case 2:
		f.Users, f.Left = []string{user}, user
	case 3:
		f.Users = []string{user}
	}
	f.Room = fmt.Sprint("r", dice.IntN(5))
	return f
}

func TestRingTellsWhatALogWould(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 1))
	cfg := recovery.RingConfig{Facts: 50, Bytes: 2000}
	ring := recovery.NewRing(cfg)
	all := []*hub.Fact{nil} // by position
	for step := range 3000 {
		var batch []*hub.Fact
		for range 1 + dice.IntN(10) {
			f := random(dice, event.Position(len(all)))
			all, batch = append(all, f), append(batch, f)
		}
		ring.Add(batch)
		rooms, user := []string{"r0", "r3", "r4"}[:dice.IntN(4)], fmt.Sprint("u", dice.IntN(4))
		after := event.Position(max(len(all)-1-dice.IntN(70), 0))
		upTo := after + event.Position(dice.IntN(len(all)-int(after)))
		limit := 1 + dice.IntN(40)
		got, ok := ring.Since(rooms, user, after, upTo, limit)
		if !ok {
			if after >= ring.From() {
				t.Fatalf("seed %d step %d: nothing since %d, though the ring begins at %d", seed, step, after, ring.From())
			}
			continue
		}
		want := []*hub.Fact{}
		for _, f := range all[after+1 : upTo+1] {
			moved := (f.Joins || f.Left != "") && slices.Contains(f.Users, user)
			if (slices.Contains(rooms, f.Room) || moved) && len(want) < limit {
				want = append(want, f)
			}
		}
		if diff := cmp.Diff(positions(want), positions(got)); diff != "" {
			t.Fatalf("seed %d step %d: rooms %v, user %s, after %d up to %d (-want +got):\n%s", seed, step, rooms, user, after, upTo, diff)
		}
	}
	if from := ring.From(); from < event.Position(len(all)-1-cfg.Facts) {
		t.Errorf("the ring reaches back to %d of %d, more than it may", from, len(all)-1)
	}
}

func TestRingBeginsAnewAfterAHole(t *testing.T) {
	t.Parallel()
	ring := recovery.NewRing(recovery.RingConfig{})
	if _, ok := ring.Since([]string{"r"}, "u", 5, 5, 10); ok {
		t.Error("an empty ring knows nothing")
	}
	ring.Add([]*hub.Fact{{Position: 6, Room: "r"}, {Position: 7, Room: "r"}})
	ring.Add([]*hub.Fact{{Position: 10, Room: "r"}})
	if _, ok := ring.Since([]string{"r"}, "u", 5, 10, 10); ok {
		t.Error("a ring with a hole answered")
	}
	if got, ok := ring.Since([]string{"r"}, "u", 9, 10, 10); !ok || len(got) != 1 {
		t.Errorf("after the hole: %v, %v", positions(got), ok)
	}
	if _, ok := ring.Since([]string{"r"}, "u", 9, 11, 10); ok {
		t.Error("the ring told the future")
	}
}

func TestRingForgetsWhatIsErased(t *testing.T) {
	t.Parallel()
	ring := recovery.NewRing(recovery.RingConfig{})
	ring.Add([]*hub.Fact{{Position: 6, Room: "r"}, {Position: 7, Shut: "ann", Erases: true}, {Position: 8, Room: "r"}})
	if _, ok := ring.Since([]string{"r"}, "u", 5, 8, 10); ok || ring.From() != 7 {
		t.Errorf("the ring knows everything after %d", ring.From())
	}
	if got, ok := ring.Since([]string{"r"}, "u", 7, 8, 10); !ok || len(got) != 1 {
		t.Errorf("after the erasure: %v, %v", positions(got), ok)
	}
}

func BenchmarkRingAdd(b *testing.B) {
	ring := recovery.NewRing(recovery.RingConfig{})
	rooms := make([]string, 100)
	for i := range rooms {
		rooms[i] = fmt.Sprint("room-", i)
	}
	at := event.Position(0)
	batch := make([]*hub.Fact, 100)
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch {
			at++
			batch[i] = &hub.Fact{Position: at, Room: rooms[i], Size: 500}
		}
		ring.Add(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/fact")
}

// What is missed is looked up, not searched for: other rooms' facts cost nothing.
func BenchmarkRingSince(b *testing.B) {
	for _, others := range []int{1_000, 30_000} {
		b.Run(fmt.Sprintf("100 missed of %d", others), func(b *testing.B) {
			ring := recovery.NewRing(recovery.RingConfig{})
			facts := make([]*hub.Fact, others)
			for i := range facts {
				facts[i] = &hub.Fact{Position: event.Position(i + 1), Room: fmt.Sprint("other-", i%1000), Size: 100}
				if i%(others/100) == 0 {
					facts[i].Room = "mine"
				}
			}
			ring.Add(facts)
			b.ReportAllocs()
			for b.Loop() {
				if got, ok := ring.Since([]string{"mine"}, "u", 0, event.Position(others), 1001); !ok || len(got) != 100 {
					b.Fatal(len(got), ok)
				}
			}
		})
	}
}
