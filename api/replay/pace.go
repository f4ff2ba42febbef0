package replay

import (
	"context"
	"time"
)

// pace lets time pass between events as it did when they were recorded, or faster.
type pace struct {
	speed float64
	// began is when the first event was played, first is when it was recorded.
	began, first time.Time
}

func newPace(speed float64) *pace {
	if speed <= 0 {
		return nil
	}
	return &pace{speed: speed}
}

// play writes each event when it is due, and together what is due at once.
func (p *pace) play(ctx context.Context, b *lineBatch, out Output) error {
	from := 0
	for i, at := range b.times {
		wait := p.until(at)
		if wait <= 0 {
			continue
		}
		start := 0
		if i > 0 {
			start = b.ends[i-1]
		}
		if err := send(out, b.text[from:start]); err != nil {
			return err
		}
		from = start
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	return send(out, b.text[from:])
}

func send(out Output, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	return out.Flush()
}

// until is how long to wait for an event that was recorded at a time. The first one is played at once.
func (p *pace) until(recorded time.Time) time.Duration {
	now := time.Now()
	if p.first.IsZero() {
		p.began, p.first = now, recorded
		return 0
	}
	due := p.began.Add(time.Duration(float64(recorded.Sub(p.first)) / p.speed))
	return due.Sub(now)
}
