package webhooks_test

import (
	"net/http"
	"testing"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
)

// BenchmarkDeliver pushes what is stored, mostly out of Postgres, to a receiver on this machine that takes everything.
func BenchmarkDeliver(b *testing.B) {
	cfg := hasty()
	cfg.Lease = time.Minute
	w := newWorld(b, cfg)
	r := newReceiver(b, 0, nil)
	r.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	var last event.Position
	for range 20 {
		last = w.messages(1000)
	}
	start := "0"
	w.hook("h", r.URL, func(q *wire.WebhookRequest) { q.Position = &start })
	w.delivered("h", last)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Rewind(b.Context(), "h", wire.Place{Position: &start}); err != nil {
			b.Fatal(err)
		}
		w.delivered("h", last)
	}
	b.ReportMetric(float64(last)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
