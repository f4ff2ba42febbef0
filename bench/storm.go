package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"parley/bench/load"
)

const stormMissed = 50 // messages that each socket has missed

// benchStorm lets sockets come back all at once. Each hears one of 99 rooms, in which 50 messages were sent
// meanwhile; in the hundredth, somebody talks all the time.
func benchStorm(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.populated(ctx, "storm")
	if err != nil {
		return nil, err
	}
	defer n.close()
	dsn := n.pool.Config().ConnString()
	server, err := startServer(ctx, b, dsn, time.Minute, "SOCKET_RATE_LIMIT_MESSAGES=0")
	if err != nil {
		return nil, err
	}
	defer server.stop()
	cursors, err := server.crowd(ctx, b.sockets)
	if err != nil {
		return nil, fmt.Errorf("connect for the first time: %w", err)
	}
	if err := n.talk(ctx); err != nil {
		return nil, err
	}
	calm, err := server.converse(ctx, func() error { return sleep(ctx, 3*time.Second) })
	if err != nil {
		return nil, err
	}
	before, err := load.ResidentBytes(server.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	var s *storm
	rough, err := server.converse(ctx, func() (err error) {
		s, err = server.storm(ctx, cursors)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.rows(b, before, calm, rough), nil
}

// stormer is the n-th socket's user, who is in a room of 1 to 99.
func stormer(n int) int {
	return 1 + n%(benchRooms-1) + benchRooms*(n/(benchRooms-1)%(benchSenders/benchRooms))
}

// crowd connects so many sockets, lets them go, and returns where each stands.
func (s *server) crowd(ctx context.Context, count int) ([]string, error) {
	cursors := make([]string, count)
	visits := make([]*visit, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range visits {
		group.Go(func() (err error) {
			if visits[i], err = s.arrive(ctx, userID(stormer(i)), map[string]any{"rooms": []string{roomID(stormer(i))}}); err == nil {
				cursors[i] = visits[i].cursor
			}
			return err
		})
	}
	err := group.Wait()
	for _, v := range visits {
		if v != nil {
			v.leave()
		}
	}
	return cursors, err
}

// talk sends what the sockets will have missed.
func (n *node) talk(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for room := 1; room < benchRooms; room++ {
		group.Go(func() error {
			for range stormMissed {
				if _, err := n.send(ctx, room); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// converse lets one talk to another in the room that has nothing to do with it, until do returns: how long each
// message took from being sent to being heard.
func (s *server) converse(ctx context.Context, do func() error) ([]time.Duration, error) {
	room := map[string]any{"rooms": []string{roomID(0)}}
	talker, err := s.arrive(ctx, userID(0), room)
	if err != nil {
		return nil, err
	}
	defer talker.leave()
	listener, err := s.arrive(ctx, userID(benchRooms), room)
	if err != nil {
		return nil, err
	}
	var (
		talk  sync.WaitGroup
		over  = make(chan struct{})
		delay []time.Duration
	)
	talk.Go(func() { talker.drain() })
	talk.Go(func() { delay = listener.listen() })
	talk.Go(func() {
		talker.chat(over)
		_ = sleep(ctx, time.Second) // until the last was heard
		talker.leave()
		listener.leave()
	})
	err = do()
	close(over)
	talk.Wait()
	return delay, err
}

// chat sends a message every 10 ms whose content is the time, and gets no answers.
func (v *visit) chat(over <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			packet := fmt.Sprintf(`42["send-message",{"roomId":%q,"content":"%d"}]`, roomID(0), time.Now().UnixNano())
			if v.conn.WriteMessage(websocket.TextMessage, []byte(packet)) != nil {
				return
			}
		case <-over:
			return
		}
	}
}

// drain reads what nobody looks at. Heartbeats are not answered: a talk is shorter than their timeout.
func (v *visit) drain() {
	for {
		if _, _, err := v.conn.ReadMessage(); err != nil {
			return
		}
	}
}

func (v *visit) listen() (delay []time.Duration) {
	for {
		packet, err := v.message()
		if err != nil {
			return delay
		}
		if sent, err := strconv.ParseInt(load.Member(packet, "content"), 10, 64); err == nil {
			delay = append(delay, time.Since(time.Unix(0, sent)))
		}
	}
}

// storm is what came of one.
type storm struct {
	took     time.Duration   // until the last socket had caught up
	each     []time.Duration // from the beginning until it had
	turned   int64           // connections that did not come about at once
	missing  int64           // sockets that did not get all, in order
	resident int64           // the most bytes
	cpu      time.Duration
}

// storm lets all come back at once. Who is turned away tries again, as clients do.
func (s *server) storm(ctx context.Context, cursors []string) (*storm, error) {
	out := &storm{each: make([]time.Duration, len(cursors))}
	cpu, err := s.cpu()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	visits := make([]*visit, len(cursors))
	var turned, missing atomic.Int64
	var sockets, watch sync.WaitGroup
	began := time.Now()
	for i, cursor := range cursors {
		sockets.Go(func() {
			v, err := s.insist(ctx, i, cursor, &turned)
			if err == nil {
				visits[i] = v
				err = v.messages(stormMissed)
			}
			if out.each[i] = time.Since(began); err != nil {
				missing.Add(1)
			}
		})
	}
	watching, stop := context.WithCancel(ctx)
	watch.Go(func() { out.resident = s.most(watching) })
	sockets.Wait()
	out.took = time.Since(began)
	stop()
	watch.Wait()
	for _, v := range visits {
		if v != nil {
			v.leave()
		}
	}
	out.turned, out.missing = turned.Load(), missing.Load()
	then, err := s.cpu()
	out.cpu = then - cpu
	return out, err
}

// insist comes back, however often that is refused.
func (s *server) insist(ctx context.Context, n int, cursor string, turned *atomic.Int64) (*visit, error) {
	for {
		v, err := s.arrive(ctx, userID(stormer(n)), map[string]any{"offset": cursor, "rooms": []string{roomID(stormer(n))}})
		if err == nil || ctx.Err() != nil {
			return v, err
		}
		turned.Add(1)
		if err := sleep(ctx, time.Duration(500+n%1000)*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// most is the most resident memory until ctx ends.
func (s *server) most(ctx context.Context) (most int64) {
	for sleep(ctx, 20*time.Millisecond) == nil {
		if now, err := load.ResidentBytes(s.cmd.Process.Pid); err == nil {
			most = max(most, now)
		}
	}
	return most
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *storm) rows(b *bench, before int64, calm, rough []time.Duration) []row {
	const mb = 1 << 20
	deliveries := b.sockets * stormMissed
	return []row{
		{
			fmt.Sprintf("%d sockets come back at once, %d missed messages each: until all have caught up", b.sockets, stormMissed),
			fmt.Sprintf("%v, p50 %v (%.0f deliveries/s)", s.took.Round(time.Millisecond), percentile(s.each, 50).Round(time.Millisecond),
				float64(deliveries)/s.took.Seconds()), "", false,
		},
		{"sockets of these that did not get all, once and in order", strconv.FormatInt(s.missing, 10), "0", s.missing == 0},
		{"connections that were refused or broke, and were tried again", strconv.FormatInt(s.turned, 10), "", false},
		{
			"node's resident memory before, and the most meanwhile",
			fmt.Sprintf("%d MB, %d MB", before/mb, s.resident/mb), "", false,
		},
		{"node's CPU for all of it", s.cpu.Round(time.Millisecond).String(), "", false},
		{
			"a message every 10 ms in another room, from send to delivery: p50, p99, worst before",
			latencies(calm), "", false,
		},
		{"the same meanwhile", latencies(rough), "", false},
	}
}

func latencies(all []time.Duration) string {
	return fmt.Sprintf("%v, %v, %v (%d messages)", round(percentile(all, 50)), round(percentile(all, 99)), round(percentile(all, 100)), len(all))
}

// percentile of some durations, 0 of none.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)-1)*p/100]
}
