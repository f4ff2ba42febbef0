package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"
)

// history fills rooms with messages, and then reads pages of them by REST from so many kept connections, each of which
// asks again as soon as it was answered.
func (f *fleet) history(ctx context.Context) (*Result, error) {
	r := f.newResult()
	m, err := newMeter(&f.options)
	if err != nil {
		return nil, err
	}
	defer m.finish()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	each := max(1, f.options.Messages/f.options.Senders)
	if err := f.speak(ctx, "say what will be read", uint32(each)); err != nil {
		return nil, err
	}
	readers := &readers{fleet: f, latency: newHistogram(), http: &http.Transport{MaxIdleConnsPerHost: f.options.Concurrency}}
	defer readers.http.CloseIdleConnections()
	if err := readers.await(ctx, each*f.options.Senders); err != nil {
		return nil, err
	}
	if err := readers.read(ctx, "warm up", f.options.Warmup); err != nil {
		return nil, err
	}
	readers.latency.Reset()
	if err := m.begin(); err != nil {
		return nil, err
	}
	began := time.Now()
	interrupted := readers.read(ctx, "read", f.options.Duration)
	r.Seconds = time.Since(began).Seconds()
	if interrupted != nil && ctx.Err() == nil {
		return nil, interrupted
	}
	if err := m.end(); err != nil {
		return nil, err
	}
	f.conclude(r, m)
	r.Requests = readers.latency.TotalCount()
	r.RequestsPerSecond = perSecond(r.Requests, r.Seconds)
	r.RequestLatency = summarize(readers.latency)
	r.Interrupted = interrupted != nil
	return r, interrupted
}

// readers read pages.
type readers struct {
	fleet   *fleet
	http    *http.Transport
	mu      sync.Mutex
	latency *hdrhistogram.Histogram
}

// read reads for so long.
func (rs *readers) read(ctx context.Context, phase string, span time.Duration) error {
	if span <= 0 {
		return nil
	}
	began := time.Now()
	stop := rs.fleet.report(func() Progress {
		return Progress{Phase: phase, Done: time.Since(began).Seconds(), Of: span.Seconds(), Unit: "s"}
	})
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for range rs.fleet.options.Concurrency {
		group.Go(func() error {
			for time.Since(began) < span {
				if err := rs.page(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// maxPage bounds what is read of an answer.
const maxPage = 64 << 20

// await waits until each room shows its last message: views may be a little behind what was heard.
func (rs *readers) await(ctx context.Context, last int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, rs.fleet.options.Drain, errors.New("the views do not take in the messages in time"))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(rs.fleet.options.Concurrency)
	seen := map[string]bool{}
	for _, c := range rs.fleet.clients {
		if seen[c.room.id] {
			continue
		}
		seen[c.room.id] = true
		group.Go(func() error {
			for {
				body, _, err := rs.get(ctx, c, fmt.Sprintf("limit=1&after=%d", last-1))
				if err != nil || bytes.Contains(body, markStart) {
					return err
				}
				if err := sleep(ctx, drainStep); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// page reads one, somewhere in some room.
func (rs *readers) page(ctx context.Context) error {
	o := &rs.fleet.options
	c := rs.fleet.clients[rand.IntN(len(rs.fleet.clients))] //nolint:gosec // it spreads, and protects nothing
	before := 1 + min(o.Page, o.Messages)
	before += rand.IntN(max(1, o.Messages-before+2)) //nolint:gosec // it spreads, and protects nothing
	query := fmt.Sprintf("limit=%d&before=%d", o.Page, before)
	body, took, err := rs.get(ctx, c, query)
	if err != nil {
		return err
	}
	if !bytes.Contains(body, markStart) {
		return fmt.Errorf("the server answers the page %s of room %s without a message: %.200s", query, c.room.id, body)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	record(rs.latency, int64(took))
	return nil
}

// get asks for messages of a client's room as that client.
func (rs *readers) get(ctx context.Context, c *client, query string) (body []byte, took time.Duration, err error) {
	url := fmt.Sprintf("%s/api/v1/rooms/%s/messages?%s", rs.fleet.servers[c.node].base, c.room.id, query)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	began := time.Now()
	resp, err := rs.http.RoundTrip(req)
	if err != nil {
		return nil, 0, err
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxPage))
	took = time.Since(began)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the server answers %s with %s: %.200s", url, resp.Status, body)
	}
	return body, took, err
}
