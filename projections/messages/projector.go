package messages

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// Projector writes the view.
type Projector struct {
	table                                                 pgx.Identifier
	put, known, bury, unreact, react, mark, answer, erase string
}

// NewProjector writes the tables of a schema; "" stands for projections.DefaultSchema.
func NewProjector(schema string) *Projector {
	return &Projector{
		table: projections.Table(schema, "messages"),
		put:   projections.In(schema, putSQL), known: projections.In(schema, knownSQL), bury: projections.In(schema, burySQL),
		unreact: projections.In(schema, unreactSQL), react: projections.In(schema, reactSQL),
		mark: projections.In(schema, markSQL), answer: projections.In(schema, answerSQL), erase: projections.In(schema, eraseSQL),
	}
}

// Name is the view's.
func (*Projector) Name() string { return "messages" }

// Tables are the view's.
func (*Projector) Tables() []string { return []string{"messages", "reactions"} }

// copyFrom is how many new messages are worth a COPY, which costs two round trips more.
const copyFrom = 50

// Apply folds the batch to one change for each message and writes them in one round trip; many new messages are copied,
// which costs Postgres half of what an INSERT does.
func (p *Projector) Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error {
	f := fold{at: make(map[key]int, len(batch)), changes: make([]change, 0, len(batch))}
	if err := projections.Each(batch, []string{event.CategoryMessages}, f.add); err != nil {
		return err
	}
	w, err := f.columns()
	if err != nil {
		return err
	}
	var before, writes pgx.Batch
	f.queueReactions(&before, p) // before the messages, whose positions tell what is applied
	if len(w.sent.seqs) >= copyFrom {
		if err := p.copy(ctx, tx, &before, &w); err != nil {
			return fmt.Errorf("write messages: %w", err)
		}
	} else {
		writes.QueuedQueries = before.QueuedQueries
		p.queuePuts(&writes, &w.sent)
	}
	p.queuePuts(&writes, &w.edited)
	if l := &w.deleted; len(l.seqs) > 0 {
		writes.Queue(p.bury, l.roomIDs, l.seqs, l.positions, l.deletedAt)
	}
	f.queueMarks(&writes, p)
	f.queueAnswers(&writes, p)
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
		return fmt.Errorf("write messages: %w", err)
	}
	return nil
}

func (p *Projector) queuePuts(writes *pgx.Batch, l *columns) {
	if len(l.seqs) > 0 {
		writes.Queue(p.put, l.args()...)
	}
}

// copy writes the messages that were sent. Batches are applied in order, so if the first of them is not there none is; if
// it is, the batch is a repetition, and the others are written where they are not.
func (p *Projector) copy(ctx context.Context, tx pgx.Tx, before *pgx.Batch, w *writes) error {
	var known bool
	before.Queue(p.known, w.sent.roomIDs[0], w.sent.seqs[0]).QueryRow(func(row pgx.Row) error { return row.Scan(&known) })
	if err := tx.SendBatch(ctx, before).Close(); err != nil {
		return err
	}
	if known {
		_, err := tx.Exec(ctx, p.put, w.sent.args()...)
		return err
	}
	_, err := tx.CopyFrom(ctx, p.table, copied(), pgx.CopyFromSlice(len(w.sent.seqs), w.sent.row))
	return err
}

type key struct {
	roomID string
	seq    int64
}

// change is what a batch does to one message. Sent and edited ones are whole; of
// others nothing is known but what was done to them. Sent ones are new.
type change struct {
	key
	position  event.Position
	whole     bool
	sent      bool
	message   event.Message
	sentAt    time.Time
	editedAt  *time.Time
	deletedAt *time.Time
	// pinned is nil for a message that was neither pinned nor unpinned.
	pinned *bool
	// reactions are those that were added or removed; nil for none.
	reactions map[reactionKey]reaction
}

type fold struct {
	at      map[key]int
	changes []change
	answers answers
}

func (f *fold) add(r event.Recorded, e event.Event) error {
	switch e := e.(type) {
	case event.MessageSent:
		c := f.of(r, e.RoomID, r.Seq)
		c.whole, c.sent, c.message, c.sentAt = true, true, e.Message, r.RecordedAt
		return f.answers.add(r, e)
	case event.MessageEdited:
		c := f.of(r, e.RoomID, e.Seq)
		if !c.whole {
			c.sentAt = e.SentAt
		}
		c.whole, c.message, c.editedAt = true, e.Message, &r.RecordedAt
	case event.MessageDeleted:
		c := f.of(r, e.RoomID, e.Seq)
		c.message.Content, c.message.Attachments, c.deletedAt = "", nil, &r.RecordedAt
	case event.ReactionAdded:
		f.of(r, e.RoomID, e.Seq).react(r, e.Reaction, true)
	case event.ReactionRemoved:
		f.of(r, e.RoomID, e.Seq).react(r, e.Reaction, false)
	case event.MessagePinned:
		f.of(r, e.RoomID, e.Seq).pinned = new(true)
	case event.MessageUnpinned:
		f.of(r, e.RoomID, e.Seq).pinned = new(false)
	default:
		return projections.Unhandled(e)
	}
	return nil
}

// of is the change of a message; the pointer holds until the next call.
func (f *fold) of(r event.Recorded, roomID string, seq int64) *change {
	k := key{roomID: roomID, seq: seq}
	i, ok := f.at[k]
	if !ok {
		i = len(f.changes)
		f.at[k] = i
		f.changes = append(f.changes, change{key: k})
	}
	f.changes[i].position = r.Position
	return &f.changes[i]
}

// writes are the changes by how they are written.
type writes struct{ sent, edited, deleted columns }

