package commands

import (
	"context"
	"fmt"
	"time"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/receipt"
	"parley/domain/room"
	"parley/eventstore"
)

func (c *Commands) fillReceipts(a *app) {
	tidy := func(c *Mark) { respell(&c.MessageID) }
	c.MarkRead = newGatherer(&useCase[Mark, Read]{app: a, name: "mark-read", tidy: tidy, decide: a.markRead})
	c.MarkDelivered = newGatherer(&useCase[Mark, Delivered]{app: a, name: "mark-delivered", tidy: tidy, decide: a.markDelivered})
}

// exactTries is how many decisions depend on nobody having spoken meanwhile, so that what is left to read is
// exact at the position of the event. In a room that never pauses the next one does without: the
// count may then lack messages that are pushed.
const exactTries = 3

func (a *app) markRead(ctx context.Context, t *task[Mark]) (decision[Read], error) {
	m, err := a.marking(ctx, t)
	if err != nil {
		return decision[Read]{}, err
	}
	cursors := &m.state.Cursors
	from := m.upTo
	if from.Seq < cursors.Read {
		if from, err = a.numbered(ctx, t.c.RoomID, cursors.Read); err != nil {
			return decision[Read]{}, err
		}
	}
	if from.author == m.by.ID {
		cursors.Read = max(cursors.Read, from.Seq) // by sending it
	}
	left, err := a.left(ctx, m.state.Room, m.by.ID, from)
	if err != nil {
		return decision[Read]{}, err
	}
	cursors.Read = max(cursors.Read, left.own)
	m.state.Left = left.Left()
	e, err := receipt.Read{By: m.by, UpTo: m.upTo.Message}.Decide(m.state)
	if err != nil {
		return decision[Read]{}, err
	}
	if t.failed < exactTries {
		m.conditions = append(m.conditions, eventstore.StreamAt(event.MessagesStream(t.c.RoomID), left.version))
	}
	answer := Read{
		RoomID: t.c.RoomID, Seq: max(cursors.Read, m.upTo.Seq),
		UnreadCount: m.state.Left.Unread, MentionCount: m.state.Left.Mentions, Position: max(cursors.Last, m.upTo.position),
	}
	return decision[Read]{
		event: e, conditions: m.conditions, unchanged: answer,
		stored: func(r event.Recorded) (Read, error) {
			answer.Position = r.Position
			return answer, nil
		},
	}, nil
}

func (a *app) markDelivered(ctx context.Context, t *task[Mark]) (decision[Delivered], error) {
	m, err := a.marking(ctx, t)
	if err != nil {
		return decision[Delivered]{}, err
	}
	cursors := &m.state.Cursors
	if m.upTo.author == m.by.ID {
		cursors.Delivered = max(cursors.Delivered, m.upTo.Seq) // by sending it
	}
	e, err := receipt.Deliver{By: m.by, UpTo: m.upTo.Message}.Decide(m.state)
	answer := Delivered{
		RoomID: t.c.RoomID, Seq: max(cursors.Delivered, m.upTo.Seq), Position: max(cursors.Last, m.upTo.position),
	}
	return decision[Delivered]{
		event: e, conditions: m.conditions, unchanged: answer,
		stored: func(r event.Recorded) (Delivered, error) {
			answer.Position = r.Position
			return answer, nil
		},
	}, err
}

// marking is what a decision about a user's cursors stands on.
type marking struct {
	by         room.Actor
	state      receipt.State
	upTo       place
	conditions []eventstore.Condition
}

