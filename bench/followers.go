package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley/api/replay"
	"parley/bench/load"
)

const (
	replayFollowers = 20
	// turns is how often a round changes between senders alone and senders with followers, so that what else happens
	// meanwhile, a checkpoint say, falls on both.
	turns = 8
)

// benchFollowers measures sends with and without followers, in turn.
func benchFollowers(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.populated(ctx, "followers")
	if err != nil {
		return nil, err
	}
	defer n.close()
	followed := following{node: n, player: replay.New(n.store, n.bus, replay.Config{})}
	var costs, more, rates []float64
	for range b.rounds {
		var alone, beside effort
		for turn := range turns {
			order := []func() error{
				func() error { return n.sendsFor(ctx, b.duration/2, &alone) },
				func() error {
					return followed.while(ctx, func() error { return n.sendsFor(ctx, b.duration/2, &beside) })
				},
			}
			if turn%2 == 1 {
				slices.Reverse(order)
			}
			for _, measure := range order {
				if err := measure(); err != nil {
					return nil, err
				}
			}
		}
		costs = append(costs, 100*(1-beside.perSecond()/alone.perSecond()))
		more = append(more, beside.cpuEach()-alone.cpuEach())
		rates = append(rates, alone.perSecond())
	}
	return []row{
		{
			fmt.Sprintf("what %d followers cost the appender", replayFollowers),
			fmt.Sprintf("%.1f%% of %.0f sends/s", median(costs), median(rates)), "less than 5%", median(costs) < 5,
		},
		{"what they cost the node", micros(median(more)) + " of CPU for each event", "", true},
		{"events that they missed or got twice", strconv.FormatInt(followed.faults, 10), "0", followed.faults == 0},
	}, nil
}

// effort is what was sent, in what time, and what it cost this process.
type effort struct {
	sent      float64
	took, cpu time.Duration
}

func (e *effort) perSecond() float64 { return e.sent / e.took.Seconds() }

// cpuEach is in µs.
func (e *effort) cpuEach() float64 { return float64(e.cpu.Microseconds()) / e.sent }

// sendsFor adds what is sent in some time.
func (n *node) sendsFor(ctx context.Context, d time.Duration, sum *effort) error {
	before, err := load.ProcessorTime(os.Getpid())
	if err != nil {
		return err
	}
	rate, err := n.sends(ctx, d)
	if err != nil {
		return err
	}
	after, err := load.ProcessorTime(os.Getpid())
	sum.sent += rate * d.Seconds()
	sum.took += d
	sum.cpu += after - before
	return err
}

// following is followers who come and go.
type following struct {
	node   *node
	player *replay.Player
	faults int64 // events that they missed or got twice
}

// while lets followers listen while do runs, until each has got what was recorded by then.
func (f *following) while(ctx context.Context, do func() error) error {
	listening, stop := context.WithCancel(ctx)
	var (
		group sync.WaitGroup
		lost  atomic.Int64
		seen  [replayFollowers]checker
	)
	defer func() {
		stop()
		group.Wait()
		f.faults += lost.Load()
		for i := range seen {
			f.faults += seen[i].faults
		}
	}()
	head, err := f.node.store.Head(ctx)
	if err != nil {
		return err
	}
	for i := range seen {
		seen[i].last.Store(int64(head))
		seen[i].thorough = i == 0
		request := replay.Request{From: head + 1, Follow: true}
		plan, err := request.Plan(ctx, f.player.Log())
		if err != nil {
			return err
		}
		group.Go(func() {
			if err := f.player.Play(listening, plan, &seen[i], replay.Options{}); err != nil {
				lost.Add(1)
			}
		})
	}
	if _, err := f.node.send(ctx, 0); err != nil {
		return err
	}
	if err := f.allHave(ctx, seen[:]); err != nil { // and all of them are live
		return err
	}
	return errors.Join(do(), f.allHave(ctx, seen[:]))
}

// allHave waits until all have got what is recorded by now.
func (f *following) allHave(ctx context.Context, seen []checker) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	head, err := f.node.store.Head(ctx)
	if err != nil {
		return err
	}
	for i := range seen {
		for seen[i].last.Load() < int64(head) {
			if err := sleep(ctx, time.Millisecond); err != nil {
				return fmt.Errorf("a follower is at %d, not at %d: %w", seen[i].last.Load(), head, err)
			}
		}
	}
	return nil
}

// checker is an output that looks whether what it gets follows what it got before. To look at each line would cost more than
// the follower, so it looks at the first and the last one of each write; a thorough one counts those between them.
type checker struct {
	last     atomic.Int64
	thorough bool
	faults   int64
}

// Write gets whole lines.
func (c *checker) Write(p []byte) (int, error) {
	first := positionOf(p)
	last := positionOf(p[bytes.LastIndexByte(p[:len(p)-1], '\n')+1:])
	switch {
	case first != c.last.Load()+1, last < first:
		c.faults++
	case c.thorough && int64(bytes.Count(p, []byte("\n"))) != last-first+1:
		c.faults++
	}
	c.last.Store(last)
	return len(p), nil
}

// positionOf is the position of the event on a line, -1 if there is none.
func positionOf(line []byte) int64 {
	rest, found := bytes.CutPrefix(line, []byte(`{"position":"`))
	digits, _, _ := bytes.Cut(rest, []byte(`"`))
	position, err := strconv.ParseInt(string(digits), 10, 64)
	if !found || err != nil {
		return -1
	}
	return position
}

// Flush has nothing to do.
func (c *checker) Flush() error { return nil }
