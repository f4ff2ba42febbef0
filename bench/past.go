package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
	"parley/eventstore/chain"
)

// saying is a message that was sent: in which room, and by whom.
type saying struct {
	room   string
	sender int
}

// past are the rows of messages that are copied into a log, numbered and linked as if they had been appended.
type past struct {
	next func(at event.Position) (saying, bool)

	at      event.Position
	hash    chain.Hash
	when    time.Time
	seqs    map[event.Stream]int64
	samples map[saying]event.New
	now     saying
}

// copyPast copies messages behind what is in a log that nobody writes meanwhile, into rooms where nothing was said yet. next
// tells which is to be at a position; false when there are no more.
func copyPast(ctx context.Context, dsn string, next func(at event.Position) (saying, bool)) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p := &past{
		next: next, seqs: map[event.Stream]int64{}, samples: map[saying]event.New{}, when: time.Now().Truncate(time.Microsecond),
	}
	var last []byte
	err = conn.QueryRow(ctx, "SELECT position, hash FROM log.events ORDER BY position DESC LIMIT 1").Scan((*int64)(&p.at), &last)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	copy(p.hash[:], last)
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"log", "events"}, append(refColumns(), "hash"), p); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE log.events")
	return err
}

// Next implements pgx.CopyFromSource.
func (p *past) Next() (more bool) {
	p.at++
	p.now, more = p.next(p.at)
	return more
}

// Values implements pgx.CopyFromSource.
func (p *past) Values() ([]any, error) {
	sample, made := p.samples[p.now]
	if !made {
		sample = sampleEvent(p.now)
		p.samples[p.now] = sample
	}
	n := again(sample)
	p.seqs[n.Stream]++
	seq := p.seqs[n.Stream]
	r := n.Record(p.at, seq, seq, p.when)
	p.hash = chain.LinkOf(&r).After(p.hash)
	return []any{
		int64(r.Position), [16]byte(r.ID), string(r.Stream), seq, seq, r.Type, r.SchemaVersion, r.Data, r.Metadata, r.RecordedAt, p.hash[:],
	}, nil
}

// Err implements pgx.CopyFromSource.
func (p *past) Err() error { return nil }

func sampleEvent(s saying) event.New {
	id := newID()
	e, err := event.Encode(id, event.Metadata{UserID: userID(s.sender), CorrelationID: id.String(), Node: "bench"}.Encode(),
		event.MessageSent{Message: event.Message{
			RoomID: s.room, MessageID: id.String(), Content: benchContent,
			Sender: event.Sender{ID: userID(s.sender), Username: userID(s.sender), DisplayName: userID(s.sender)},
		}})
	if err != nil {
		panic(err) // plain strings encode
	}
	return e
}

// again is a message once more, with an id of its own.
func again(n event.New) event.New {
	before := n.ID.String()
	n.ID = newID()
	n.Data = bytes.Replace(n.Data, []byte(before), []byte(n.ID.String()), 1)
	return n
}

const pastRooms = 1000

// pastSaying is one of a room that nobody is in.
func pastSaying(at event.Position) saying { return saying{room: fmt.Sprint("past-", at%pastRooms)} }