// marking reads it. The conditions keep the cursors going forward, on all nodes.
func (a *app) marking(ctx context.Context, t *task[Mark]) (marking, error) {
	u, by, err := a.actor(ctx, &t.reading, t.actor.Principal)
	if err != nil {
		return marking{}, err
	}
	snap, err := a.room(ctx, &t.reading, t.c.RoomID)
	if err != nil {
		return marking{}, err
	}
	m := marking{by: by, state: receipt.State{Room: snap.State}}
	if err := receipt.MayMark(snap.State, by); err != nil {
		return m, err // others learn nothing about messages
	}
	if m.state.Cursors, err = a.cursors(ctx, t.c.RoomID, by.ID); err != nil {
		return m, err
	}
	m.conditions = append(
		a.stillIn(&t.reading, snap, by.ID), stillActive(u),
		eventstore.SubjectAt(event.ReceiptSubject(t.c.RoomID, by.ID), m.state.Cursors.Last),
	)
	m.upTo, err = a.upTo(ctx, &t.c)
	return m, err
}

// stillIn is stillMember for what archived rooms allow too.
func (a *app) stillIn(r *reading, s *snapshot[room.State], userID string) []eventstore.Condition {
	if m, isMember := s.State.Members.Get(userID); r.again && isMember {
		return []eventstore.Condition{eventstore.EventAbsent(room.EndedID(s.State.ID, userID, m))}
	}
	return []eventstore.Condition{eventstore.StreamAt(event.RoomStream(s.State.ID), s.Version)}
}

// cursors are where the user is, as the last receipt tells.
func (a *app) cursors(ctx context.Context, roomID, userID string) (receipt.Cursors, error) {
	last, err := a.Log.LastAbout(ctx, event.ReceiptSubject(roomID, userID), 0, 1)
	if err != nil {
		return receipt.Cursors{}, fmt.Errorf("read the cursors in room %s: %w", roomID, err)
	}
	var c receipt.Cursors
	for _, r := range last {
		c = c.Evolve(r)
	}
	return c, nil
}

// place is a message and where it is in the stream; the zero place is before the first one.
type place struct {
	receipt.Message
	version  int64
	position event.Position
	at       time.Time
	author   string
}

func placeOf(r event.Recorded) (place, error) {
	payload, err := r.Payload()
	if err != nil {
		return place{}, err
	}
	e, ok := payload.(event.MessageSent)
	if !ok {
		return place{}, message.ErrNotFound()
	}
	return place{
		Message: receipt.Message{Seq: r.Seq, ID: e.MessageID},
		version: r.Version, position: r.Position, at: r.RecordedAt, author: e.Sender.ID,
	}, nil
}

// upTo finds the message that a mark names.
func (a *app) upTo(ctx context.Context, c *Mark) (place, error) {
	if c.MessageID == "" {
		return a.numbered(ctx, c.RoomID, *c.Seq)
	}
	id, err := event.ParseID(c.MessageID)
	if err != nil {
		return place{}, message.ErrNotFound()
	}
	found, err := a.Log.ByID(ctx, id)
	if err != nil {
		return place{}, fmt.Errorf("read message %s: %w", c.MessageID, err)
	}
	if len(found) == 0 || found[0].Stream != event.MessagesStream(c.RoomID) {
		return place{}, message.ErrNotFound()
	}
	return placeOf(found[0])
}

// numbered finds a message by its seq: the last one for a seq beyond.
func (a *app) numbered(ctx context.Context, roomID string, seq int64) (place, error) {
	if seq == 0 {
		return place{}, nil
	}
	stream := event.MessagesStream(roomID)
	for {
		found, ok, err := a.Log.Numbered(ctx, stream, seq)
		if err != nil {
			return place{}, fmt.Errorf("find message %d of room %s: %w", seq, roomID, err)
		}
		if ok {
			return placeOf(found)
		}
		last, ok, err := a.Log.Last(ctx, stream, 0)
		if err != nil {
			return place{}, fmt.Errorf("find the last message of room %s: %w", roomID, err)
		}
		if !ok {
			return place{}, nil
		}
		seq = min(seq, last.Seq) // it may just have been sent
	}
}

// tallyPage is how many events behind a message are read to count what is left. It is enough for who
// keeps up; for others somebody else counts, see Deps.Unread.
const tallyPage = 256

