package rooms

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain/event"
	"parley/projections"
)

// fold is what a batch makes of rooms and members.
//
// A room is read before and written after, and carries the version of its stream that
// it shows: events up to that version are skipped. So the member count, which
// is a sum, is right also when a batch is applied that was applied in part.
type fold struct {
	rooms    map[string]*room
	members  map[memberKey]*member
	activity map[string]activity
}

// room is a row and what must be known beyond it.
type room struct {
	roomRow
	changed bool
}

type memberKey struct{ roomID, userID string }

// member is what is left of a membership after the batch.
type member struct {
	gone     bool
	position event.Position
	joinedAt time.Time
	role     event.MemberRole
	username string
}

type activity struct {
	seq      int64
	position event.Position
	at       time.Time
}

func newFold() *fold {
	return &fold{rooms: map[string]*room{}, members: map[memberKey]*member{}, activity: map[string]activity{}}
}

func (f *fold) addMessage(r event.Recorded, e event.Event) error {
	if e, ok := e.(event.MessageSent); ok {
		f.activity[e.RoomID] = activity{seq: r.Seq, position: r.Position, at: r.RecordedAt}
	}
	return nil
}

func (f *fold) addRoom(r event.Recorded, e event.Event) error {
	id := r.Stream.Key()
	current, ok := f.rooms[id]
	if ok && r.Version <= int64(current.version) {
		return nil // applied already
	}
	if created, is := e.(event.RoomCreated); is {
		f.create(r, created)
		return nil
	}
	if !ok {
		return fmt.Errorf("room %s was never created", id)
	}
	current.version, current.position, current.changed = zeronull.Int8(r.Version), zeronull.Int8(r.Position), true
	return f.change(r, e, current)
}

func (f *fold) create(r event.Recorded, e event.RoomCreated) {
	f.rooms[e.RoomID] = &room{changed: true, roomRow: roomRow{
		position: zeronull.Int8(r.Position), version: zeronull.Int8(r.Version), activity: zeronull.Int8(r.Position),
		createdAt: zeronull.Timestamptz(r.RecordedAt), memberCount: zeronull.Int4(len(e.Members)),
		id: zeronull.Text(e.RoomID), kind: zeronull.Text(e.RoomType), createdBy: zeronull.Text(e.CreatedBy),
		name: zeronull.Text(e.Name), topic: zeronull.Text(e.Topic),
	}}
	for _, m := range e.Members {
		f.put(r, e.RoomID, m.UserID, m.Username, m.Role, r.RecordedAt)
	}
}

func (f *fold) change(r event.Recorded, e event.Event, to *room) error {
	switch e := e.(type) {
	case event.RoomUpdated:
		to.set(e.Room)
	case event.RoomArchived:
		to.set(e.Room)
		to.archivedAt = zeronull.Timestamptz(r.RecordedAt)
	case event.MemberJoined:
		to.memberCount++
		f.put(r, e.RoomID, e.UserID, e.Username, e.Role, r.RecordedAt)
	case event.MemberRoleChanged:
		f.put(r, e.RoomID, e.UserID, e.Username, e.Role, e.JoinedAt)
	case event.MemberLeft:
		to.memberCount--
		f.remove(e.RoomID, e.UserID)
	case event.MemberRemoved:
		to.memberCount--
		f.remove(e.RoomID, e.UserID)
	default:
		return projections.Unhandled(e)
	}
	return nil
}

func (r *room) set(e event.Room) {
	r.memberCount, r.name, r.topic = zeronull.Int4(e.MemberCount), zeronull.Text(e.Name), zeronull.Text(e.Topic)
}

func (f *fold) put(r event.Recorded, roomID, userID, username string, role event.MemberRole, joinedAt time.Time) {
	f.members[memberKey{roomID, userID}] = &member{position: r.Position, joinedAt: joinedAt, role: role, username: username}
}

func (f *fold) remove(roomID, userID string) {
	f.members[memberKey{roomID, userID}] = &member{gone: true}
}

// roomArgs are the parameters of putSQL and how many rooms they hold.
func (f *fold) roomArgs() ([]any, int) {
	var (
		ids, kinds, creators, names, keys, topics []string
		positions, versions, activities           []int64
		createdAt                                 []time.Time
		archivedAt                                []*time.Time
		counts                                    []int32
	)
	for id, r := range f.rooms {
		if !r.changed {
			continue
		}
		ids, kinds, creators = append(ids, id), append(kinds, string(r.kind)), append(creators, string(r.createdBy))
		names, topics = append(names, string(r.name)), append(topics, string(r.topic))
		keys = append(keys, projections.Fold(string(r.name)))
		positions, versions = append(positions, int64(r.position)), append(versions, int64(r.version))
		createdAt, archivedAt = append(createdAt, time.Time(r.createdAt)), append(archivedAt, optional(time.Time(r.archivedAt)))
		counts, activities = append(counts, int32(r.memberCount)), append(activities, int64(r.activity))
	}
	return []any{ids, positions, versions, createdAt, archivedAt, counts, kinds, creators, names, keys, topics, activities}, len(ids)
}

// activityArgs are the parameters of activeSQL and how many rooms they hold.
func (f *fold) activityArgs() ([]any, int) {
	var (
		ids             []string
		seqs, positions []int64
		at              []time.Time
	)
	for id, a := range f.activity {
		ids, seqs = append(ids, id), append(seqs, a.seq)
		positions, at = append(positions, int64(a.position)), append(at, a.at)
	}
	return []any{ids, seqs, positions, at}, len(ids)
}

type memberArrays struct {
	n                                  int
	roomIDs, userIDs, roles, usernames []string
	positions                          []int64
	joinedAt                           []time.Time
}

func (f *fold) memberArgs() (join, leave memberArrays) {
	for k, m := range f.members {
		to := &join
		if m.gone {
			to = &leave
		}
		to.n++
		to.roomIDs, to.userIDs = append(to.roomIDs, k.roomID), append(to.userIDs, k.userID)
		to.roles, to.usernames = append(to.roles, string(m.role)), append(to.usernames, m.username)
		to.positions, to.joinedAt = append(to.positions, int64(m.position)), append(to.joinedAt, m.joinedAt)
	}
	return join, leave
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
