package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/api"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore"
	"parley/realtime/trace"
)

// tracer is what the program makes of a trace and a log.
type tracer struct {
	*trace.Trace
	log eventstore.Reader
}

func (t tracer) About(ctx context.Context, id event.ID, limit int) ([]event.Recorded, error) {
	return t.log.About(ctx, id, limit)
}

// fakeTracer knows one message.
type fakeTracer struct{ events []event.Recorded }

func (f fakeTracer) About(_ context.Context, id event.ID, limit int) ([]event.Recorded, error) {
	if id != f.events[0].ID {
		return nil, nil
	}
	return f.events[:min(limit, len(f.events))], nil
}

func (fakeTracer) Of(_ context.Context, events ...event.Recorded) []wire.Way {
	ways := make([]wire.Way, len(events))
	for i, r := range events {
		at := wire.Time(r.RecordedAt.Add(time.Second))
		ways[i] = wire.Way{
			Published: &wire.Publication{By: "node-1", At: at}, Projections: []wire.Projection{{View: "rooms", Node: "node-2", At: at, Position: r.Position}},
			Deliveries: []wire.Delivery{}, Complete: true,
		}
	}
	return ways
}

func (fakeTracer) Arrival(correlation string) *wire.Arrival {
	if !strings.HasSuffix(correlation, "-2") {
		return nil
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &wire.Arrival{ReceivedAt: wire.Time(at), AnsweredAt: wire.Time(at.Add(time.Millisecond))}
}

type tracedEvent struct {
	Command struct {
		Event, UserID, CorrelationID, CausationID, SocketID string
		ReceivedAt, AnsweredAt                              *time.Time
	}
	Event struct {
		ID, Type, Position, Stream, Node string
		Version                          int64
	}
	Published   *wire.Publication
	Projections []wire.Projection
	Complete    bool
}

func record(t *testing.T, p event.Position, id event.ID, meta event.Metadata, e event.Event) event.Recorded {
	t.Helper()
	n, err := event.Encode(id, meta.Encode(), e)
	must(t, err)
	return n.Record(p, int64(p), 1, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
}

func TestTheWayOfAMessage(t *testing.T) {
	t.Parallel()
	id, err := event.ParseID("019b76da-a800-7000-8000-000000000000") // version 7: of 2026-01-01
	must(t, err)
	socket := "abcdefghij-_ABCDEFGH"
	events := []event.Recorded{
		record(t, 7, id, event.Metadata{UserID: "ann", CorrelationID: "from-http", Node: "node-1"},
			event.MessageSent{Message: event.Message{RoomID: "r", MessageID: id.String(), Content: "secret"}}),
		record(t, 9, event.ID{1}, event.Metadata{UserID: "bob", CorrelationID: socket + "-2", CausationID: "cause", Node: "node-2"},
			event.ReactionAdded{Reaction: event.Reaction{RoomID: "r", MessageID: id.String(), Emoji: "+1", UserID: "bob"}}),
	}
	for p := event.Position(10); p < 200; p++ {
		events = append(events, record(t, p, event.ID{byte(p), 1}, event.Metadata{}, event.MessagePinned{Pin: event.Pin{RoomID: "r", MessageID: id.String()}}))
	}
	a := newFake(t, api.Config{}, func(d *api.Deps) { d.Trace = fakeTracer{events} })
	got := ask(t, a, request{method: "GET", path: "/api/v1/messages/" + id.String() + "/trace", token: "admin"})
	got.want(t, "trace", 200, "")
	var answer struct {
		MessageID, RoomID string
		tracedEvent
		Changes []tracedEvent
		HasMore bool
	}
	got.into(t, &answer)
	if answer.MessageID != id.String() || answer.RoomID != "r" || !answer.Complete || !answer.HasMore || len(answer.Changes) != 99 {
		t.Errorf("%.500s", got.body)
	}
	sent, reacted := answer.tracedEvent, answer.Changes[0]
	if c := sent.Command; c.Event != "send-message" || c.UserID != "ann" || c.CorrelationID != "from-http" || c.SocketID != "" ||
		c.ReceivedAt == nil || !c.ReceivedAt.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) || c.AnsweredAt != nil {
		t.Errorf("sent by %+v", c)
	}
	if e := sent.Event; e.ID != id.String() || e.Position != "7" || e.Stream != "messages-r" || e.Node != "node-1" || e.Type != event.TypeMessageSent {
		t.Errorf("sent as %+v", e)
	}
	if sent.Published == nil || sent.Published.By != "node-1" || len(sent.Projections) != 1 {
		t.Errorf("sent: %+v", sent)
	}
	if c := reacted.Command; c.Event != "add-reaction" || c.SocketID != socket || c.CausationID != "cause" || c.ReceivedAt == nil || c.AnsweredAt == nil {
		t.Errorf("reacted by %+v", c)
	}
	if strings.Contains(string(got.body), "secret") {
		t.Errorf("what was said is in the trace: %.500s", got.body)
	}
	for _, unknown := range []string{"nonsense", "019b76da-a800-7000-8000-000000000001", event.ID{1}.String()} {
		ask(t, a, request{method: "GET", path: "/api/v1/messages/" + unknown + "/trace", token: "admin"}).
			want(t, unknown, 404, domain.CodeMessageNotFound)
	}
}
