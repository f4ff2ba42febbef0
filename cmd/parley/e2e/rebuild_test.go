package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// Every view is made anew while people talk, read and mark at two nodes: nobody gets an error or an old page, for no reader
// does time go back, and the new tables are the same as the old ones.
func TestRebuildIsNotNoticed(t *testing.T) {
	inParallel(t)
	database := testenv.DSN(t)
	shared := backends(database, testenv.StartRedis(t).URL)
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	names := []string{unique("ada"), unique("bob"), unique("cy")}
	for _, id := range names {
		one.as(t, id)
	}
	room := one.as(t, "host").createRoom("public", "rebuilt", names...)
	l := startLoadIn(t, room, 80*time.Millisecond) // 200 messages a second, together
	l.write(one, 1)
	l.write(two, 1)
	l.more("messages to begin with", 200)

	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	readers := []*pageReader{{load: l, nodes: []*node{one}}, {load: l, nodes: []*node{two}}, {load: l, nodes: []*node{one, two}}}
	for i, r := range readers {
		r.caller, r.seen = one.bearing(t, tokenOf(names[i])).named(names[i]), map[string]int64{}
		all.Go(func() { r.read(ctx) })
	}
	env := settings{"DATABASE_URL": database}
	rebuilt := cli(t, env, "rebuild", "all").want(t, 0)
	if views, same := strings.Count(rebuilt.stdout, "in place at position"), strings.Count(rebuilt.stdout, "the old tables were the same"); views < 6 || same != views {
		t.Errorf("of %d views %d are the same:\n%s", views, same, rebuilt.stdout)
	}
	l.more("messages to end with", 50)
	cancel()
	all.Wait()
	l.finish()
	for i, r := range readers {
		if t.Logf("reader %d read %d times", i, r.times); r.times == 0 {
			t.Errorf("reader %d has read nothing", i)
		}
	}
	l.ledger.balance(t, l.history(one))
	cli(t, env, "verify").want(t, 0)
}

// pageReader reads by REST, at one node or in turn at several, as of the last message that was accepted.
type pageReader struct {
	load   *load
	nodes  []*node
	caller caller

	times int
	seen  map[string]int64 // the highest position, by path
}

func (r *pageReader) read(ctx context.Context) {
	in := "/api/v1/rooms/" + r.load.room
	for ctx.Err() == nil {
		at := r.load.ledger.head()
		for _, path := range []string{in + "/messages?limit=50", "/api/v1/rooms", "/api/v1/unread", in + "/receipts"} {
			page, err := r.page(ctx, path, at)
			if err == nil && strings.Contains(path, "/messages") {
				err = r.mark(ctx, in, page, at)
			}
			if err != nil && ctx.Err() == nil {
				r.load.t.Errorf("%s: %v", path, err)
				return
			}
		}
	}
}

type newestPage struct {
	Position string    `json:"position"`
	Items    []message `json:"items"`
}

// page is as of a position at least, and of what this reader has seen before.
func (r *pageReader) page(ctx context.Context, path, at string) (newestPage, error) {
	var page newestPage
	r.caller = r.caller.at(r.nodes[r.times%len(r.nodes)])
	a, err := fetcher{ctx, r.caller, at}.page(strings.TrimPrefix(path, "/api/v1"))
	if err == nil {
		err = json.Unmarshal(a.raw, &page)
	}
	if err != nil {
		return page, err
	}
	r.times++
	position := toPosition(page.Position)
	if position < toPosition(at) || position < r.seen[path] {
		return page, fmt.Errorf("position %q after %d, asked for %s", page.Position, r.seen[path], at)
	}
	r.seen[path] = position
	return page, nil
}

// mark looks for what was accepted, and says that it was read.
func (r *pageReader) mark(ctx context.Context, in string, page newestPage, at string) error {
	last := page.Items[len(page.Items)-1]
	if toPosition(last.Position) < toPosition(at) {
		return fmt.Errorf("the last message is of position %s, asked for %s", last.Position, at)
	}
	a, err := r.caller.try(ctx, "PUT", in+"/read", json.RawMessage(`{"seq":`+strconv.FormatInt(last.Seq, 10)+`}`))
	if err == nil && a.status != 200 {
		err = fmt.Errorf("%s: %d %s", a.what, a.status, a.raw)
	}
	return err
}
