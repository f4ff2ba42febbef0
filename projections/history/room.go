package history

import (
	"context"
	"maps"
	"slices"

	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/wire"
	"parley/projections"
)

// Room is what a room was like. ROOM_NOT_FOUND before it was created.
func (q *Queries) Room(ctx context.Context, roomID string, at event.Position) (wire.Room, error) {
	var shown wire.Room
	err := q.fold(ctx, func(r *reading) error {
		s, last, err := r.room(ctx, roomID, at)
		if err == nil && !s.Exists() {
			err = room.ErrNotFound()
		}
		shown = RoomShape(s, last)
		return err
	})
	return shown, err
}

// Members is a page of those who were in a room, by user id. The cursor comes from the page before, or is "".
func (q *Queries) Members(
	ctx context.Context, roomID string, at event.Position, cursor string, limit int,
) (projections.List[wire.Member], error) {
	list := projections.List[wire.Member]{Position: at}
	after, err := afterKey(cursor)
	if err != nil {
		return list, err
	}
	err = q.fold(ctx, func(r *reading) error {
		s, _, err := r.room(ctx, roomID, at)
		list.Items, list.NextCursor = page(MemberShapes(s), after, projections.Limit(limit))
		return err
	})
	return list, err
}

// room folds a room, and tells the position of the last event of its stream.
func (r *reading) room(ctx context.Context, roomID string, at event.Position) (s room.State, last event.Position, err error) {
	var events []event.Recorded
	err = r.each(ctx, 0, at, func(e event.Recorded) {
		events, last = append(events, e), e.Position
	}, event.RoomStream(roomID))
	return room.Fold(s, events...), last, err
}

// RoomShape is a room as clients see it.
func RoomShape(s room.State, position event.Position) wire.Room {
	return wire.Room{
		ID: s.ID, Name: s.Name, Type: s.Type, Topic: s.Topic, CreatedBy: s.CreatedBy, CreatedAt: wire.Time(s.CreatedAt),
		ArchivedAt: wire.OptionalTime(s.ArchivedAt), MemberCount: s.Members.Len(), Position: position,
	}
}

// MemberShapes are the members of a room as clients see them, by user id.
func MemberShapes(s room.State) map[string]wire.Member {
	all := make(map[string]wire.Member, s.Members.Len())
	for id, m := range s.Members.All() {
		all[id] = wire.Member{UserID: id, Username: m.Username, Role: m.Role, JoinedAt: wire.Time(m.JoinedAt)}
	}
	return all
}

// page is the part of a list behind a key, and the cursor of the next one.
func page[V any](all map[string]V, after string, limit int) (items []V, cursor string) {
	keys := slices.Sorted(maps.Keys(all))
	start, found := slices.BinarySearch(keys, after)
	if found {
		start++
	}
	keys = keys[start:]
	if len(keys) > limit {
		keys = keys[:limit]
		cursor = projections.EncodeCursor(keys[limit-1])
	}
	items = make([]V, len(keys))
	for i, key := range keys {
		items[i] = all[key]
	}
	return items, cursor
}

// afterKey reads the cursor of a list by one key.
func afterKey(cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	key, err := projections.DecodeCursor(cursor, 1)
	if err != nil {
		return "", err
	}
	return key[0], nil
}
