package room

import (
	"parley/domain"
	"parley/domain/event"
)

// Actor is who asks for something in a room.
type Actor struct {
	ID, Username string
	// Admin may do in every room what its owners may.
	Admin bool
}

// standing is what an actor is in a room: the stronger of its role and an admin's rights.
type standing int

const (
	outsider standing = iota
	member
	moderator
	owner
)

func standingOf(role event.MemberRole) standing {
	switch role {
	case event.RoleOwner:
		return owner
	case event.RoleModerator:
		return moderator
	case event.RoleMember:
		return member
	default:
		return outsider
	}
}

func (s State) standing(by Actor) standing {
	if by.Admin {
		return owner
	}
	m, _ := s.Members.Get(by.ID)
	return standingOf(m.Role)
}

// ErrNotFound is the answer for a room that does not exist or may not be seen.
func ErrNotFound() *domain.Error {
	return domain.Errorf(domain.CodeRoomNotFound, "there is no such room")
}

// ErrNotAMember refuses those who are not in the room.
func ErrNotAMember() *domain.Error {
	return domain.Errorf(domain.CodeNotAMember, "you are not a member of this room")
}

// ErrArchived refuses every change of an archived room.
func ErrArchived() *domain.Error {
	return domain.Errorf(domain.CodeRoomArchived, "the room is archived")
}

// ErrTaken refuses a second room of the same id.
func ErrTaken() *domain.Error {
	return domain.Errorf(domain.CodeRoomExists, "a room of this id exists already")
}

// MaySee fails with ROOM_NOT_FOUND unless the actor may know that the room exists.
func (s State) MaySee(by Actor) error {
	_, isMember := s.Members.Get(by.ID)
	if s.Exists() && (s.Type == event.RoomPublic || isMember || by.Admin) {
		return nil
	}
	return ErrNotFound()
}

// MayWrite fails with ROOM_NOT_FOUND, ROOM_ARCHIVED or NOT_A_MEMBER unless the actor may add
// something to the room. Being an admin is not enough: only members speak.
func (s State) MayWrite(by Actor) error {
	if err := s.open(by); err != nil {
		return err
	}
	if _, ok := s.Members.Get(by.ID); !ok {
		return ErrNotAMember()
	}
	return nil
}

// MayModerate fails with ROOM_NOT_FOUND, ROOM_ARCHIVED, NOT_A_MEMBER or FORBIDDEN unless the
// actor may take away what others have said.
func (s State) MayModerate(by Actor) error {
	if err := s.open(by); err != nil {
		return err
	}
	return s.atLeast(moderator, by, "only moderators and owners may do this")
}

// Moderates reports whether the actor is one who takes away what others have said, whether the
// room is open or archived.
func (s State) Moderates(by Actor) bool { return s.MaySee(by) == nil && s.standing(by) >= moderator }

// MayPin fails as MayModerate does, but for the two members of a direct room: they may both.
func (s State) MayPin(by Actor) error {
	if _, isMember := s.Members.Get(by.ID); isMember && s.Type == event.RoomDirect {
		return s.MayWrite(by)
	}
	return s.MayModerate(by)
}

// open fails unless the actor sees the room and it is not archived.
func (s State) open(by Actor) error {
	if err := s.MaySee(by); err != nil {
		return err
	}
	if s.Archived() {
		return ErrArchived()
	}
	return nil
}

// changeable is open for what direct rooms do not have.
func (s State) changeable(by Actor) error {
	if err := s.open(by); err != nil {
		return err
	}
	if s.Type == event.RoomDirect {
		return domain.Errorf(domain.CodeForbidden, "a direct room stays as it is")
	}
	return nil
}

func (s State) atLeast(needed standing, by Actor, otherwise string) error {
	switch got := s.standing(by); {
	case got >= needed:
		return nil
	case got == outsider:
		return ErrNotAMember()
	default:
		return domain.Errorf(domain.CodeForbidden, "%s", otherwise)
	}
}

// keepsOwner fails with LAST_OWNER if the room would lose its last owner with m.
func (s State) keepsOwner(m Member) error {
	if m.Role == event.RoleOwner && s.Members.owners == 1 {
		return domain.Errorf(domain.CodeLastOwner, "the last owner must name another owner first")
	}
	return nil
}