func (f *fold) columns() (w writes, err error) {
	for i := range f.changes {
		c := &f.changes[i]
		switch {
		case c.sent:
			err = w.sent.add(c)
		case c.whole:
			err = w.edited.add(c)
		case c.deletedAt != nil:
			w.deleted.addKey(c)
		}
		if err != nil {
			return w, fmt.Errorf("message %d of room %s: %w", c.seq, c.roomID, err)
		}
	}
	return w, nil
}

// columns are the parameters of a statement: an array for each column.
type columns struct {
	roomIDs                        []string
	seqs, positions                []int64
	sentAt                         []time.Time
	editedAt, deletedAt            []*time.Time
	ids                            [][16]byte
	replyTo                        []*[16]byte
	senders, usernames             []string
	displayNames, avatars, content []string
	clientIDs                      []*string
	attachments, mentions          []*string
}

func (l *columns) addKey(c *change) {
	l.roomIDs = append(l.roomIDs, c.roomID)
	l.seqs = append(l.seqs, c.seq)
	l.positions = append(l.positions, int64(c.position))
	l.deletedAt = append(l.deletedAt, c.deletedAt)
}

func (l *columns) add(c *change) error {
	m := &c.message
	id, err := event.ParseID(m.MessageID)
	if err != nil {
		return err
	}
	replyTo, err := optionalID(m.ReplyTo)
	if err != nil {
		return err
	}
	attachments, err := jsonList(m.Attachments)
	if err != nil {
		return err
	}
	mentions, err := jsonList(m.Mentions)
	if err != nil {
		return err
	}
	l.addKey(c)
	l.sentAt = append(l.sentAt, c.sentAt)
	l.editedAt = append(l.editedAt, c.editedAt)
	l.ids = append(l.ids, id)
	l.replyTo = append(l.replyTo, replyTo)
	l.senders = append(l.senders, m.Sender.ID)
	l.usernames = append(l.usernames, m.Sender.Username)
	l.displayNames = append(l.displayNames, m.Sender.DisplayName)
	l.avatars = append(l.avatars, m.Sender.AvatarURL)
	l.content = append(l.content, m.Content)
	l.clientIDs = append(l.clientIDs, optionalText(m.ClientMessageID))
	l.attachments = append(l.attachments, attachments)
	l.mentions = append(l.mentions, mentions)
	return nil
}

func (l *columns) args() []any {
	return []any{
		l.roomIDs, l.seqs, l.positions, l.sentAt, l.editedAt, l.deletedAt, l.ids, l.replyTo, l.senders,
		l.usernames, l.displayNames, l.avatars, l.content, l.clientIDs, l.attachments, l.mentions,
	}
}

// copied are the columns of row.
func copied() []string {
	return []string{
		"room_id", "seq", "position", "sent_at", "edited_at", "deleted_at", "id", "reply_to", "sender_id",
		"sender_username", "sender_display_name", "sender_avatar_url", "content", "client_message_id", "attachments", "mentions",
	}
}

func (l *columns) row(i int) ([]any, error) {
	return []any{
		l.roomIDs[i], l.seqs[i], l.positions[i], l.sentAt[i], l.editedAt[i], l.deletedAt[i], l.ids[i], l.replyTo[i], l.senders[i],
		l.usernames[i], l.displayNames[i], l.avatars[i], l.content[i], l.clientIDs[i], l.attachments[i], l.mentions[i],
	}, nil
}

func optionalID(s string) (*[16]byte, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no id is NULL
	}
	id, err := event.ParseID(s)
	if err != nil {
		return nil, err
	}
	return (*[16]byte)(&id), nil
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// jsonList is nil, which is NULL, for an empty list.
func jsonList[T any](list []T) (*string, error) {
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // an empty list is NULL
	}
	data, err := wire.Marshal(list)
	if err != nil {
		return nil, err
	}
	text := string(data)
	return &text, nil
}

// An edit leaves alone what has events of its own: pins, reactions and answers. The positions make a repetition do nothing.
const putSQL = `
INSERT INTO views.messages AS m (room_id, seq, position, sent_at, edited_at, deleted_at, id, reply_to,
  sender_id, sender_username, sender_display_name, sender_avatar_url, content, client_message_id, attachments, mentions)
SELECT room_id, seq, position, sent_at, edited_at, deleted_at, id, reply_to,
  sender_id, username, display_name, avatar_url, content, client_message_id, attachments::json, mentions::json
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::uuid[], $8::uuid[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
  AS c (room_id, seq, position, sent_at, edited_at, deleted_at, id, reply_to,
  sender_id, username, display_name, avatar_url, content, client_message_id, attachments, mentions)
ON CONFLICT (room_id, seq) DO UPDATE SET
  position = excluded.position, edited_at = excluded.edited_at, deleted_at = excluded.deleted_at,
  content = excluded.content, attachments = excluded.attachments, mentions = excluded.mentions
WHERE m.position < excluded.position`

const knownSQL = `SELECT EXISTS (SELECT FROM views.messages WHERE room_id = $1 AND seq = $2)`

const burySQL = `
UPDATE views.messages AS m SET position = c.position, deleted_at = c.deleted_at, content = '', attachments = NULL
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS c (room_id, seq, position, deleted_at)
WHERE m.room_id = c.room_id AND m.seq = c.seq AND m.position < c.position`

// Nothing is indexed by sender: an erasure is rare, and looks at every message.
const eraseSQL = `
UPDATE views.messages SET content = '', attachments = NULL, client_message_id = NULL,
  sender_username = '', sender_display_name = '', sender_avatar_url = ''
WHERE sender_id = ANY ($1::text[])`
