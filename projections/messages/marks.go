package messages

import (
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

type reactionKey struct{ emoji, userID string }

// reaction is what a batch leaves of one user's emoji on one message.
type reaction struct {
	// there is false when it was removed in the end.
	there bool
	// position is that of the event which put it there.
	position event.Position
	// removed says that it was removed in between: if it was there before the batch, it is not that one.
	removed bool
}

func (c *change) react(r event.Recorded, e event.Reaction, there bool) {
	if c.reactions == nil {
		c.reactions = map[reactionKey]reaction{}
	}
	k := reactionKey{e.Emoji, e.UserID}
	before := c.reactions[k]
	switch {
	case !there:
		c.reactions[k] = reaction{removed: true}
	case !before.there: // said twice, the first one counts
		c.reactions[k] = reaction{there: true, position: r.Position, removed: before.removed}
	}
}

// reactions are the parameters of unreactSQL and reactSQL.
type reactions struct {
	roomIDs, emojis, userIDs []string
	seqs, changed, positions []int64
}

func (l *reactions) add(c *change, k reactionKey, position event.Position) {
	l.roomIDs, l.seqs = append(l.roomIDs, c.roomID), append(l.seqs, c.seq)
	l.changed, l.positions = append(l.changed, int64(c.position)), append(l.positions, int64(position))
	l.emojis, l.userIDs = append(l.emojis, k.emoji), append(l.userIDs, k.userID)
}

func (f *fold) queueReactions(writes *pgx.Batch, p *Projector) {
	var gone, there reactions
	for i := range f.changes {
		c := &f.changes[i]
		for k, r := range c.reactions {
			if r.removed {
				gone.add(c, k, 0)
			}
			if r.there {
				there.add(c, k, r.position)
			}
		}
	}
	if len(gone.seqs) > 0 {
		writes.Queue(p.unreact, gone.roomIDs, gone.seqs, gone.changed, gone.emojis, gone.userIDs)
	}
	if len(there.seqs) > 0 {
		writes.Queue(p.react, there.roomIDs, there.seqs, there.changed, there.emojis, there.userIDs, there.positions)
	}
}

func (f *fold) queueMarks(writes *pgx.Batch, p *Projector) {
	var (
		roomIDs         []string
		seqs, positions []int64
		pinned          []*bool
		reacted         []bool
	)
	for i := range f.changes {
		c := &f.changes[i]
		if c.pinned == nil && c.reactions == nil {
			continue
		}
		roomIDs, seqs, positions = append(roomIDs, c.roomID), append(seqs, c.seq), append(positions, int64(c.position))
		pinned, reacted = append(pinned, c.pinned), append(reacted, c.reactions != nil)
	}
	if len(seqs) > 0 {
		writes.Queue(p.mark, roomIDs, seqs, positions, pinned, reacted)
	}
}

// answers are the messages of a batch that answer others.
type answers struct {
	roomIDs []string
	parents [][16]byte
	seqs    []int64
	at      []time.Time
}

func (l *answers) add(r event.Recorded, e event.MessageSent) error {
	if e.ReplyTo == "" {
		return nil
	}
	parent, err := event.ParseID(e.ReplyTo)
	if err != nil {
		return err
	}
	l.roomIDs, l.parents = append(l.roomIDs, e.RoomID), append(l.parents, parent)
	l.seqs, l.at = append(l.seqs, r.Seq), append(l.at, r.RecordedAt)
	return nil
}

func (f *fold) queueAnswers(writes *pgx.Batch, p *Projector) {
	if l := &f.answers; len(l.seqs) > 0 {
		writes.Queue(p.answer, l.roomIDs, l.parents, l.seqs, l.at)
	}
}

// A message whose row has the position of the change, or a later one, shows all of the change.
const notApplied = `NOT EXISTS (
  SELECT FROM views.messages m WHERE m.room_id = c.room_id AND m.seq = c.seq AND m.position >= c.changed
)`

const unreactSQL = `
DELETE FROM views.reactions r
USING unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS c (room_id, seq, changed, emoji, user_id)
WHERE r.room_id = c.room_id AND r.seq = c.seq AND r.emoji = c.emoji AND r.user_id = c.user_id AND ` + notApplied

const reactSQL = `
INSERT INTO views.reactions (room_id, seq, emoji, user_id, position)
SELECT c.room_id, c.seq, c.emoji, c.user_id, c.position
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[])
  AS c (room_id, seq, changed, emoji, user_id, position)
WHERE ` + notApplied + `
ON CONFLICT DO NOTHING`

// It comes after what writes the message, and may find its own position there.
const markSQL = `
UPDATE views.messages AS m SET position = c.position, pinned = coalesce(c.pinned, m.pinned), reacted = m.reacted OR c.reacted
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[], $5::boolean[]) AS c (room_id, seq, position, pinned, reacted)
WHERE m.room_id = c.room_id AND m.seq = c.seq AND m.position <= c.position`

// Answers come in the order of their seqs, so the last one that is counted tells which are.
const answerSQL = `
UPDATE views.messages AS m SET reply_count = m.reply_count + n.count, last_reply_seq = n.seq, last_reply_at = n.at
FROM (
  SELECT p.room_id, p.seq AS parent, count(*) AS count, max(c.seq) AS seq, max(c.at) AS at
  FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::timestamptz[]) AS c (room_id, parent, seq, at)
  JOIN views.messages p ON p.id = c.parent AND p.room_id = c.room_id
  WHERE c.seq > p.last_reply_seq
  GROUP BY p.room_id, p.seq
) n
WHERE m.room_id = n.room_id AND m.seq = n.parent`
