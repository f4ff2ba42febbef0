package realtime

import (
	"context"
	"log/slog"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/hub"
)

// Facts makes facts of recorded events.
type Facts struct{ logger *slog.Logger }

// NewFacts returns what makes facts. What cannot be told to anybody is logged.
func NewFacts(logger *slog.Logger) Facts { return Facts{logger} }

// Of says whom r concerns. Its pushes are made only if somebody is there to hear them.
func (m Facts) Of(ctx context.Context, r event.Recorded) *hub.Fact {
	r = r.Decoded()
	f := &hub.Fact{}
	if payload, err := r.Payload(); err != nil {
		m.logger.WarnContext(ctx, "event is not pushed", slog.String("type", r.Type),
			slog.Int64("position", int64(r.Position)), slog.Any("error", err))
	} else {
		f = Concerns(payload)
		f.Make = func() []*hub.Push { return m.pushes(ctx, r) }
	}
	f.Position, f.At, f.Size = r.Position, r.RecordedAt, len(r.Data)+overhead
	return f
}

// overhead of an event in memory: everything but its data.
const overhead = 400

func (m Facts) pushes(ctx context.Context, r event.Recorded) []*hub.Push {
	told, err := wire.Pushes(r)
	if err != nil {
		m.logger.ErrorContext(ctx, "event is not pushed", slog.String("type", r.Type),
			slog.Int64("position", int64(r.Position)), slog.Any("error", err))
		return nil
	}
	pushes := make([]*hub.Push, len(told))
	for i, push := range told {
		pushes[i] = hub.NewPush(push, r.Position)
	}
	return pushes
}
