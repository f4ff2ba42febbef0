package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/testenv"
	"parley/projections/history"
	"parley/projections/messages"
	"parley/projections/projectiontest"
	"parley/projections/rooms"
)

func indent(data []byte) []byte {
	var buf bytes.Buffer
	_ = json.Indent(&buf, data, "", " ")
	return buf.Bytes()
}

// counted counts reads and what they returned.
type counted struct {
	eventstore.Reader
	reads, events int
}

func (c *counted) note(found []event.Recorded) {
	c.reads++
	c.events += len(found)
}

func (c *counted) Last(ctx context.Context, s event.Stream, upTo event.Position) (event.Recorded, bool, error) {
	r, ok, err := c.Reader.Last(ctx, s, upTo)
	c.note([]event.Recorded{r})
	return r, ok, err
}

func (c *counted) NumberedBetween(ctx context.Context, s event.Stream, from, to int64) ([]event.Recorded, error) {
	found, err := c.Reader.NumberedBetween(ctx, s, from, to)
	c.note(found)
	return found, err
}

func (c *counted) LastAboutEach(ctx context.Context, subjects []eventstore.Subject, limit int, types ...string) ([]event.Recorded, error) {
	found, err := c.Reader.LastAboutEach(ctx, subjects, limit, types...)
	c.note(found)
	return found, err
}

func (c *counted) ByID(ctx context.Context, ids ...event.ID) ([]event.Recorded, error) {
	found, err := c.Reader.ByID(ctx, ids...)
	c.note(found)
	return found, err
}

// A page costs the same in a young room and in an old one. (That each read costs what it returns is for the store to keep.)
func TestAPageCostsWhatItShows(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	log := &projectiontest.Log{}
	created := event.RoomCreated{RoomID: "r", RoomType: event.RoomPublic, CreatedBy: "ann", Members: []event.Member{{UserID: "ann", Role: event.RoleOwner}}}
	log.Add(created)
	for seq := range int64(300) {
		id := event.DeriveID("old", time.Duration(seq).String()).String()
		log.Add(event.MessageSent{Message: event.Message{RoomID: "r", MessageID: id, Sender: event.Sender{ID: "ann"}, Content: "x"}})
		for i := range 40 * (seq % 2) { // half of them more than are read at first
			var told *event.Marks
			if i == 30 {
				told = &event.Marks{Reactions: map[string][]string{"+1": {"bob"}}}
			}
			log.Add(event.ReactionAdded{Reaction: event.Reaction{RoomID: "r", MessageID: id, Seq: seq + 1, Emoji: "+1", UserID: "bob", After: told}})
		}
	}
	reader := &counted{Reader: replay(t, log.Events())}
	q := history.New(reader, messages.NewQueries(pool), rooms.NewQueries(pool), history.Config{})
	cost := func(before int64) (reads, events int) {
		*reader = counted{Reader: reader.Reader}
		page, err := q.Messages(t.Context(), "r", log.Head(), messages.PageRequest{Before: before, Limit: 20}, history.Sight{})
		must(t, err)
		if len(page.Items) != 20 {
			t.Errorf("%d messages", len(page.Items))
		}
		return reader.reads, reader.events
	}
	reads, events := cost(21)
	laterReads, laterEvents := cost(301)
	if reads != laterReads || events != laterEvents || reads > 6 || events > 20*45 {
		t.Errorf("%d reads of %d events, later %d of %d", reads, events, laterReads, laterEvents)
	}
}

func TestWhatIsTooMuchToFoldIsRefused(t *testing.T) {
	t.Parallel()
	events := projectiontest.History(23, 300).Events()
	pool := testenv.Pool(t)
	for _, p := range projectors() {
		projectiontest.Apply(t, pool, p, events)
	}
	q := history.New(replay(t, events), messages.NewQueries(pool), rooms.NewQueries(pool), history.Config{MaxEvents: 3})
	first := events[5] // the first room
	head := event.Position(len(events))
	ask := func(at event.Position) []error {
		_, room := q.Room(t.Context(), first.Stream.Key(), at)
		_, members := q.Members(t.Context(), first.Stream.Key(), at, "", 1)
		_, of := q.Receipts(t.Context(), first.Stream.Key(), at, "", 1)
		_, unread := q.Unread(t.Context(), "user-0", at, "", 1)
		return []error{room, members, of, unread}
	}
	for i, err := range ask(first.Position) {
		if err != nil {
			t.Errorf("question %d as of the beginning: %v", i, err)
		}
	}
	for i, err := range ask(head) {
		if refused := domain.AsError(err); refused == nil || refused.Code != domain.CodeInvalidPayload || refused.Fields["at"] == "" {
			t.Errorf("question %d as of now: %v", i, err)
		}
	}
}

func TestBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	events := projectiontest.History(24, 200).Events()
	pool := testenv.Pool(t)
	for _, p := range projectors() {
		projectiontest.Apply(t, pool, p, events)
	}
	q := history.New(replay(t, events), messages.NewQueries(pool), rooms.NewQueries(pool), history.Config{})
	id := events[5].Stream.Key()
	for _, at := range []event.Position{0, events[5].Position - 1} {
		if _, err := q.Room(t.Context(), id, at); domain.CodeOf(err) != domain.CodeRoomNotFound {
			t.Errorf("room as of %d: %v", at, err)
		}
		page, err := q.Messages(t.Context(), id, at, messages.PageRequest{}, history.Sight{})
		if err != nil || len(page.Items) != 0 || page.Items == nil || page.HasMoreBefore || page.HasMoreAfter {
			t.Errorf("messages as of %d: %+v, %v", at, page, err)
		}
		members, err := q.Members(t.Context(), id, at, "", 0)
		if err != nil || len(members.Items) != 0 || members.Items == nil {
			t.Errorf("members as of %d: %+v, %v", at, members, err)
		}
		list, err := q.Unread(t.Context(), "user-0", at, "", 0)
		if err != nil || len(list.Items) != 0 || list.Items == nil {
			t.Errorf("unread as of %d: %+v, %v", at, list, err)
		}
	}
	for when, want := range map[history.When]event.Position{
		{}: 0, {Position: 7}: 7, {Position: 1 << 40}: event.Position(len(events)),
		{Time: projectiontest.TimeOf(9)}: 9, {Time: projectiontest.TimeOf(9).Add(-1)}: 8, {Time: projectiontest.TimeOf(0)}: 0,
		{Time: projectiontest.TimeOf(1 << 20)}: event.Position(len(events)),
	} {
		if got, err := q.Position(t.Context(), when); err != nil || got != want {
			t.Errorf("%v is position %d (%v), want %d", when, got, err, want)
		}
	}
}
