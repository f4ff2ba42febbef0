package room

import (
	"iter"
	"maps"
	"time"

	"parley/domain/event"
)

// Member is one of a room's members.
type Member struct {
	Username string
	Role     event.MemberRole
	JoinedAt time.Time
	// Via is the event that made it a member: RoomCreated or MemberJoined. A member who goes
	// and comes back has another one.
	Via event.ID
}

// Members is an immutable set of members by user id, cheap to change a little: a large
// base that all versions share, and the few changes since.
type Members struct {
	base    map[string]Member
	changes map[string]Member // of role "": gone
	count   int
	owners  int
}

// Len is how many there are.
func (m Members) Len() int { return m.count }

// Get is the member of that user id.
func (m Members) Get(userID string) (Member, bool) {
	if member, changed := m.changes[userID]; changed {
		return member, member.Role != ""
	}
	member, ok := m.base[userID]
	return member, ok
}

// All gives every member, in no order.
func (m Members) All() iter.Seq2[string, Member] {
	return func(yield func(string, Member) bool) {
		for id, member := range m.changes {
			if member.Role != "" && !yield(id, member) {
				return
			}
		}
		for id, member := range m.base {
			if _, changed := m.changes[id]; !changed && !yield(id, member) {
				return
			}
		}
	}
}

// minChanges is how many changes are kept beside even the smallest base.
const minChanges = 32

// draft is a set of members that only its maker has, so that it can be changed in place.
type draft struct{ Members }

// edit is a draft of m that has room for n changes. A fold of many events copies once.
func (m Members) edit(n int) draft {
	if total := len(m.changes) + n; total <= minChanges || total*total <= len(m.base) {
		changes := make(map[string]Member, total)
		maps.Copy(changes, m.changes)
		m.changes = changes
		return draft{m}
	}
	base := make(map[string]Member, m.count+n)
	maps.Insert(base, m.All())
	m.base, m.changes = base, nil
	return draft{m}
}

func (d *draft) put(userID string, member Member) {
	d.discount(userID)
	d.count++
	if member.Role == event.RoleOwner {
		d.owners++
	}
	if d.changes == nil {
		d.base[userID] = member
		return
	}
	d.changes[userID] = member
}

func (d *draft) remove(userID string) {
	d.discount(userID)
	if d.changes == nil {
		delete(d.base, userID)
		return
	}
	d.changes[userID] = Member{}
}

func (d *draft) discount(userID string) {
	old, ok := d.Get(userID)
	if !ok {
		return
	}
	d.count--
	if old.Role == event.RoleOwner {
		d.owners--
	}
}
