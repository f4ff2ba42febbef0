package messages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"parley/domain/event"
	"parley/domain/wire"
)

// Columns are what a Row is scanned from, of views.messages AS m. Reactions are looked for where there
// have been some.
const Columns = `m.seq, m.position, m.sent_at, m.edited_at, m.deleted_at, m.id, m.pinned, m.room_id,
  m.sender_id, m.sender_username, m.sender_display_name, m.sender_avatar_url,
  m.content, m.reply_to, m.client_message_id, m.attachments, m.mentions,
  m.reply_count, m.last_reply_seq, m.last_reply_at,
  CASE WHEN m.reacted THEN (
    SELECT json_object_agg(emoji, users) FROM (
      SELECT emoji, json_agg(user_id ORDER BY position) AS users FROM views.reactions
      WHERE room_id = m.room_id AND seq = m.seq GROUP BY emoji
    ) by_emoji
  ) END`

// Row is a message as it is read. All NULL, as in an outer join that found nothing, it is the zero Row.
type Row struct {
	seq, position               zeronull.Int8
	sentAt, editedAt, deletedAt zeronull.Timestamptz
	id                          zeronull.UUID
	pinned                      pgtype.Bool
	roomID, senderID            zeronull.Text
	username, displayName       zeronull.Text
	avatarURL, content          zeronull.Text
	replyTo                     zeronull.UUID
	clientMessageID             zeronull.Text
	attachments                 json.RawMessage
	mentions, reactions         json.RawMessage
	replyCount, lastReplySeq    zeronull.Int8
	lastReplyAt                 zeronull.Timestamptz
}

// Targets says where Columns go.
func (r *Row) Targets() []any {
	return []any{
		&r.seq, &r.position, &r.sentAt, &r.editedAt, &r.deletedAt, &r.id, &r.pinned, &r.roomID,
		&r.senderID, &r.username, &r.displayName, &r.avatarURL,
		&r.content, &r.replyTo, &r.clientMessageID, &r.attachments, &r.mentions,
		&r.replyCount, &r.lastReplySeq, &r.lastReplyAt, &r.reactions,
	}
}

// Found reports whether there was a message.
func (r *Row) Found() bool { return r.seq != 0 }

// Message is the row as clients see it.
func (r *Row) Message() (wire.Message, error) {
	attachments, err1 := decode("attachments", r.attachments, []event.Attachment{})
	mentions, err2 := decode("mentions", r.mentions, []string{})
	reactions, err3 := decodeReactions(r.reactions)
	m := wire.Message{
		ID: event.ID(r.id).String(), RoomID: string(r.roomID), Seq: int64(r.seq),
		Sender: event.Sender{
			ID: string(r.senderID), Username: string(r.username),
			DisplayName: string(r.displayName), AvatarURL: string(r.avatarURL),
		},
		Content: string(r.content), Attachments: attachments, Mentions: mentions,
		Reactions: reactions, Pinned: r.pinned.Bool, At: wire.Time(r.sentAt),
		EditedAt: optional(r.editedAt), DeletedAt: optional(r.deletedAt),
		ClientMessageID: string(r.clientMessageID), Position: event.Position(r.position),
	}
	if r.replyTo != (zeronull.UUID{}) {
		id := event.ID(r.replyTo).String()
		m.ReplyTo = &id
	}
	if r.replyCount > 0 {
		m.Thread = &wire.Thread{
			ReplyCount: int64(r.replyCount), LastReplySeq: int64(r.lastReplySeq), LastReplyAt: wire.Time(r.lastReplyAt),
		}
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return m, fmt.Errorf("message %s: %w", m.ID, err)
	}
	return m, nil
}

// noReactions is what most messages have. It is shared: nobody writes to what is shown.
var noReactions = map[string][]string{}

// decode reads a column; NULL is none.
func decode[T any](column string, data json.RawMessage, none T) (T, error) {
	if data == nil {
		return none, nil
	}
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return none, fmt.Errorf("%s: %w", column, err)
	}
	return value, nil
}

// decodeReactions reads the users of each emoji. Postgres escapes no more than it has to, so that mostly each text is what
// stands between two quotes; encoding/json would cost more than all else of the row.
func decodeReactions(data json.RawMessage) (map[string][]string, error) {
	if data == nil || bytes.IndexByte(data, '\\') >= 0 {
		return decode("reactions", data, noReactions)
	}
	reactions, emoji := map[string][]string{}, ""
	for rest := data; ; {
		_, text, found := bytes.Cut(rest, quotes)
		if !found {
			return reactions, nil
		}
		text, rest, _ = bytes.Cut(text, quotes)
		if bytes.HasPrefix(bytes.TrimLeft(rest, " "), colon) {
			emoji = string(text)
		} else {
			reactions[emoji] = append(reactions[emoji], string(text))
		}
	}
}

var quotes, colon = []byte{'"'}, []byte{':'}

func optional(t zeronull.Timestamptz) *wire.Time { return wire.OptionalTime(time.Time(t)) }

// uuids are ids in the form that pgx sends as uuid[].
func uuids(ids []event.ID) [][16]byte {
	list := make([][16]byte, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return list
}
