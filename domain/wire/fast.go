package wire

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"parley/domain/event"
	"parley/domain/quote"
)

// Most of what clients read is messages: every one is encoded by each node that has to push it,
// and once more for its author; and pages of them, and lists of rooms, are what is fetched. The functions here do for them what encoding/json does, byte for byte,
// at a fraction of the cost. Tests hold them against encoding/json, field by field, so that none is
// forgotten when one is added.

// AppendJSON appends the message as Marshal encodes it.
func (m *Message) AppendJSON(b []byte) []byte {
	b = quote.Append(append(b, `{"id":`...), m.ID)
	b = quote.Append(append(b, `,"roomId":`...), m.RoomID)
	b = strconv.AppendInt(append(b, `,"seq":`...), m.Seq, 10)
	b = quote.Append(append(b, `,"sender":{"id":`...), m.Sender.ID)
	b = quote.Append(append(b, `,"username":`...), m.Sender.Username)
	b = quote.Append(append(b, `,"displayName":`...), m.Sender.DisplayName)
	b = quote.Append(append(b, `,"avatarUrl":`...), m.Sender.AvatarURL)
	b = quote.Append(append(b, `},"content":`...), m.Content)
	b = appendAttachments(append(b, `,"attachments":`...), m.Attachments)
	b = append(b, `,"replyTo":`...)
	if m.ReplyTo == nil {
		b = append(b, null...)
	} else {
		b = quote.Append(b, *m.ReplyTo)
	}
	b = appendTexts(append(b, `,"mentions":`...), m.Mentions)
	b = appendReactions(append(b, `,"reactions":`...), m.Reactions)
	b = strconv.AppendBool(append(b, `,"pinned":`...), m.Pinned)
	b = AppendOptionalTime(append(b, `,"editedAt":`...), m.EditedAt)
	b = AppendOptionalTime(append(b, `,"deletedAt":`...), m.DeletedAt)
	b = m.At.appendJSON(append(b, `,"at":`...))
	if m.ClientMessageID != "" {
		b = quote.Append(append(b, `,"clientMessageId":`...), m.ClientMessageID)
	}
	b = AppendPosition(append(b, `,"position":`...), m.Position)
	if m.Thread != nil {
		b = m.Thread.appendJSON(append(b, `,"thread":`...))
	}
	return append(b, '}')
}

// size is about how long the message's JSON is: more than that only if much has to be escaped.
func (m *Message) size() int {
	size := 352 + len(m.ID) + len(m.RoomID) + len(m.Content) + len(m.ClientMessageID) +
		len(m.Sender.ID) + len(m.Sender.Username) + len(m.Sender.DisplayName) + len(m.Sender.AvatarURL)
	for i := range m.Attachments {
		a := &m.Attachments[i]
		size += 72 + len(a.URL) + len(a.Name) + len(a.ContentType)
	}
	if m.ReplyTo != nil {
		size += len(*m.ReplyTo)
	}
	size += sizeOf(m.Mentions)
	for emoji, users := range m.Reactions {
		size += len(emoji) + 6 + sizeOf(users)
	}
	return size
}

func sizeOf(list []string) int {
	size := 0
	for _, s := range list {
		size += len(s) + 3
	}
	return size
}

const null = "null"

func appendAttachments(b []byte, list []event.Attachment) []byte {
	if list == nil {
		return append(b, null...)
	}
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		a := &list[i]
		b = quote.Append(append(b, `{"url":`...), a.URL)
		b = quote.Append(append(b, `,"name":`...), a.Name)
		b = quote.Append(append(b, `,"contentType":`...), a.ContentType)
		b = append(strconv.AppendInt(append(b, `,"size":`...), a.Size, 10), '}')
	}
	return append(b, ']')
}

func appendTexts(b []byte, list []string) []byte {
	if list == nil {
		return append(b, null...)
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote.Append(b, s)
	}
	return append(b, ']')
}

