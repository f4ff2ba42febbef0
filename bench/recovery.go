package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

const (
	missed       = 100    // messages that a client has missed
	ringedEvents = 1_000  // that passed elsewhere meanwhile: recent enough for a node's memory
	fewEvents    = 10_000 // not recent enough
	returns      = 40     // of each client in each round
)

// absentee is a client that was away while others talked, in its own room and elsewhere.
type absentee struct {
	user   int // and the number of its room
	others int // events elsewhere since its cursor, at least
	cursor string
	took   []time.Duration
	used   []used
}

// used is what one return cost the node, on average.
type used struct {
	cpu     time.Duration
	queries float64
}

// benchRecovery measures from the first byte of a connection to the last missed message: for a client
// whose gap is in the node's memory, for one whose gap is in a short stretch of the log, and for one
// behind a long stretch. Nobody and nothing else is there.
func benchRecovery(ctx context.Context, b *bench) ([]row, error) {
	dsn, err := b.database(ctx, "recovery")
	if err != nil {
		return nil, err
	}
	away := []*absentee{{user: 1, others: b.events}, {user: 2, others: fewEvents}, {user: 3, others: ringedEvents}}
	if err := b.write(ctx, dsn, away); err != nil {
		return nil, err
	}
	server, err := startServer(ctx, b, dsn, 10*time.Minute, "DATABASE_READ_URL="+dsn)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	head, err := server.arrive(ctx, userID(4), nil)
	if err != nil {
		return nil, err
	}
	head.leave()
	present := &absentee{user: 4, cursor: head.cursor} // who has missed nothing
	for range b.rounds {
		for _, a := range append(away, present) {
			if err := a.comeBack(ctx, b, server, dsn); err != nil {
				return nil, fmt.Errorf("behind %d events: %w", a.others, err)
			}
		}
	}
	return recoveryRows(b, away[0], away[1], away[2], present), nil
}

func recoveryRows(b *bench, many, few, ring, present *absentee) []row {
	ratio := func(x, y *absentee) float64 { return float64(median(x.took)) / float64(median(y.took)) }
	return []row{
		{
			fmt.Sprintf("100 missed messages, from connect to the last, with %d events elsewhere meanwhile over %d, both from the log", b.events, fewEvents),
			fmt.Sprintf("%.2f times (%v over %v)", ratio(many, few), round(median(many.took)), round(median(few.took))),
			"at most 1.3 times", ratio(many, few) <= 1.3,
		},
		{
			fmt.Sprintf("the same over %d, from memory", ringedEvents),
			fmt.Sprintf("%.2f times (%v over %v)", ratio(many, ring), round(median(many.took)), round(median(ring.took))), "", false,
		},
		{"a return that has missed nothing", fmt.Sprint(round(median(present.took))), "", false},
		{
			"node's CPU for a return: nothing missed, from memory, from the log, from the long log",
			fmt.Sprintf("%v, %v, %v, %v", present.cpu(), ring.cpu(), few.cpu(), many.cpu()), "", false,
		},
		{
			"transactions in Postgres for a return: the same",
			fmt.Sprintf("%.1f, %.1f, %.1f, %.1f", present.queries(), ring.queries(), few.queries(), many.queries()), "", false,
		},
	}
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func (a *absentee) cpu() time.Duration {
	all := make([]time.Duration, len(a.used))
	for i, u := range a.used {
		all[i] = u.cpu
	}
	return round(median(all))
}

func (a *absentee) queries() float64 {
	all := make([]float64, len(a.used))
	for i, u := range a.used {
		all[i] = u.queries
	}
	return median(all)
}

// comeBack returns again and again with the same cursor.
func (a *absentee) comeBack(ctx context.Context, b *bench, s *server, dsn string) error {
	cpu, commits, err := s.spent(ctx, b, dsn)
	if err != nil {
		return err
	}
	for range returns {
		began := time.Now()
		v, err := s.arrive(ctx, userID(a.user), map[string]any{"offset": a.cursor})
		if err != nil {
			return err
		}
		if a.others > 0 {
			err = v.messages(missed)
		}
		a.took = append(a.took, time.Since(began))
		v.leave()
		if err != nil {
			return err
		}
	}
	cpuThen, commitsThen, err := s.spent(ctx, b, dsn)
	if err != nil {
		return err
	}
	a.used = append(a.used, used{(cpuThen - cpu) / returns, float64(commitsThen-commits) / returns})
	return nil
}

// spent is the processor time of the node, and the transactions in its database, when both are at rest.
func (s *server) spent(ctx context.Context, b *bench, dsn string) (cpu time.Duration, commits int64, err error) {
	select {
	case <-time.After(1500 * time.Millisecond): // Postgres counts a second late
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	if cpu, err = s.cpu(); err != nil {
		return 0, 0, err
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return 0, 0, err
	}
	conn, err := pgx.Connect(ctx, b.admin.String()) // another database: this look is not counted
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT xact_commit FROM pg_stat_database WHERE datname = $1", config.Database).Scan(&commits)
	return cpu, commits, err
}

// write makes the log: for each absentee a stretch in which its room's messages lie among those of others.
func (b *bench) write(ctx context.Context, dsn string, away []*absentee) error {
	n, err := startNode(ctx, b, dsn)
	if err != nil {
		return err
	}
	err = n.populate(ctx)
	n.close()
	if err != nil {
		return err
	}
	return copyPast(ctx, dsn, (&stretches{away: away}).next)
}

// stretches are the messages of a log: one stretch after another, each with those that one client will have
// missed spread over those of rooms that nobody hears.
type stretches struct {
	away []*absentee
	done int // messages of the present stretch
}

func (w *stretches) next(at event.Position) (said saying, more bool) {
	if len(w.away) == 0 {
		return said, false
	}
	a := w.away[0]
	if w.done == 0 {
		a.cursor = (at - 1).String()
	}
	every := (a.others + missed) / missed
	said = pastSaying(at)
	if w.done%every == every-1 && w.done/every < missed {
		said = saying{roomID(a.user), a.user}
	}
	if w.done++; w.done == a.others+missed {
		w.away, w.done = w.away[1:], 0
	}
	return said, true
}
