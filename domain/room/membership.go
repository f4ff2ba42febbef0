package room

import (
	"parley/domain"
	"parley/domain/event"
	"parley/domain/user"
)

// Join makes the actor a member.
type Join struct {
	By Actor
}

// Decide gives MemberJoined. Anybody may join a public room, and admins every room but
// direct ones. Members stay what they are, also in rooms that are archived.
func (c Join) Decide(s State) (event.Event, error) {
	if err := s.MaySee(c.By); err != nil {
		return nil, err
	}
	if _, already := s.Members.Get(c.By.ID); already {
		return nil, nil
	}
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	return event.MemberJoined{
		RoomID: s.ID, UserID: c.By.ID, Username: c.By.Username, Role: event.RoleMember, By: c.By.ID,
	}, nil
}

// Leave ends the actor's membership.
type Leave struct {
	By Actor
}

// Decide gives MemberLeft. It fails with LAST_OWNER for the only owner.
func (c Leave) Decide(s State) (event.Event, error) {
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	m, ok := s.Members.Get(c.By.ID)
	if !ok {
		return nil, ErrNotAMember()
	}
	if err := s.keepsOwner(m); err != nil {
		return nil, err
	}
	return event.MemberLeft{RoomID: s.ID, UserID: c.By.ID, Username: m.Username}, nil
}

// Add invites a user.
type Add struct {
	By Actor
	// User is the account that is invited; the zero State for one that does not exist.
	User user.State
	// UserID is its id.
	UserID string
	// Role is what it becomes; "" means a plain member.
	Role event.MemberRole
}

// Decide gives MemberJoined. Owners and moderators may, but only owners name owners and
// moderators. Who is a member already stays what it is. It fails with INVALID_PAYLOAD
// (userId) for a user that does not exist or was deactivated.
func (c Add) Decide(s State) (event.Event, error) {
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	if err := s.atLeast(moderator, c.By, "only owners and moderators may add members"); err != nil {
		return nil, err
	}
	role := c.Role
	if role == "" {
		role = event.RoleMember
	}
	if role != event.RoleMember {
		if err := s.atLeast(owner, c.By, "only owners may name owners and moderators"); err != nil {
			return nil, err
		}
	}
	if _, already := s.Members.Get(c.UserID); already {
		return nil, nil
	}
	if c.User.MayAct() != nil {
		return nil, domain.Invalid("userId", "must name an active user")
	}
	return event.MemberJoined{
		RoomID: s.ID, UserID: c.UserID, Username: c.User.Username, Role: role, By: c.By.ID,
	}, nil
}

// Remove puts a member out.
type Remove struct {
	By     Actor
	UserID string
}

// Decide gives MemberRemoved, or MemberLeft when the actor names itself. Owners remove
// anybody, moderators plain members. It fails with NOT_A_MEMBER if the user is none, and with LAST_OWNER.
func (c Remove) Decide(s State) (event.Event, error) {
	if c.UserID == c.By.ID {
		return Leave{By: c.By}.Decide(s)
	}
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	if err := s.atLeast(moderator, c.By, "only owners and moderators may remove members"); err != nil {
		return nil, err
	}
	target, err := s.member(c.UserID)
	if err != nil {
		return nil, err
	}
	if target.Role != event.RoleMember {
		if err := s.atLeast(owner, c.By, "moderators may remove plain members only"); err != nil {
			return nil, err
		}
	}
	if err := s.keepsOwner(target); err != nil {
		return nil, err
	}
	return event.MemberRemoved{RoomID: s.ID, UserID: c.UserID, Username: target.Username, By: c.By.ID}, nil
}

// SetRole gives a member another role.
type SetRole struct {
	By     Actor
	UserID string
	Role   event.MemberRole
}

// Decide gives MemberRoleChanged. Owners may. It fails with NOT_A_MEMBER if the user is
// none, and with LAST_OWNER.
func (c SetRole) Decide(s State) (event.Event, error) {
	if err := s.changeable(c.By); err != nil {
		return nil, err
	}
	if err := s.atLeast(owner, c.By, "only owners may change roles"); err != nil {
		return nil, err
	}
	target, err := s.member(c.UserID)
	if err != nil {
		return nil, err
	}
	if target.Role == c.Role {
		return nil, nil
	}
	if err := s.keepsOwner(target); err != nil {
		return nil, err
	}
	return event.MemberRoleChanged{
		RoomID: s.ID, UserID: c.UserID, Username: target.Username, Role: c.Role, JoinedAt: target.JoinedAt, By: c.By.ID,
	}, nil
}

func (s State) member(userID string) (Member, error) {
	m, ok := s.Members.Get(userID)
	if !ok {
		return Member{}, domain.Errorf(domain.CodeNotAMember, "the user is not a member of this room")
	}
	return m, nil
}
