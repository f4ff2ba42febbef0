package room

import (
	"parley/domain"
	"parley/domain/event"
	"parley/domain/user"
)

// Create opens a room.
type Create struct {
	By    Actor
	ID    string
	Name  string
	Type  event.RoomType
	Topic string
	// Invited are the accounts of the first members. The creator may be among them, and
	// nobody needs to be there once only.
	Invited []user.State
}

// Decide gives RoomCreated: the creator owns the room, and the invited are members. A
// direct room has exactly one other member, and both are plain members: neither may take
// away what the other has said. It fails with ROOM_EXISTS, and with INVALID_PAYLOAD (memberIds).
func (c Create) Decide(s State) (event.Event, error) {
	if s.Exists() {
		return nil, ErrTaken()
	}
	creator := event.Member{UserID: c.By.ID, Username: c.By.Username, Role: event.RoleOwner}
	if c.Type == event.RoomDirect {
		creator.Role = event.RoleMember
	}
	members := []event.Member{creator}
	known := map[string]bool{c.By.ID: true}
	for _, u := range c.Invited {
		if known[u.ID] {
			continue
		}
		if u.MayAct() != nil {
			return nil, domain.Invalid("memberIds", "must name active users")
		}
		known[u.ID] = true
		members = append(members, event.Member{UserID: u.ID, Username: u.Username, Role: event.RoleMember})
	}
	if c.Type == event.RoomDirect && len(members) != 2 {
		return nil, domain.Invalid("memberIds", "must name exactly one other user for a direct room")
	}
	return event.RoomCreated{
		RoomID: c.ID, Name: c.Name, RoomType: c.Type, Topic: c.Topic, CreatedBy: c.By.ID, Members: members,
	}, nil
}

// Update changes what is not nil.
type Update struct {
	By          Actor
	Name, Topic *string
}

// Decide gives RoomUpdated. Owners and moderators may.
func (c Update) Decide(s State) (event.Event, error) {
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	if err := s.atLeast(moderator, c.By, "only owners and moderators may change the room"); err != nil {
		return nil, err
	}
	next := s.Room()
	if c.Name != nil {
		next.Name = *c.Name
	}
	if c.Topic != nil {
		next.Topic = *c.Topic
	}
	if next.Name == s.Name && next.Topic == s.Topic {
		return nil, nil
	}
	return event.RoomUpdated{Room: next, By: c.By.ID}, nil
}

// Archive closes a room for good.
type Archive struct {
	By Actor
}

// Decide gives RoomArchived. Owners may.
func (c Archive) Decide(s State) (event.Event, error) {
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	if err := s.atLeast(owner, c.By, "only owners may archive the room"); err != nil {
		return nil, err
	}
	return event.RoomArchived{Room: s.Room(), By: c.By.ID}, nil
}
