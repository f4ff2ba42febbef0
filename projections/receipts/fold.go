package receipts

import (
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
)

type key struct{ roomID, userID string }

type room struct {
	position event.Position
	lastSeq  int64
	changed  bool
}

type receipt struct {
	member                bool
	base, read, delivered int64
	readAt, deliveredAt   *time.Time
	changed, moved        bool
}

// cursor is where unread messages begin.
func (r *receipt) cursor() int64 { return max(r.base, r.read) }

// fold is the rows that a batch touches, and what it adds to the other tables.
type fold struct {
	rooms    map[string]*room
	receipts map[key]*receipt
	history  history
	mentions mentions
	deleted  deletions
}

func newFold() *fold { return &fold{rooms: map[string]*room{}, receipts: map[key]*receipt{}} }

// touch says which rows are needed.
func (f *fold) touch(_ event.Recorded, e event.Event) error {
	switch e := e.(type) {
	case event.RoomCreated:
		f.need(e.RoomID)
		for _, m := range e.Members {
			f.need(e.RoomID, m.UserID)
		}
	case event.MemberJoined:
		f.need(e.RoomID, e.UserID)
	case event.MemberLeft:
		f.need(e.RoomID, e.UserID)
	case event.MemberRemoved:
		f.need(e.RoomID, e.UserID)
	case event.MessageSent:
		f.need(e.RoomID, e.Sender.ID)
	case event.MessageDeleted:
		f.need(e.RoomID)
	case event.MessagesRead:
		f.need(e.RoomID, e.UserID)
	case event.MessagesDelivered:
		f.need(e.RoomID, e.UserID)
	default: // changes nothing that anybody has read or not
	}
	return nil
}

func (f *fold) need(roomID string, userIDs ...string) {
	if f.rooms[roomID] == nil {
		f.rooms[roomID] = &room{}
	}
	for _, id := range userIDs {
		if k := (key{roomID, id}); f.receipts[k] == nil {
			f.receipts[k] = &receipt{}
		}
	}
}

// add applies an event, unless its room shows that it is applied.
func (f *fold) add(r event.Recorded, e event.Event) error {
	in := f.rooms[r.Stream.Key()]
	if in == nil || r.Position <= in.position {
		return nil
	}
	switch e := e.(type) {
	case event.RoomCreated:
		for _, m := range e.Members {
			f.join(in, key{e.RoomID, m.UserID})
		}
	case event.MemberJoined:
		f.join(in, key{e.RoomID, e.UserID})
	case event.MemberLeft:
		f.leave(key{e.RoomID, e.UserID})
	case event.MemberRemoved:
		f.leave(key{e.RoomID, e.UserID})
	case event.MessageSent:
		f.sent(in, r, e)
	case event.MessageDeleted:
		return f.delete(in, r, e)
	case event.MessagesRead:
		f.read(r, e.Receipt)
	case event.MessagesDelivered:
		f.delivered(r, e.Receipt)
	default:
		return nil
	}
	in.position, in.changed = r.Position, true
	return nil
}

func (f *fold) delete(in *room, r event.Recorded, e event.MessageDeleted) error {
	id, err := event.ParseID(e.MessageID)
	if err != nil {
		return err
	}
	f.deleted.roomIDs, f.deleted.seqs, f.deleted.ids = append(f.deleted.roomIDs, e.RoomID), append(f.deleted.seqs, e.Seq), append(f.deleted.ids, id)
	in.position, in.changed = r.Position, true
	return nil
}

// join sets where the member begins. What it read as a member before, it has read.
func (f *fold) join(in *room, k key) {
	r := f.receipts[k]
	r.member, r.base, r.changed, r.moved = true, in.lastSeq, true, true
}

func (f *fold) leave(k key) {
	r := f.receipts[k]
	r.member, r.changed = false, true
}

// sent moves the sender's cursors. It is a stop in their history if there was something in between.
func (f *fold) sent(in *room, r event.Recorded, e event.MessageSent) {
	k := key{e.RoomID, e.Sender.ID}
	sender := f.receipts[k]
	if sender.cursor() < r.Seq-1 {
		f.history.add(k, false, r.Seq, r.RecordedAt)
	}
	sender.reach(&sender.read, &sender.readAt, r.Seq, r.RecordedAt)
	sender.reach(&sender.delivered, &sender.deliveredAt, r.Seq, r.RecordedAt)
	in.lastSeq = r.Seq
	for _, id := range e.Mentions {
		f.mentions.add(key{e.RoomID, id}, r.Seq)
		f.mentions.ids = append(f.mentions.ids, r.ID)
	}
}

