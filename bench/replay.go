package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/api/replay"
	"parley/domain/event"
)

// benchReplay measures replays of a long log: in this process, over HTTP from a node, and from the command line.
func benchReplay(ctx context.Context, b *bench) ([]row, error) {
	dsn, err := b.database(ctx, "replay")
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, dsn, b.events); err != nil {
		return nil, err
	}
	rows, err := b.replayHere(ctx, dsn)
	if err != nil {
		return nil, err
	}
	more, err := b.replayThere(ctx, dsn)
	if err != nil {
		return nil, err
	}
	killed, err := b.replayKilled(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return append(append(rows, more...), killed), nil
}

// replayHere is what needs no node in a process of its own.
func (b *bench) replayHere(ctx context.Context, dsn string) ([]row, error) {
	n, err := startNode(ctx, b, dsn)
	if err != nil {
		return nil, err
	}
	defer n.close()
	player := replay.New(n.store, n.bus, replay.Config{})
	var rows []row
	for _, want := range []struct {
		format replay.Format
		least  float64
	}{{replay.NDJSON, 150_000}, {replay.Parquet, 60_000}} {
		var rates []float64
		for range b.rounds {
			rate, err := playAll(ctx, player, want.format)
			if err != nil {
				return nil, err
			}
			rates = append(rates, rate)
		}
		rows = append(rows, row{
			fmt.Sprintf("a log of %d events as %s, in process", b.events, want.format), fmt.Sprintf("%.0f events/s", median(rates)),
			fmt.Sprintf("at least %.0f/s", want.least), median(rates) >= want.least,
		})
	}
	return rows, nil
}

func playAll(ctx context.Context, player *replay.Player, format replay.Format) (float64, error) {
	request := replay.Request{Format: format}
	plan, err := request.Plan(ctx, player.Log())
	if err != nil {
		return 0, err
	}
	var events int64
	began := time.Now()
	err = player.Play(ctx, plan, discard{}, replay.Options{Progress: func(n int64, _ event.Position) { events = n }})
	if err == nil && events != int64(plan.Head) {
		err = fmt.Errorf("played %d of %d events", events, plan.Head)
	}
	return float64(events) / time.Since(began).Seconds(), err
}

// discard is an output that keeps nothing.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) Flush() error { return nil }

// replayThere measures a node in a process of its own.
func (b *bench) replayThere(ctx context.Context, dsn string) ([]row, error) {
	release, err := b.keepFromIndexing(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer release()
	server, err := startServer(ctx, b, dsn, 15*time.Minute)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	analyst, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "analyst", "username": "analyst", "roles": []string{"analyst"}, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(benchSecret))
	if err != nil {
		return nil, err
	}
	if _, _, err := server.download(ctx, "limit=1", analyst); err != nil { // the analyst is registered
		return nil, err
	}
	before, err := server.settledRSS(ctx)
	if err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	peak := make(chan int64, 1)
	go func() { peak <- server.most(watching) }()
	var rates []float64
	for range b.rounds {
		began := time.Now()
		lines, head, err := server.download(ctx, "", analyst)
		if err == nil && lines != head {
			err = fmt.Errorf("got %d lines of %d", lines, head)
		}
		if err != nil {
			stop()
			return nil, err
		}
		rates = append(rates, float64(lines)/time.Since(began).Seconds())
	}
	stop()
	const mb = 1 << 20
	most := <-peak
	return []row{
		{"the same as NDJSON over HTTP from a node", fmt.Sprintf("%.0f events/s", median(rates)), "at least 80000/s", median(rates) >= 80_000},
		{
			"the node's resident memory before, and the most meanwhile", fmt.Sprintf("%d MB, %d MB", before/mb, most/mb),
			"at most 100 MB more", most-before <= 100*mb,
		},
	}, nil
}

// download plays and counts the lines; head is how many there should be.
func (s *server) download(ctx context.Context, query, token string) (lines, head int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/api/v1/events?"+query, http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept-Encoding", "identity")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("the node answers %s", answer.Status)
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := answer.Body.Read(buf)
		lines += int64(bytes.Count(buf[:n], []byte("\n")))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
	}
	head, err = strconv.ParseInt(answer.Header.Get("Parley-Position"), 10, 64)
	return lines, head, err
}
