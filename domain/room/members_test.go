package room_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/room"
)

// model is the same fold, done in the most obvious way.
func model(events []event.Recorded) map[string]event.MemberRole {
	roles := map[string]event.MemberRole{}
	for _, r := range events {
		switch e := must(r.Payload()).(type) {
		case event.RoomCreated:
			for _, m := range e.Members {
				roles[m.UserID] = m.Role
			}
		case event.MemberJoined:
			roles[e.UserID] = e.Role
		case event.MemberLeft:
			delete(roles, e.UserID)
		case event.MemberRemoved:
			delete(roles, e.UserID)
		case event.MemberRoleChanged:
			if _, ok := roles[e.UserID]; ok {
				roles[e.UserID] = e.Role
			}
		default:
		}
	}
	return roles
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func rolesOf(s room.State) map[string]event.MemberRole {
	roles := map[string]event.MemberRole{}
	for id, m := range s.Members.All() {
		roles[id] = m.Role
	}
	return roles
}

func history(rng *rand.Rand, n int) []event.Recorded {
	list := []event.Event{public}
	roles := []event.MemberRole{event.RoleOwner, event.RoleModerator, event.RoleMember}
	for range n {
		id := fmt.Sprintf("u%d", rng.IntN(200))
		switch rng.IntN(6) {
		case 0:
			list = append(list, event.MemberLeft{RoomID: "r", UserID: id})
		case 1:
			list = append(list, event.MemberRemoved{RoomID: "r", UserID: id})
		case 2:
			list = append(list, event.MemberRoleChanged{RoomID: "r", UserID: id, Role: roles[rng.IntN(3)]})
		default:
			list = append(list, event.MemberJoined{RoomID: "r", UserID: id, Role: roles[rng.IntN(3)]})
		}
	}
	return domaintest.Record(list...)
}

func TestFoldInAnyPortionsIsTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		events := history(rng, 400)
		var s room.State
		for at := 0; at < len(events); {
			next := min(len(events), at+1+rng.IntN(1+rng.IntN(60)))
			before, roles := s, rolesOf(s)
			s = room.Fold(s, events[at:next]...)
			if !maps.Equal(rolesOf(before), roles) {
				t.Fatalf("seed %d: folding %d..%d changed the state that it began with", seed, at, next)
			}
			at = next
			want := model(events[:at])
			if got := rolesOf(s); !maps.Equal(got, want) || s.Members.Len() != len(want) {
				t.Fatalf("seed %d, %d events: %d members %v, want %v", seed, at, s.Members.Len(), got, want)
			}
			for id, role := range want {
				if m, ok := s.Members.Get(id); !ok || m.Role != role {
					t.Fatalf("seed %d: Get(%s) = %v, %v", seed, id, m, ok)
				}
			}
		}
	}
}

func TestTwoFuturesOfOneStateAreApart(t *testing.T) {
	t.Parallel()
	s := room.Fold(room.State{}, domaintest.Record(public)...)
	join := func(id string) event.Recorded {
		return domaintest.Record(event.MemberJoined{RoomID: "r", UserID: id, Role: event.RoleMember})[0]
	}
	a, b := room.Evolve(s, join("a")), room.Evolve(s, join("b"))
	if _, ok := a.Members.Get("b"); ok {
		t.Error("b is in the other future")
	}
	if _, ok := b.Members.Get("a"); ok {
		t.Error("a is in the other future")
	}
	if s.Members.Len() != 4 || a.Members.Len() != 5 || b.Members.Len() != 5 {
		t.Errorf("members: %d, then %d and %d", s.Members.Len(), a.Members.Len(), b.Members.Len())
	}
}

func TestEachMembershipEndsOnce(t *testing.T) {
	t.Parallel()
	s := room.Fold(room.State{}, domaintest.Record(public, outJoined)...)
	first, _ := s.Members.Get("out")
	back := room.Fold(s, domaintest.Record(public, outJoined, event.MemberLeft{RoomID: "r", UserID: "out"}, outJoined)[2:]...)
	second, _ := back.Members.Get("out")
	promoted := room.Evolve(s, domaintest.Record(event.MemberRoleChanged{RoomID: "r", UserID: "out", Role: event.RoleOwner})[0])
	if same, _ := promoted.Members.Get("out"); room.EndedID("r", "out", first) != room.EndedID("r", "out", same) {
		t.Error("the end of one membership has two ids")
	}
	if room.EndedID("r", "out", first) == room.EndedID("r", "out", second) {
		t.Error("the ends of two memberships have one id")
	}
	if room.DirectID("a", "b") != room.DirectID("b", "a") {
		t.Error("a pair has two direct rooms")
	}
}

func BenchmarkFold(b *testing.B) {
	list := []event.Event{public}
	for i := range 10_000 {
		list = append(list, event.MemberJoined{RoomID: "r", UserID: fmt.Sprintf("user-%d", i), Role: event.RoleMember})
	}
	events := domaintest.Record(list...)
	full := room.Fold(room.State{}, events...)
	more := domaintest.Record(outJoined)[0]
	b.Run("load 10000 members", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			room.Fold(room.State{}, events...)
		}
	})
	b.Run("one more of 10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			room.Evolve(full, more)
		}
	})
	b.Run("steady joins and leaves", func(b *testing.B) {
		b.ReportAllocs()
		s := full
		gone := domaintest.Record(event.MemberLeft{RoomID: "r", UserID: "out"})[0]
		for i := 0; b.Loop(); i++ {
			if s = room.Evolve(s, more); i%2 == 0 {
				s = room.Evolve(s, gone)
			}
		}
	})
}
