package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"parley/domain/event"
	"parley/eventstore/stream"
)

// The metadata of a message: enough to see that it is old without reading it.
const (
	metaFirst = "first"
	metaLast  = "last"
	metaNode  = "node"
)

// newMessage makes the one message of a commit: a JSON array of envelopes.
func newMessage(node string, batch []event.Recorded) *message.Message {
	m := message.NewMessage(batch[0].ID.String(), encode(batch))
	m.Metadata.Set(metaFirst, batch[0].Position.String())
	m.Metadata.Set(metaLast, batch[len(batch)-1].Position.String())
	m.Metadata.Set(metaNode, node)
	return m
}

// encode writes what json.Marshal would, but leaves data and metadata as they are stored, byte for byte.
func encode(batch []event.Recorded) []byte {
	size := 2
	for i := range batch {
		size += len(batch[i].Data) + len(batch[i].Metadata) + 320
	}
	buf := append(make([]byte, 0, size), '[')
	for i := range batch {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendEnvelope(buf, &batch[i])
	}
	return append(buf, ']')
}

func appendEnvelope(buf []byte, e *event.Recorded) []byte {
	buf = append(buf, `{"position":"`...)
	buf = strconv.AppendInt(buf, int64(e.Position), 10)
	buf = append(buf, `","id":"`...)
	buf = append(buf, e.ID.String()...)
	buf = append(buf, `","stream":`...)
	buf = appendString(buf, string(e.Stream))
	buf = append(buf, `,"version":`...)
	buf = strconv.AppendInt(buf, e.Version, 10)
	buf = append(buf, `,"seq":`...)
	buf = strconv.AppendInt(buf, e.Seq, 10)
	buf = append(buf, `,"type":`...)
	buf = appendString(buf, e.Type)
	buf = append(buf, `,"schemaVersion":`...)
	buf = strconv.AppendInt(buf, int64(e.SchemaVersion), 10)
	if e.Subject != "" {
		buf = append(buf, `,"subject":`...)
		buf = appendString(buf, e.Subject)
	}
	buf = append(buf, `,"data":`...)
	buf = append(buf, e.Data...)
	buf = append(buf, `,"metadata":`...)
	buf = append(buf, e.Metadata...)
	buf = append(buf, `,"recordedAt":"`...)
	buf = e.RecordedAt.AppendFormat(buf, time.RFC3339Nano)
	return append(buf, `"}`...)
}

func appendString(buf []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(buf, `""`...) // a string: cannot fail
	}
	return append(buf, quoted...)
}

var errNotACommit = errors.New("not a commit")

// rangeOf are the first and the last position of a message.
func rangeOf(m *message.Message) (first, last event.Position, err error) {
	if stream.IsJunk(m) {
		return 0, 0, errNotACommit
	}
	if first, err = event.ParsePosition(m.Metadata.Get(metaFirst)); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", errNotACommit, err)
	}
	if last, err = event.ParsePosition(m.Metadata.Get(metaLast)); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", errNotACommit, err)
	}
	return first, last, nil
}

// decode reads the events of a message, which must be consecutive, and their payloads.
func decode(m *message.Message) ([]event.Recorded, error) {
	var batch []event.Recorded
	if err := json.Unmarshal(m.Payload, &batch); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotACommit, err)
	}
	if len(batch) == 0 || batch[0].Position < 1 {
		return nil, errNotACommit
	}
	for i := range batch {
		if batch[i].Position != batch[0].Position+event.Position(i) {
			return nil, errNotACommit
		}
		batch[i].RecordedAt = batch[i].RecordedAt.UTC()
	}
	decodePayloads(batch)
	return batch, nil
}
