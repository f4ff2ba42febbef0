package search

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/projections"
)

// MaxIndexed bounds what is searched of a message, in bytes; Postgres cannot take a megabyte of words.
const MaxIndexed = 64 << 10

// Projector writes the view.
type Projector struct{ put, bury, erase string }

// NewProjector writes the tables of a schema; "" stands for projections.DefaultSchema.
func NewProjector(schema string) *Projector {
	return &Projector{
		put: projections.In(schema, putSQL), bury: projections.In(schema, burySQL), erase: projections.In(schema, eraseSQL),
	}
}

// Name is the view's.
func (*Projector) Name() string { return "search" }

// Tables are the view's.
func (*Projector) Tables() []string { return []string{"search"} }

// Apply folds the batch to one change for each message and writes them in one round trip.
func (p *Projector) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	f := fold{at: make(map[event.ID]int, len(batch))}
	if err := projections.Each(batch, []string{event.CategoryMessages}, f.add); err != nil {
		return err
	}
	var puts, burials columns
	for i := range f.changes {
		if c := &f.changes[i]; c.whole {
			puts.add(c)
		} else {
			burials.add(c)
		}
	}
	var writes pgx.Batch
	if len(puts.ids) > 0 {
		writes.Queue(p.put, puts.ids, puts.roomIDs, puts.positions, puts.sentAt, puts.textAt, puts.texts, puts.senders)
	}
	if len(burials.ids) > 0 {
		writes.Queue(p.bury, burials.ids, burials.positions)
	}
	erased, err := projections.Erased(batch)
	if err != nil {
		return err
	}
	if len(erased) > 0 {
		writes.Queue(p.erase, erased)
	}
	if writes.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &writes).Close(); err != nil {
		return fmt.Errorf("write words: %w", err)
	}
	return nil
}

// change is what a batch does to one message.
type change struct {
	id       event.ID
	roomID   string
	position event.Position
	// whole says that the message was sent or edited; else it was only deleted.
	whole  bool
	sentAt time.Time
	textAt time.Time
	// text is nil for a message that was deleted.
	text *string
	// sender is whose text it is.
	sender string
}

type fold struct {
	at      map[event.ID]int
	changes []change
}

func (f *fold) add(r event.Recorded, e event.Event) error {
	switch e := e.(type) {
	case event.MessageSent:
		return f.said(r, e.Message, r.RecordedAt)
	case event.MessageEdited:
		return f.said(r, e.Message, e.SentAt)
	case event.MessageDeleted:
		c, err := f.of(r, e.RoomID, e.MessageID)
		if err == nil {
			c.text = nil
		}
		return err
	default: // what others put on messages is not searched for
		return nil
	}
}

func (f *fold) said(r event.Recorded, m event.Message, sentAt time.Time) error {
	c, err := f.of(r, m.RoomID, m.MessageID)
	if err != nil {
		return err
	}
	if !c.whole {
		c.whole, c.sentAt, c.sender = true, sentAt, m.Sender.ID
	}
	c.textAt, c.text = r.RecordedAt, new(indexed(m.Content))
	return nil
}

// of is the change of a message; the pointer holds until the next call.
func (f *fold) of(r event.Recorded, roomID, messageID string) (*change, error) {
	id, err := event.ParseID(messageID)
	if err != nil {
		return nil, err
	}
	i, ok := f.at[id]
	if !ok {
		i = len(f.changes)
		f.at[id] = i
		f.changes = append(f.changes, change{id: id, roomID: roomID})
	}
	f.changes[i].position = r.Position
	return &f.changes[i], nil
}

// indexed is the beginning of a text, with letters of one case.
func indexed(text string) string {
	if len(text) > MaxIndexed {
		text = strings.ToValidUTF8(text[:MaxIndexed], "") // a character may have been cut
	}
	return projections.Fold(text)
}

// columns are the parameters of a statement: an array for each column.
type columns struct {
	ids       [][16]byte
	roomIDs   []string
	positions []int64
	sentAt    []time.Time
	textAt    []time.Time
	texts     []*string
	senders   []string
}

func (l *columns) add(c *change) {
	l.ids = append(l.ids, c.id)
	l.roomIDs = append(l.roomIDs, c.roomID)
	l.positions = append(l.positions, int64(c.position))
	l.sentAt = append(l.sentAt, c.sentAt)
	l.textAt = append(l.textAt, c.textAt)
	l.texts = append(l.texts, c.text)
	l.senders = append(l.senders, c.sender)
}

// A room among the words begins with a character that is in no word and in no message.
const putSQL = `
INSERT INTO views.search AS s (id, room_id, position, sent_at, text_at, words, sender_id)
SELECT id, room_id, position, sent_at, text_at, array_to_tsvector(ARRAY[E'\x01' || room_id]) || to_tsvector('simple', content), sender_id
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[])
  AS c (id, room_id, position, sent_at, text_at, content, sender_id)
ON CONFLICT (id) DO UPDATE SET position = excluded.position, text_at = excluded.text_at, words = excluded.words
WHERE s.position < excluded.position`

const burySQL = `
UPDATE views.search AS s SET position = c.position, words = NULL
FROM unnest($1::uuid[], $2::bigint[]) AS c (id, position)
WHERE s.id = c.id AND s.position < c.position`

// What is left are the words of no text. Nothing is indexed by sender: an erasure is rare, and looks at every message.
const eraseSQL = `
UPDATE views.search SET words = array_to_tsvector(ARRAY[E'\x01' || room_id])
WHERE sender_id = ANY ($1::text[]) AND words IS NOT NULL`