func (f *fold) read(r event.Recorded, e event.Receipt) {
	k := key{e.RoomID, e.UserID}
	reader := f.receipts[k]
	if reader.reach(&reader.read, &reader.readAt, e.Seq, r.RecordedAt) {
		f.history.add(k, false, e.Seq, r.RecordedAt)
	}
	reader.reach(&reader.delivered, &reader.deliveredAt, e.Seq, r.RecordedAt)
}

func (f *fold) delivered(r event.Recorded, e event.Receipt) {
	k := key{e.RoomID, e.UserID}
	reader := f.receipts[k]
	if reader.reach(&reader.delivered, &reader.deliveredAt, e.Seq, r.RecordedAt) {
		f.history.add(k, true, e.Seq, r.RecordedAt)
	}
}

// reach moves a cursor forward.
func (r *receipt) reach(cursor *int64, at **time.Time, seq int64, when time.Time) bool {
	if seq <= *cursor {
		return false
	}
	*cursor, *at = seq, &when
	r.changed, r.moved = true, true
	return true
}

type history struct {
	roomIDs, userIDs []string
	delivered        []bool
	seqs             []int64
	at               []time.Time
}

func (l *history) add(k key, delivered bool, seq int64, at time.Time) {
	l.roomIDs, l.userIDs = append(l.roomIDs, k.roomID), append(l.userIDs, k.userID)
	l.delivered, l.seqs, l.at = append(l.delivered, delivered), append(l.seqs, seq), append(l.at, at)
}

type mentions struct {
	roomIDs, userIDs []string
	seqs             []int64
	ids              [][16]byte
}

func (l *mentions) add(k key, seq int64) {
	l.roomIDs, l.userIDs, l.seqs = append(l.roomIDs, k.roomID), append(l.userIDs, k.userID), append(l.seqs, seq)
}

type deletions struct {
	roomIDs []string
	seqs    []int64
	ids     [][16]byte
}

func (f *fold) roomIDs() []string {
	ids := make([]string, 0, len(f.rooms))
	for id := range f.rooms {
		ids = append(ids, id)
	}
	return ids
}

func (f *fold) receiptKeys() (roomIDs, userIDs []string) {
	for k := range f.receipts {
		roomIDs, userIDs = append(roomIDs, k.roomID), append(userIDs, k.userID)
	}
	return roomIDs, userIDs
}

// queue writes what has changed. Mentions go in before those that are read or deleted go out.
func (f *fold) queue(writes *pgx.Batch, p *Projector) {
	f.queueRooms(writes, p)
	if l := &f.history; len(l.seqs) > 0 {
		writes.Queue(p.history, l.roomIDs, l.userIDs, l.delivered, l.seqs, l.at)
	}
	if l := &f.mentions; len(l.seqs) > 0 {
		writes.Queue(p.mention, l.roomIDs, l.userIDs, l.seqs, l.ids)
	}
	f.queueReceipts(writes, p)
	if l := &f.deleted; len(l.seqs) > 0 {
		writes.Queue(p.deletion, l.roomIDs, l.seqs)
		writes.Queue(p.counts, l.roomIDs, l.seqs)
		writes.Queue(p.unsaid, l.ids)
	}
}

func (f *fold) queueRooms(writes *pgx.Batch, p *Projector) {
	var (
		ids             []string
		positions, seqs []int64
	)
	for id, r := range f.rooms {
		if r.changed {
			ids, positions, seqs = append(ids, id), append(positions, int64(r.position)), append(seqs, r.lastSeq)
		}
	}
	if len(ids) > 0 {
		writes.Queue(p.putRooms, ids, positions, seqs)
	}
}

func (f *fold) queueReceipts(writes *pgx.Batch, p *Projector) {
	var (
		roomIDs, userIDs      []string
		member                []bool
		base, read, delivered []int64
		readAt, deliveredAt   []*time.Time
		passed                mentions // up to the cursor
	)
	for k, r := range f.receipts {
		if !r.changed {
			continue
		}
		roomIDs, userIDs, member = append(roomIDs, k.roomID), append(userIDs, k.userID), append(member, r.member)
		base, read, delivered = append(base, r.base), append(read, r.read), append(delivered, r.delivered)
		readAt, deliveredAt = append(readAt, r.readAt), append(deliveredAt, r.deliveredAt)
		if r.moved {
			passed.add(k, r.cursor())
		}
	}
	if len(roomIDs) == 0 {
		return
	}
	writes.Queue(p.putReceipts, roomIDs, userIDs, member, base, read, delivered, readAt, deliveredAt)
	if len(passed.seqs) > 0 {
		writes.Queue(p.behind, passed.roomIDs, passed.userIDs, passed.seqs)
	}
}

var _ projections.Projector = (*Projector)(nil)