func appendReactions(b []byte, reactions map[string][]string) []byte {
	switch {
	case reactions == nil:
		return append(b, null...)
	case len(reactions) == 0:
		return append(b, `{}`...)
	}
	b = append(b, '{')
	for i, emoji := range slices.Sorted(maps.Keys(reactions)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTexts(append(quote.Append(b, emoji), ':'), reactions[emoji])
	}
	return append(b, '}')
}

func (t *Thread) appendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"replyCount":`...), t.ReplyCount, 10)
	b = strconv.AppendInt(append(b, `,"lastReplySeq":`...), t.LastReplySeq, 10)
	return append(t.LastReplyAt.appendJSON(append(b, `,"lastReplyAt":`...)), '}')
}

// AppendFields appends the room as Marshal encodes it, without the braces: for what a room is part of.
func (r *Room) AppendFields(b []byte) []byte {
	b = quote.Append(append(b, `"id":`...), r.ID)
	b = quote.Append(append(b, `,"name":`...), r.Name)
	b = quote.Append(append(b, `,"type":`...), string(r.Type))
	b = quote.Append(append(b, `,"topic":`...), r.Topic)
	b = quote.Append(append(b, `,"createdBy":`...), r.CreatedBy)
	b = r.CreatedAt.appendJSON(append(b, `,"createdAt":`...))
	b = AppendOptionalTime(append(b, `,"archivedAt":`...), r.ArchivedAt)
	b = strconv.AppendInt(append(b, `,"memberCount":`...), int64(r.MemberCount), 10)
	return AppendPosition(append(b, `,"position":`...), r.Position)
}

// AppendArray appends what one appends for each of the items; null for nil.
func AppendArray[T any](b []byte, items []T, one func(*T, []byte) []byte) []byte {
	if items == nil {
		return append(b, null...)
	}
	b = append(b, '[')
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(&items[i], b)
	}
	return append(b, ']')
}

// appendJSON appends the notification as Marshal encodes it.
func (n *Notification) appendJSON(b []byte) []byte {
	b = quote.Append(append(b, `{"kind":`...), n.Kind)
	b = quote.Append(append(b, `,"roomId":`...), n.RoomID)
	if n.MessageID != "" {
		b = quote.Append(append(b, `,"messageId":`...), n.MessageID)
	}
	return append(quote.Append(append(b, `,"from":`...), n.From), '}')
}

func (n *Notification) size() int {
	return 64 + len(n.Kind) + len(n.RoomID) + len(n.MessageID) + len(n.From)
}

// AppendPosition appends a position as Marshal encodes it.
func AppendPosition(b []byte, p event.Position) []byte {
	return append(strconv.AppendInt(append(b, '"'), int64(p), 10), '"')
}

// AppendOptionalTime appends a time as Marshal encodes it; null for nil.
func AppendOptionalTime(b []byte, t *Time) []byte {
	if t == nil {
		return append(b, null...)
	}
	return t.appendJSON(b)
}

func (t Time) appendJSON(b []byte) []byte { return append(t.append(append(b, '"')), '"') }

// append formats t as timeFormat says.
func (t Time) append(b []byte) []byte {
	utc := time.Time(t).UTC()
	year, month, day := utc.Date()
	if year < 0 || year > 9999 {
		return utc.AppendFormat(b, timeFormat)
	}
	hour, minute, second := utc.Clock()
	milli := utc.Nanosecond() / 1e6
	return append(b,
		digit(year/1000), digit(year/100), digit(year/10), digit(year), '-',
		digit(int(month)/10), digit(int(month)), '-', digit(day/10), digit(day), 'T',
		digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':', digit(second/10), digit(second), '.',
		digit(milli/100), digit(milli/10), digit(milli), 'Z')
}

// digit is the last one of a number that is not negative.
func digit(n int) byte { return '0' + byte(uint(n)%10) }
