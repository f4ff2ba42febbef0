package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/commands"
	"parley/domain/event"
	"parley/projections"
	"parley/projections/messages"
	"parley/projections/receipts"
	"parley/projections/rooms"
	"parley/projections/search"
)

const (
	pageRooms   = 200 // that one user is in
	pageMembers = 200 // of one of them, in which every second message is sent
	fewMessages = 10_000
	readers     = 8 // connections, of clients as of pgbench
)

func pageRoom(n int) string { return fmt.Sprint("room-", n) }

// page is what a client reads.
type page struct {
	what, path string
	sql        statement
}

func pages() []page {
	ctx := context.Background()
	return []page{
		{
			"a page of history, 50 messages", "/rooms/" + pageRoom(0) + "/messages",
			recorded(func(db projections.DB) error {
				_, err := messages.NewQueries(db).Page(ctx, pageRoom(0), messages.PageRequest{})
				return err
			}),
		},
		{
			"200 rooms with what is unread and the last message", "/rooms?limit=200",
			recorded(func(db projections.DB) error {
				_, err := rooms.NewQueries(db).Mine(ctx, userID(0), "", pageRooms)
				return err
			}),
		},
		{
			"the receipts of a room of 200", "/rooms/" + pageRoom(0) + "/receipts",
			recorded(func(db projections.DB) error {
				_, err := receipts.NewQueries(db).Of(ctx, pageRoom(0), "", 0)
				return err
			}),
		},
	}
}

// statement is what a query sends to Postgres.
type statement struct {
	sql  string
	args []any
}

var errRecorded = errors.New("recorded")

// Query implements projections.DB.
func (s *statement) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	s.sql, s.args = sql, args
	return nil, errRecorded
}

// recorded is the statement that a query sends, but for its look at the log.
func recorded(query func(projections.DB) error) statement {
	var s statement
	if err := query(&s); !errors.Is(err, errRecorded) {
		panic(fmt.Sprintf("a query sent no statement: %v", err))
	}
	for i := range s.args {
		s.sql = strings.ReplaceAll(s.sql, projections.RoomChanged("$"+strconv.Itoa(i+1)), "NULL")
	}
	return s
}

// shelf is a node whose rooms have said something, and what was measured on it.
type shelf struct {
	dsn    string
	server *server
	token  string
	stop   func()
	// The figures of each page, by round.
	http, sql [][]float64
}

// benchPages measures reads over HTTP, each beside pgbench that runs the statement behind it, on two nodes in turn: one with
// few and one with many messages.
func benchPages(ctx context.Context, b *bench) ([]row, error) {
	list := pages()
	var shelves []*shelf
	for _, count := range []int{fewMessages, b.events} {
		s, err := b.shelf(ctx, count)
		if err != nil {
			return nil, fmt.Errorf("%d messages: %w", count, err)
		}
		defer s.stop()
		s.http, s.sql = make([][]float64, len(list)), make([][]float64, len(list))
		shelves = append(shelves, s)
	}
	for range b.rounds {
		for i, p := range list {
			for _, s := range shelves {
				if err := s.measure(ctx, i, p, b.duration/2); err != nil {
					return nil, fmt.Errorf("%s: %w", p.what, err)
				}
			}
		}
	}
	var rows []row
	for i, p := range list {
		few, many := shelves[0], shelves[1]
		for n, s := range shelves {
			ratio := ratios(s.http[i], s.sql[i])
			rows = append(rows, row{
				fmt.Sprintf("%s, of %d messages in all: requests/s over those of the bare statement", p.what, []int{fewMessages, b.events}[n]),
				fmt.Sprintf("%.2f times (%.0f/s over %.0f/s)", ratio, median(s.http[i]), median(s.sql[i])), "at least 0.5 times", ratio >= 0.5,
			})
		}
		cost := ratios(few.http[i], many.http[i])
		rows = append(rows, row{"its cost with many over that with few", fmt.Sprintf("%.2f times", cost), "at most 1.3 times", cost <= 1.3})
	}
	return rows, nil
}

// ratios is the median of x over y, round by round.
func ratios(x, y []float64) float64 {
	all := make([]float64, len(x))
	for i := range x {
		all[i] = x[i] / y[i]
	}
	return median(all)
}

func (s *shelf) measure(ctx context.Context, i int, p page, d time.Duration) error {
	served, err := s.server.reads(ctx, p.path, s.token, readers, d)
	if err != nil {
		return err
	}
	bare, err := pgbench(ctx, s.dsn, p.sql, readers, d)
	if err != nil {
		return err
	}
	s.http[i], s.sql[i] = append(s.http[i], served), append(s.sql[i], bare)
	return nil
}

