package messages

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// Threads sums up the answers to messages when the room had so many messages. Messages that nobody had answered are
// left out. It costs a look at each message, and one at each of the answers of those that were answered since.
func (q *Queries) Threads(ctx context.Context, roomID string, lastSeq int64, ids ...event.ID) (map[event.ID]*wire.Thread, error) {
	rows, _, err := projections.Select(ctx, q.db, "threads", threadsSQL,
		(*threadRow).targets, (*threadRow).found, roomID, lastSeq, uuids(ids))
	threads := make(map[event.ID]*wire.Thread, len(rows))
	for _, r := range rows {
		threads[event.ID(r.id)] = &wire.Thread{
			ReplyCount: int64(r.count), LastReplySeq: int64(r.seq), LastReplyAt: wire.Time(r.at),
		}
	}
	return threads, err
}

type threadRow struct {
	id         zeronull.UUID
	count, seq zeronull.Int8
	at         zeronull.Timestamptz
}

func (r *threadRow) targets() []any { return []any{&r.id, &r.count, &r.seq, &r.at} }

func (r *threadRow) found() bool { return r.count > 0 }

const threadsSQL = `
SELECT c.position, n.id, n.count, n.seq, n.at
FROM views.checkpoints c
LEFT JOIN LATERAL (
  SELECT m.id, by_then.* FROM views.messages m CROSS JOIN LATERAL (
    SELECT m.reply_count AS count, m.last_reply_seq AS seq, m.last_reply_at AS at WHERE m.last_reply_seq <= $2
    UNION ALL
    SELECT count(*), max(a.seq), max(a.sent_at) FROM views.messages a
    WHERE a.room_id = $1 AND a.reply_to = m.id AND a.seq <= $2 AND m.last_reply_seq > $2
  ) AS by_then
  WHERE m.room_id = $1 AND m.id = ANY ($3::uuid[]) AND m.reply_count > 0
) n ON true
WHERE c.name = 'messages'`