// remaining is what is left to read, as far as it is counted.
type remaining struct {
	*receipt.Tally
	// version is how much of the stream is counted.
	version int64
	// own is the seq of the last message that the user has sent itself; 0 when there is none to count.
	own int64
}

func (l *remaining) add(page []event.Recorded) {
	for _, r := range page {
		l.Add(r)
		l.version = r.Version
	}
	l.own = max(l.own, l.Own())
}

// left counts what a member has left to read behind a message.
func (a *app) left(ctx context.Context, in room.State, userID string, from place) (remaining, error) {
	from, err := a.sinceJoined(ctx, in, userID, from)
	if err != nil {
		return remaining{}, err
	}
	stream := event.MessagesStream(in.ID)
	l := remaining{Tally: receipt.NewTally(userID, from.Message), version: from.version}
	page, err := a.Log.Stream(ctx, stream, l.version, tallyPage)
	if err != nil {
		return l, fmt.Errorf("read on in room %s: %w", in.ID, err)
	}
	l.add(page)
	full := len(page) == tallyPage
	if full && a.Unread != nil {
		if err := a.counted(ctx, in.ID, userID, &l); err != nil {
			return l, err
		}
	}
	for full {
		if page, err = a.Log.Stream(ctx, stream, l.version, 0); err != nil {
			return l, fmt.Errorf("read on in room %s: %w", in.ID, err)
		}
		l.add(page)
		full = len(page) == eventstore.MaxPage
	}
	return l, a.settleUnknown(ctx, l.Tally)
}

// counted goes on from where the views have counted, if that is farther.
func (a *app) counted(ctx context.Context, roomID, userID string, l *remaining) error {
	known, err := a.Unread(ctx, roomID, userID, l.Cursor().Seq)
	if err != nil {
		return fmt.Errorf("count what is left in room %s: %w", roomID, err)
	}
	if known.At == 0 {
		return nil
	}
	last, _, err := a.Log.Last(ctx, event.MessagesStream(roomID), known.At)
	if err != nil {
		return fmt.Errorf("find where the views are in room %s: %w", roomID, err)
	}
	if last.Version <= l.version {
		return nil
	}
	if known.Cursor > l.Cursor().Seq {
		l.own = known.Cursor
	}
	l.version = last.Version
	l.Tally = receipt.Resume(userID, receipt.Message{Seq: known.Cursor}, receipt.Count{Unread: known.Unread, Mentions: known.Mentions})
	return nil
}

// settleUnknown reads the messages that were counted elsewhere and deleted since.
func (a *app) settleUnknown(ctx context.Context, tally *receipt.Tally) error {
	var ids []event.ID
	for _, s := range tally.Unknown() {
		if id, err := event.ParseID(s); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := a.Log.ByID(ctx, ids...)
	if err != nil {
		return fmt.Errorf("read deleted messages: %w", err)
	}
	for _, r := range found {
		payload, err := r.Payload()
		if err != nil {
			return err
		}
		if e, ok := payload.(event.MessageSent); ok {
			tally.Settle(e)
		}
	}
	return nil
}

// sinceJoined is from, or where the room was when the user became a member: what was said before is
// not unread.
func (a *app) sinceJoined(ctx context.Context, in room.State, userID string, from place) (place, error) {
	m, isMember := in.Members.Get(userID)
	if !isMember || m.JoinedAt.Equal(in.CreatedAt) || from.at.After(m.JoinedAt) {
		return from, nil
	}
	joined, err := a.Log.ByID(ctx, m.Via)
	if err != nil {
		return place{}, fmt.Errorf("read when %s joined: %w", userID, err)
	}
	for _, r := range joined {
		last, ok, err := a.Log.Last(ctx, event.MessagesStream(in.ID), r.Position)
		if err != nil {
			return place{}, fmt.Errorf("find where room %s was: %w", in.ID, err)
		}
		if ok && last.Version > from.version {
			return place{Message: receipt.Message{Seq: max(last.Seq, from.Seq)}, version: last.Version}, nil
		}
	}
	return from, nil
}
