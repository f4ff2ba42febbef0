package replay_test

import (
	"io"
	"net/url"
	"testing"

	"parley/api/replay"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
)

// nowhere counts what is written.
type nowhere struct{ bytes int64 }

func (n *nowhere) Write(p []byte) (int, error) {
	n.bytes += int64(len(p))
	return io.Discard.Write(p)
}

func (n *nowhere) Flush() error { return nil }

// What a replay costs, Postgres included; an op is 100,000 events.
func BenchmarkReplay(b *testing.B) {
	pool := testenv.Pool(b)
	const n = 100_000
	writeLog(b, pool, n)
	store := postgres.New(pool, postgres.Config{})
	for _, format := range replay.Formats() {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			player := replay.New(store, nil, replay.Config{})
			for b.Loop() {
				var out nowhere
				play(b, player, url.Values{"format": {string(format)}}, &out)
				b.SetBytes(out.bytes)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func play(tb testing.TB, player *replay.Player, query url.Values, out replay.Output) {
	tb.Helper()
	if err := player.Play(tb.Context(), plan(tb, player, query), out, replay.Options{}); err != nil {
		tb.Fatal(err)
	}
}

func plan(tb testing.TB, player *replay.Player, query url.Values) replay.Plan {
	tb.Helper()
	request, fields := replay.Parse(query)
	if len(fields) > 0 {
		tb.Fatal(fields)
	}
	plan, err := request.Plan(tb.Context(), player.Log())
	if err != nil {
		tb.Fatal(err)
	}
	return plan
}
