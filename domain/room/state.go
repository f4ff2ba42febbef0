package room

import (
	"time"

	"parley/domain/event"
)

// State is a room. The zero State is one that does not exist.
type State struct {
	ID        string
	Name      string
	Type      event.RoomType
	Topic     string
	CreatedBy string
	CreatedAt time.Time
	// ArchivedAt is zero while the room is open.
	ArchivedAt time.Time
	Members    Members
}

// Exists reports whether there is such a room.
func (s State) Exists() bool { return s.ID != "" }

// Archived reports whether the room is closed for good.
func (s State) Archived() bool { return !s.ArchivedAt.IsZero() }

// Room is the room as events name it.
func (s State) Room() event.Room {
	return event.Room{
		RoomID: s.ID, Name: s.Name, RoomType: s.Type, Topic: s.Topic,
		CreatedBy: s.CreatedBy, CreatedAt: s.CreatedAt, MemberCount: s.Members.Len(),
	}
}

// Evolve is s after one event of the room's stream. It is total: events of other kinds
// change nothing.
func Evolve(s State, r event.Recorded) State { return Fold(s, r) }

// Fold is s after several events of the room's stream. One Fold of many events costs far
// less than as many Evolves.
func Fold(s State, events ...event.Recorded) State {
	if len(events) == 0 {
		return s
	}
	members := s.Members.edit(len(events))
	for _, r := range events {
		payload, err := r.Payload()
		if err != nil {
			continue // written by a newer build: it says nothing that this one asks
		}
		s.apply(&members, r, payload)
	}
	s.Members = members.Members
	return s
}

func (s *State) apply(members *draft, r event.Recorded, payload event.Event) {
	switch e := payload.(type) {
	case event.RoomCreated:
		s.ID, s.Name, s.Type, s.Topic = e.RoomID, e.Name, e.RoomType, e.Topic
		s.CreatedBy, s.CreatedAt = e.CreatedBy, r.RecordedAt
		for _, m := range e.Members {
			members.put(m.UserID, Member{Username: m.Username, Role: m.Role, JoinedAt: r.RecordedAt, Via: r.ID})
		}
	case event.RoomUpdated:
		s.Name, s.Topic = e.Name, e.Topic
	case event.RoomArchived:
		s.ArchivedAt = r.RecordedAt
	case event.MemberJoined:
		members.put(e.UserID, Member{Username: e.Username, Role: e.Role, JoinedAt: r.RecordedAt, Via: r.ID})
	case event.MemberLeft:
		members.remove(e.UserID)
	case event.MemberRemoved:
		members.remove(e.UserID)
	case event.MemberRoleChanged:
		if m, ok := members.Get(e.UserID); ok {
			m.Role = e.Role
			members.put(e.UserID, m)
		}
	default:
	}
}

// The ids of what can happen once. They make a repetition a duplicate, and they let an append
// depend on exactly that having not happened (eventstore.EventAbsent), whatever else changes.

// CreatedID is the id of the RoomCreated event of a room that is not direct.
func CreatedID(roomID string) event.ID { return event.DeriveID("room", roomID) }

// DirectID is the id of the RoomCreated event of the direct room of two users.
func DirectID(a, b string) event.ID { return event.DeriveID("direct", min(a, b), max(a, b)) }

// ArchivedID is the id of a room's RoomArchived event.
func ArchivedID(roomID string) event.ID { return event.DeriveID("room-archived", roomID) }

// EndedID is the id of the MemberLeft or MemberRemoved event that ends this membership.
func EndedID(roomID, userID string, m Member) event.ID {
	return event.DeriveID("membership-ended", roomID, userID, m.Via.String())
}
