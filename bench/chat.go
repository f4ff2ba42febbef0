package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

// talk copies messages into a log behind what is in it, as if its rooms had talked while nobody looked: room(i) is where
// the i-th is said. It needs a log that nobody else writes.
func talk(ctx context.Context, dsn string, count int, room func(i int) int) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var head int64
	if err := conn.QueryRow(ctx, "SELECT coalesce(max(position), 0) FROM log.events").Scan(&head); err != nil {
		return err
	}
	said := &said{position: head, count: count, of: room, rooms: map[int]*talker{}, began: time.Now()}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"log", "events"}, refColumns(), said); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE log.events")
	return err
}

// said are the rows of such messages.
type said struct {
	position    int64
	done, count int
	of          func(i int) int
	rooms       map[int]*talker
	began       time.Time
}

// talker is a room whose first member says the same all the time.
type talker struct {
	stream   string
	seq      int64
	sample   event.New
	head     []byte // of the sample's data up to the id of the message
	rest     []byte
	metadata json.RawMessage
}

func newTalker(room int) *talker {
	sample := sampleEvent(room)
	id := []byte(sample.ID.String())
	at := bytes.Index(sample.Data, id)
	return &talker{
		stream: string(sample.Stream), sample: sample,
		head: sample.Data[:at], rest: sample.Data[at+len(id):], metadata: sample.Metadata,
	}
}

// Next implements pgx.CopyFromSource.
func (s *said) Next() bool {
	s.done++
	s.position++
	return s.done <= s.count
}

// Values implements pgx.CopyFromSource.
func (s *said) Values() ([]any, error) {
	room := s.of(s.done - 1)
	t, known := s.rooms[room]
	if !known {
		t = newTalker(room)
		s.rooms[room] = t
	}
	t.seq++
	id := newID().String()
	data := make([]byte, 0, len(t.head)+len(id)+len(t.rest))
	data = append(append(append(data, t.head...), id...), t.rest...)
	return []any{
		s.position, id, t.stream, t.seq, t.seq, t.sample.Type, t.sample.SchemaVersion, json.RawMessage(data), t.metadata, s.began,
	}, nil
}

// Err implements pgx.CopyFromSource.
func (s *said) Err() error { return nil }
