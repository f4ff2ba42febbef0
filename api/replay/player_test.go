package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/api/replay"
	"parley/domain/event"
)

// tape is a log in memory whose reads fail now and then, in the middle.
type tape struct {
	mu     sync.Mutex
	events []event.Recorded
	faulty bool
}

func newTape(n int) *tape {
	l := &tape{}
	l.record(n)
	return l
}

func (l *tape) record(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		p := len(l.events) + 1
		e := event.Recorded{
			Position: event.Position(p), Stream: event.Stream(fmt.Sprint("messages-", p%3)), Version: int64(p), Type: event.TypeMessageSent,
			Data: json.RawMessage(`{"n":` + strings.Repeat("1", 1+p%40) + `}`), RecordedAt: time.Unix(1_700_000_000, 0).Add(time.Duration(p) * time.Second),
		}
		if p%10 == 0 {
			e.Type = event.TypeMessageEdited
		}
		l.events = append(l.events, e)
	}
}

func (l *tape) all() []event.Recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}

func (l *tape) Head(context.Context) (event.Position, error) {
	return event.Position(len(l.all())), nil
}

func (l *tape) PositionAt(_ context.Context, t time.Time) (event.Position, error) {
	for i, e := range l.all() {
		if e.RecordedAt.After(t) {
			return event.Position(i), nil
		}
	}
	return event.Position(len(l.all())), nil
}

var errFlaky = errors.New("the connection broke")

func (l *tape) Select(_ context.Context, sel event.Selection, limit int, visit func(*event.Recorded) bool) (event.Position, error) {
	for _, e := range l.all()[sel.After:sel.UpTo] {
		if l.faulty && rand.IntN(20) == 0 {
			return sel.After, errFlaky
		}
		sel.After = e.Position
		if !sel.Wants(&e) {
			continue
		}
		if limit--; !visit(&e) || limit == 0 {
			return sel.After, nil
		}
	}
	return sel.UpTo, nil
}

// Follow implements replay.Follower: some events after the others, as they come.
func (l *tape) Follow(ctx context.Context, after event.Position, handle func(context.Context, []event.Recorded) error) error {
	for ctx.Err() == nil {
		if events := l.all()[after:]; len(events) > 0 {
			n := 1 + rand.IntN(min(len(events), 20))
			if err := handle(ctx, events[:n]); err != nil {
				return err
			}
			after += event.Position(n)
			continue
		}
		time.Sleep(time.Second)
	}
	return nil
}

// lines is what a walk through the tape finds.
func (l *tape) lines(sel event.Selection, limit int) string {
	var b []byte
	for _, e := range l.all() {
		if e.Position > sel.After && (sel.UpTo == 0 || e.Position <= sel.UpTo) && sel.Wants(&e) && limit != 0 {
			b = append(event.AppendEnvelope(b, &e), '\n')
			limit--
		}
	}
	return string(b)
}

type memory struct{ bytes.Buffer }

func (m *memory) Flush() error { return nil }

func planned(t *testing.T, player *replay.Player, query string) replay.Plan {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return plan(t, player, values)
}

// Reads that fail in the middle are taken up behind the last event: nothing is lost, nothing comes twice.
func TestReadsThatFailAreTakenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newTape(3000)
		l.faulty = true
		player := replay.New(l, nil, replay.Config{BatchBytes: 2000})
		for query, want := range map[string]string{
			"":                                 l.lines(event.Selection{}, -1),
			"types=MessageEdited":              l.lines(event.Selection{Types: []string{event.TypeMessageEdited}}, -1),
			"limit=1234":                       l.lines(event.Selection{}, 1234),
			"from=17&to=2000&limit=5000":       l.lines(event.Selection{After: 16, UpTo: 2000}, -1),
			"streams=messages-1&limit=100":     l.lines(event.Selection{Streams: []event.Stream{"messages-1"}}, 100),
			"since=2023-11-14T22:13:30Z&to=20": l.lines(event.Selection{After: 9, UpTo: 20}, -1),
		} {
			var out memory
			if err := player.Play(t.Context(), planned(t, player, query), &out, replay.Options{}); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("%s: %d bytes, want %d", query, out.Len(), len(want))
			}
		}
	})
}

