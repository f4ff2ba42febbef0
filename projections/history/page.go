package history

import (
	"context"
	"slices"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/projections/messages"
)

// Sight says what the caller sees of messages that were deleted since.
type Sight struct {
	// All of them.
	All bool
	// UserID is the caller, who sees its own.
	UserID string
}

// Messages is a page of what had been said in a room, as messages.Queries.Page would have shown it. INVALID_PAYLOAD for a request
// that asks for two things.
func (q *Queries) Messages(
	ctx context.Context, roomID string, at event.Position, req messages.PageRequest, sight Sight,
) (messages.Page, error) {
	page := messages.Page{Position: at, Items: []wire.Message{}}
	last, err := q.last(ctx, event.MessagesStream(roomID), at)
	if err != nil {
		return page, err
	}
	seqs, err := req.Within(last.Seq)
	if err != nil {
		return page, err
	}
	page.HasMoreBefore, page.HasMoreAfter = seqs.HasMoreBefore, seqs.HasMoreAfter
	sent, err := q.log.NumberedBetween(ctx, event.MessagesStream(roomID), seqs.From, seqs.To)
	if err != nil || len(sent) == 0 {
		return page, err
	}
	page.Items, err = q.shapes(ctx, roomID, at, last.Seq, sent, sight)
	return page, err
}

// Message is one message, also a deleted one. MESSAGE_NOT_FOUND when it was not there yet.
func (q *Queries) Message(ctx context.Context, roomID, id string, at event.Position, sight Sight) (wire.Message, error) {
	stream := event.MessagesStream(roomID)
	parsed, err := event.ParseID(id)
	if err != nil {
		return wire.Message{}, message.ErrNotFound()
	}
	sent, err := q.log.ByID(ctx, parsed)
	if err != nil {
		return wire.Message{}, err
	}
	if len(sent) == 0 || sent[0].Stream != stream || sent[0].Type != event.TypeMessageSent || sent[0].Position > at {
		return wire.Message{}, message.ErrNotFound()
	}
	last, err := q.last(ctx, stream, at)
	if err != nil {
		return wire.Message{}, err
	}
	list, err := q.shapes(ctx, roomID, at, last.Seq, sent, sight)
	if err != nil {
		return wire.Message{}, err
	}
	return list[0], nil
}

// last is the last event of a stream by then, a zero one if there was none.
func (q *Queries) last(ctx context.Context, s event.Stream, at event.Position) (event.Recorded, error) {
	if at == 0 {
		return event.Recorded{}, nil
	}
	last, _, err := q.log.Last(ctx, s, at)
	return last, err
}

// shapes shows messages that were sent by then, when the room had so many.
func (q *Queries) shapes(
	ctx context.Context, roomID string, at event.Position, lastSeq int64, sent []event.Recorded, sight Sight,
) ([]wire.Message, error) {
	ids, deletions := make([]event.ID, len(sent)), make([]event.ID, len(sent))
	for i, r := range sent {
		ids[i], deletions[i] = r.ID, message.DeletedID(r.ID.String())
	}
	about, err := q.about(ctx, at, ids)
	if err != nil {
		return nil, err
	}
	deleted, err := q.log.ByID(ctx, deletions...)
	if err != nil {
		return nil, err
	}
	threads, err := q.messages.Threads(ctx, roomID, lastSeq, ids...)
	if err != nil {
		return nil, err
	}
	list := make([]wire.Message, len(sent))
	for i, r := range sent {
		m := Message{Thread: threads[r.ID]}
		m.Add(append([]event.Recorded{r}, about[r.ID.String()]...)...)
		if since := slices.IndexFunc(deleted, func(d event.Recorded) bool { return d.Subject == m.MessageID }); since >= 0 && !sight.sees(m) {
			m.DeletedAt = deleted[since].RecordedAt
		}
		list[i] = m.Shape()
	}
	return list, nil
}

// sees reports whether the caller is shown what the message said though it was deleted since.
func (s Sight) sees(m Message) bool { return s.All || m.Sender.ID == s.UserID }

// Most messages have had few reactions: so many events about each are read at first.
const firstAbout = 16

// about is, for each of the messages, what has to be folded to know it: the last edit, and everything from the last event on that told all
// marks.
func (q *Queries) about(ctx context.Context, at event.Position, ids []event.ID) (map[string][]event.Recorded, error) {
	known := make(map[string][]event.Recorded, len(ids))
	asked := make([]eventstore.Subject, len(ids))
	for i, id := range ids {
		asked[i] = eventstore.Subject{ID: id.String(), Below: at + 1}
	}
	var older []eventstore.Subject // may have been edited before what is known
	for limit := firstAbout; len(asked) > 0; limit = eventstore.MaxPage {
		limit = eventstore.EachOf(len(asked), limit)
		found, err := q.log.LastAboutEach(ctx, asked, limit)
		if err != nil {
			return nil, err
		}
		pages := bySubject(found)
		var more []eventstore.Subject
		for _, s := range asked {
			page := pages[s.ID]
			whole := lastIndex(page, message.TellsAll)
			known[s.ID] = slices.Concat(page[max(whole, 0):], known[s.ID])
			if len(page) < limit && whole < 0 {
				continue // there is nothing older
			}
			s.Below = known[s.ID][0].Position
			if whole < 0 {
				more = append(more, s)
			} else if lastIndex(known[s.ID], isEdit) < 0 {
				older = append(older, s)
			}
		}
		asked = more
	}
	edits, err := q.edits(ctx, older)
	if err != nil {
		return nil, err
	}
	for _, r := range edits {
		known[r.Subject] = append([]event.Recorded{r}, known[r.Subject]...)
	}
	return known, nil
}

func (q *Queries) edits(ctx context.Context, of []eventstore.Subject) ([]event.Recorded, error) {
	if len(of) == 0 {
		return nil, nil
	}
	return q.log.LastAboutEach(ctx, of, 1, event.TypeMessageEdited)
}

func isEdit(r event.Recorded) bool { return r.Type == event.TypeMessageEdited }

func bySubject(events []event.Recorded) map[string][]event.Recorded {
	by := make(map[string][]event.Recorded, len(events))
	for _, r := range events {
		by[r.Subject] = append(by[r.Subject], r)
	}
	return by
}

func lastIndex(events []event.Recorded, is func(event.Recorded) bool) int {
	for i, r := range slices.Backward(events) {
		if is(r) {
			return i
		}
	}
	return -1
}
