package messages

import (
	"context"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/projections"
)

// Revisions reads what a message was before it was changed: from the log itself, since that has it.
type Revisions struct{ log eventstore.Reader }

// NewRevisions reads from a log.
func NewRevisions(log eventstore.Reader) *Revisions { return &Revisions{log: log} }

// RevisionRequest says which revisions are asked for.
type RevisionRequest struct {
	// Before asks for those recorded below a position. Zero asks for the newest.
	Before event.Position
	// Limit is their number. Zero means 50; more than 200 means 200.
	Limit int
	// Deleted shows also what a deleted message has said. Without it every revision of
	// one is a tombstone.
	Deleted bool
}

// RevisionPage is a part of a message's past.
type RevisionPage struct {
	// Items ascend by position: the message as it was sent, after each edit, and once it was deleted. They
	// show no reactions and pins.
	Items []wire.Message `json:"items"`
	// HasMoreBefore says that there are older ones.
	HasMoreBefore bool `json:"hasMoreBefore"`
	// Position is that of the last event shown.
	Position event.Position `json:"position"`
}

// Page reads the past of a message of the room; MESSAGE_NOT_FOUND if there is none. Whether the caller may
// see the room is not asked here.
func (q *Revisions) Page(ctx context.Context, roomID, id string, req RevisionRequest) (RevisionPage, error) {
	none := domain.Errorf(domain.CodeMessageNotFound, "no such message in this room")
	parsed, err := event.ParseID(id)
	if err != nil {
		return RevisionPage{}, none
	}
	limit := projections.Limit(req.Limit)
	first, err := q.log.ByID(ctx, parsed)
	if err != nil {
		return RevisionPage{}, err
	}
	if len(first) == 0 || first[0].Stream != event.MessagesStream(roomID) || first[0].Type != event.TypeMessageSent {
		return RevisionPage{}, none
	}
	last, err := q.log.LastAbout(ctx, parsed.String(), 0, 1, event.TypeMessageDeleted)
	if err != nil {
		return RevisionPage{}, err
	}
	past, err := q.log.LastAbout(ctx, parsed.String(), req.Before, limit+1, event.TypeMessageEdited, event.TypeMessageDeleted)
	if err != nil {
		return RevisionPage{}, err
	}
	if len(past) <= limit && (req.Before == 0 || first[0].Position < req.Before) {
		past = append(first, past...)
	}
	page := RevisionPage{Items: []wire.Message{}, HasMoreBefore: len(past) > limit}
	past = past[max(0, len(past)-limit):]
	for _, r := range past {
		page.Position = r.Position
		m, err := revision(r, first[0])
		if err != nil {
			return RevisionPage{}, err
		}
		if len(last) > 0 && !req.Deleted {
			m.Content, m.Attachments = "", []event.Attachment{}
			m.DeletedAt = wire.OptionalTime(last[0].RecordedAt)
		}
		page.Items = append(page.Items, m)
	}
	return page, nil
}

// revision is the message as r has left it.
func revision(r, sent event.Recorded) (wire.Message, error) {
	of := r
	if r.Type == event.TypeMessageDeleted {
		of = sent
	}
	payload, err := of.Payload()
	if err != nil {
		return wire.Message{}, err
	}
	var m wire.Message
	switch e := payload.(type) {
	case event.MessageSent:
		m = wire.NewMessage(of, e)
	case event.MessageEdited:
		e.Marks = event.Marks{} // they are not what was revised
		m = wire.EditedMessage(of, e)
	default:
	}
	if r.Type == event.TypeMessageDeleted {
		m.Content, m.Attachments, m.Position = "", []event.Attachment{}, r.Position
		m.DeletedAt = wire.OptionalTime(r.RecordedAt)
	}
	return m, nil
}
