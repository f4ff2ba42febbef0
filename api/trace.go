package api

import (
	"context"
	"strings"
	"time"

	"parley/domain/event"
	"parley/domain/message"
	"parley/domain/wire"
)

// Tracer tells what became of events.
type Tracer interface {
	Of(ctx context.Context, events ...event.Recorded) []wire.Way
	// Arrival is nil when it is not remembered, or came to another node.
	Arrival(correlation string) *wire.Arrival
	// About is a message and what happened to it.
	About(ctx context.Context, messageID event.ID, limit int) ([]event.Recorded, error)
}

// traced is an event with what led to it and what became of it. What it says is not in here.
type traced struct {
	Command tracedCommand `json:"command"`
	Event   tracedEvent   `json:"event"`
	wire.Way
}

type tracedCommand struct {
	// Event is the name by which sockets ask for it.
	Event         string `json:"event"`
	UserID        string `json:"userId"`
	CorrelationID string `json:"correlationId"`
	CausationID   string `json:"causationId,omitempty"`
	// SocketID is "" for what was asked for over HTTP.
	SocketID string `json:"socketId,omitempty"`
	// ReceivedAt is null when it is not remembered and no id tells.
	ReceivedAt *wire.Time `json:"receivedAt"`
	AnsweredAt *wire.Time `json:"answeredAt"`
}

type tracedEvent struct {
	ID         event.ID       `json:"id"`
	Type       string         `json:"type"`
	Position   event.Position `json:"position"`
	Stream     event.Stream   `json:"stream"`
	Version    int64          `json:"version"`
	RecordedAt wire.Time      `json:"recordedAt"`
	Node       string         `json:"node"`
}

// trace is the way of a message, and of what happened to it.
type trace struct {
	MessageID string `json:"messageId"`
	RoomID    string `json:"roomId"`
	Seq       int64  `json:"seq"`
	traced
	// Changes are what happened to the message afterwards, the first 99 of it.
	Changes []traced `json:"changes"`
	HasMore bool     `json:"hasMore"`
}

// maxTraced bounds the events that are traced for one message.
const maxTraced = 100

// traceMessage follows a message, and the first that happened to it afterwards.
func (a *API) traceMessage(c *call) error {
	id, err := event.ParseID(c.param("id"))
	if err != nil {
		return message.ErrNotFound()
	}
	events, err := a.Trace.About(c.ctx(), id, maxTraced+1)
	if err != nil {
		return err
	}
	if len(events) == 0 || events[0].ID != id || events[0].Type != event.TypeMessageSent {
		return message.ErrNotFound()
	}
	answer := trace{MessageID: id.String(), RoomID: events[0].Stream.Key(), Seq: events[0].Seq, Changes: []traced{}, HasMore: len(events) > maxTraced}
	events = events[:min(len(events), maxTraced)]
	ways := a.Trace.Of(c.ctx(), events...)
	answer.traced = a.traced(events[0], ways[0])
	for i, r := range events[1:] {
		answer.Changes = append(answer.Changes, a.traced(r, ways[i+1]))
	}
	return c.ok(answer)
}

func (a *API) traced(r event.Recorded, way wire.Way) traced {
	meta := r.Meta()
	t := traced{
		Command: tracedCommand{
			Event: commandOf(r.Type), UserID: meta.UserID, CorrelationID: meta.CorrelationID, CausationID: meta.CausationID,
			SocketID: socketOf(meta.CorrelationID),
		},
		Event: tracedEvent{
			ID: r.ID, Type: r.Type, Position: r.Position, Stream: r.Stream, Version: r.Version,
			RecordedAt: wire.Time(r.RecordedAt), Node: meta.Node,
		},
		Way: way,
	}
	if came := a.Trace.Arrival(meta.CorrelationID); came != nil {
		t.Command.ReceivedAt, t.Command.AnsweredAt = &came.ReceivedAt, &came.AnsweredAt
	} else if at, ok := timeOf(r.ID); ok {
		t.Command.ReceivedAt = wire.OptionalTime(at)
	}
	return t
}

// commandOf is what somebody asked for who caused such an event.
func commandOf(typ string) string {
	switch typ {
	case event.TypeMessageSent:
		return "send-message"
	case event.TypeMessageEdited:
		return "edit-message"
	case event.TypeMessageDeleted:
		return "delete-message"
	case event.TypeReactionAdded:
		return "add-reaction"
	case event.TypeReactionRemoved:
		return "remove-reaction"
	case event.TypeMessagePinned:
		return "pin-message"
	case event.TypeMessageUnpinned:
		return "unpin-message"
	default:
		return ""
	}
}

// The lengths of the ids of sockets at the two doors.
const (
	socketIOLength = 20
	plainLength    = 26
)

// socketOf is the socket that a command came from: its id, a dash and a number are what such events are correlated with.
func socketOf(correlation string) string {
	cut := strings.LastIndexByte(correlation, '-')
	if cut != socketIOLength && cut != plainLength || strings.Trim(correlation[cut+1:], "0123456789") != "" {
		return ""
	}
	return correlation[:cut]
}

// timeOf is when an id was made, if it tells: those of version 7 do (RFC 9562 section 5.7), to the millisecond.
func timeOf(id event.ID) (time.Time, bool) {
	if id[6]>>4 != 7 {
		return time.Time{}, false
	}
	var ms int64
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms), true
}