// shelf makes such a node.
func (b *bench) shelf(ctx context.Context, count int) (*shelf, error) {
	dsn, err := b.database(ctx, "pages")
	if err != nil {
		return nil, err
	}
	s := &shelf{dsn: dsn}
	if err := b.furnish(ctx, dsn, populatePages); err != nil {
		return nil, err
	}
	head, err := headOf(ctx, dsn)
	if err != nil {
		return nil, err
	}
	err = copyPast(ctx, dsn, func(at event.Position) (saying, bool) {
		i := int(at - head)
		if i%2 == 0 {
			return saying{pageRoom(0), i / 2 % pageMembers}, i <= count
		}
		return saying{pageRoom(1 + i/2%(pageRooms-1)), 1}, i <= count
	})
	if err == nil {
		err = b.furnish(ctx, dsn, enliven)
	}
	if err == nil {
		err = b.furnish(ctx, dsn, buildViews)
	}
	if err != nil {
		return nil, err
	}
	if s.token, err = token(userID(0)); err != nil {
		return nil, err
	}
	release, err := b.keepFromIndexing(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if s.server, err = startServer(ctx, b, dsn, time.Minute); err != nil {
		release()
		return nil, err
	}
	s.stop = func() {
		s.server.stop()
		release()
	}
	return s, nil
}

// furnish does something with a node that is gone afterwards.
func (b *bench) furnish(ctx context.Context, dsn string, do func(context.Context, *node) error) error {
	n, err := startNode(ctx, b, dsn)
	if err != nil {
		return err
	}
	defer n.close()
	return do(ctx, n)
}

// populatePages opens rooms that user 0 is in: one of many members, and others of two.
func populatePages(ctx context.Context, n *node) error {
	var everybody []string
	for i := range pageMembers {
		c := commands.RegisterUser{UserID: userID(i), Username: userID(i), DisplayName: userID(i)}
		if _, err := n.commands.RegisterUser.Do(ctx, actor(i), c); err != nil {
			return err
		}
		everybody = append(everybody, userID(i))
	}
	for i := range pageRooms {
		c := commands.CreateRoom{ID: pageRoom(i), Name: pageRoom(i), Type: event.RoomPublic, MemberIDs: everybody[1:2]}
		if i == 0 {
			c.MemberIDs = everybody[1:]
		}
		if _, err := n.commands.CreateRoom.Do(ctx, actor(0), c); err != nil {
			return err
		}
	}
	return nil
}

// enliven lets user 0 read every second room, and puts on the newest messages of the large room what people put on messages.
func enliven(ctx context.Context, n *node) error {
	for i := 1; i < pageRooms; i += 2 {
		seq := int64(20)
		if _, err := n.commands.MarkRead.Do(ctx, actor(0), commands.Mark{RoomID: pageRoom(i), Seq: &seq}); err != nil {
			return err
		}
	}
	for i := range 50 {
		sent, err := n.commands.SendMessage.Do(ctx, actor(1), commands.SendMessage{RoomID: pageRoom(0), Content: benchContent})
		if err != nil {
			return err
		}
		switch {
		case i%10 == 3:
			_, err = n.commands.AddReaction.Do(ctx, actor(2), commands.React{RoomID: pageRoom(0), MessageID: sent.ID, Emoji: "👍"})
		case i%25 == 4:
			_, err = n.commands.DeleteMessage.Do(ctx, actor(1), commands.DeleteMessage{RoomID: pageRoom(0), MessageID: sent.ID})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// buildViews builds the views that the pages show, all but the words.
func buildViews(ctx context.Context, n *node) error {
	for _, build := range builders() {
		if build("").Name() == searchView {
			continue
		}
		if _, err := (projections.Rebuild{Pool: n.pool, Log: n.store, Build: build}).Run(ctx); err != nil {
			return err
		}
	}
	_, err := n.pool.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// silence is a log that tells nothing.
type silence struct{}

// Follow implements eventstore.Follower.
func (silence) Follow(ctx context.Context, _ event.Position, _ func(context.Context, []event.Recorded) error) error {
	<-ctx.Done()
	return nil
}

// keepFromIndexing takes the view of words, so that the server leaves it as it is: nobody searches here.
func (b *bench) keepFromIndexing(ctx context.Context, dsn string) (stop func(), err error) {
	n, err := startNode(ctx, b, dsn)
	if err != nil {
		return nil, err
	}
	k := n.keep(ctx, silence{}, search.NewProjector(""))
	stop = func() {
		k.stop()
		n.close()
	}
	for k.views.Status()[0].State != projections.StateActive {
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			stop()
			return nil, err
		}
	}
	return stop, nil
}