// What follows ends at its limit or its last position, live too, with a follower and without.
func TestFollowingEnds(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"follow=true&limit=150", "follow=true&to=150", "follow=true&to=1500&until=2023-11-14T22:15:50Z", "follow=true&to=50&limit=9"} {
		synctest.Test(t, func(t *testing.T) {
			l := newTape(100)
			for _, follower := range []replay.Follower{l, nil} {
				player := replay.New(l, follower, replay.Config{})
				want := 150
				if strings.Contains(query, "limit=9") {
					want = 9
				}
				var out memory
				ended := make(chan error, 1)
				go func() { ended <- player.Play(t.Context(), planned(t, player, query), &out, replay.Options{}) }()
				for range 10 {
					time.Sleep(time.Second)
					l.record(10)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if out.String() != l.lines(event.Selection{}, want) {
					t.Errorf("%s: got %d lines", query, strings.Count(out.String(), "\n"))
				}
			}
		})
	}
}

// slow is an output that is stuck now and then.
type slow struct{ memory }

func (o *slow) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(rand.IntN(20)) * time.Second)
	return o.memory.Write(p)
}

// All who follow get what they asked for, whoever else follows, from wherever they began and however slow they are.
func TestManyFollow(t *testing.T) {
	t.Parallel()
	queries := map[string]event.Selection{
		"":                                   {},
		"&from=120":                          {After: 119},
		"&since=2023-11-14T22:15:00Z":        {After: 99},
		"&types=MessageEdited":               {Types: []string{event.TypeMessageEdited}},
		"&streams=messages-1&from=7":         {After: 6, Streams: []event.Stream{"messages-1"}},
		"&types=MessageEdited,MessageSent":   {},
		"&types=UserErased":                  {Types: []string{event.TypeUserErased}},
		"&limit=100":                         {UpTo: 100},
		"&from=50&to=160&streams=messages-2": {After: 49, UpTo: 160, Streams: []event.Stream{"messages-2"}},
	}
	synctest.Test(t, func(t *testing.T) {
		l := newTape(50)
		player := replay.New(l, l, replay.Config{BatchBytes: 3000})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		outs := map[string][]*slow{}
		for range 6 {
			for query := range queries {
				out := &slow{}
				outs[query] = append(outs[query], out)
				plan := planned(t, player, "follow=true"+query)
				all.Go(func() {
					if err := player.Play(ctx, plan, out, replay.Options{}); err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Millisecond)
			l.record(40)
		}
		time.Sleep(time.Hour)
		stop()
		all.Wait()
		for query, outs := range outs {
			for i, out := range outs {
				if want := l.lines(queries[query], -1); out.String() != want {
					t.Errorf("%q, follower %d: got %d bytes, want %d", query, i, out.Len(), len(want))
				}
			}
		}
	})
}

// timed is an output that remembers when each event came.
type timed struct {
	io.Writer

	began time.Time
	at    []time.Duration
}

func (o *timed) Write(p []byte) (int, error) {
	for range bytes.Count(p, []byte("\n")) {
		o.at = append(o.at, time.Since(o.began))
	}
	return len(p), nil
}

func (o *timed) Flush() error { return nil }

func TestSpeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newTape(20)
		player := replay.New(l, nil, replay.Config{})
		for speed, last := range map[float64]time.Duration{1: 19 * time.Second, 2: 9500 * time.Millisecond, 0: 0} {
			out := timed{began: time.Now()}
			if err := player.Play(t.Context(), planned(t, player, ""), &out, replay.Options{Speed: speed}); err != nil {
				t.Fatal(err)
			}
			if len(out.at) != 20 || out.at[0] != 0 || out.at[19] != last {
				t.Errorf("at %v times the speed events came at %v", speed, out.at)
			}
		}
	})
}

// A log that stays away ends the replay with its error.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		player := replay.New(awayLog{newTape(10)}, nil, replay.Config{})
		began := time.Now()
		err := player.Play(t.Context(), planned(t, player, ""), &memory{}, replay.Options{})
		if took := time.Since(began); !errors.Is(err, errFlaky) || took < 15*time.Second || took > 20*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

type awayLog struct{ *tape }

func (awayLog) Select(_ context.Context, sel event.Selection, _ int, _ func(*event.Recorded) bool) (event.Position, error) {
	return sel.After, errFlaky
}
