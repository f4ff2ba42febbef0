package commands_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/memory"
)

func TestPresence(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{RateLimitMessages: 1})
	first := must(k, k.ComeOnline, "", commands.ComeOnline{UserID: "ann"})
	if first.Status != event.StatusOnline || first.UserID != "ann" || first.LastSeenAt == nil || first.Position == 0 {
		t.Errorf("%+v", first)
	}
	if again := must(k, k.ComeOnline, "", commands.ComeOnline{UserID: "ann"}); *again.LastSeenAt != *first.LastSeenAt || again.Position != first.Position {
		t.Errorf("%+v then %+v", first, again)
	}
	busy := must(k, k.UpdatePresence, "ann", commands.UpdatePresence{Status: event.StatusBusy, Text: new(" in a \x07meeting ")})
	if busy.Status != event.StatusBusy || busy.Text != "in a meeting" || busy.Position <= first.Position {
		t.Errorf("%+v", busy)
	}
	gone := must(k, k.GoOffline, "", commands.UserRef{UserID: "ann"})
	if gone.Status != event.StatusOffline || gone.Text != "" {
		t.Errorf("%+v", gone)
	}
	must(k, k.GoOffline, "", commands.UserRef{UserID: "ann"})
	must(k, k.GoOffline, "", commands.UserRef{UserID: "mia"})
	want := []string{event.TypeUserCameOnline, event.TypeUserPresenceChanged, event.TypeUserWentOffline}
	if got := types(k.stream(event.PresenceStream("ann"))); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := k.stream(event.PresenceStream("mia")); len(got) != 0 {
		t.Errorf("%v", types(got))
	}
}

func TestPresenceIsRefused(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{RateLimitMessages: 1})
	for name, c := range map[string]struct {
		who  string
		ask  commands.UpdatePresence
		code domain.Code
	}{
		"no status":       {"ann", commands.UpdatePresence{}, domain.CodeInvalidPayload},
		"offline":         {"ann", commands.UpdatePresence{Status: "offline"}, domain.CodeInvalidPayload},
		"a long text":     {"ann", commands.UpdatePresence{Status: "online", Text: new(strings.Repeat("x", 101))}, domain.CodeInvalidPayload},
		"two lines":       {"ann", commands.UpdatePresence{Status: "online", Text: new("a\nb")}, domain.CodeInvalidPayload},
		"who is shut out": {"off", commands.UpdatePresence{Status: "online"}, domain.CodeInvalidUser},
		"nobody":          {"eve", commands.UpdatePresence{Status: "online"}, domain.CodeInvalidUser},
	} {
		if got := code(k, k.UpdatePresence, c.who, c.ask); got != c.code {
			t.Errorf("%s is answered %q, want %q", name, got, c.code)
		}
	}
	statuses := []event.Status{event.StatusAway, event.StatusBusy}
	var got domain.Code
	for i := 0; i < 100 && got == ""; i++ {
		got = code(k, k.UpdatePresence, "mia", commands.UpdatePresence{Status: statuses[i%2]})
	}
	if got != domain.CodeRateLimited {
		t.Errorf("a flood of changes is answered %q", got)
	}
}

// Nodes that notice the same at once make one event of it.
func TestPresenceIsNoticedOnce(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	nodes := []kit{newKit(t, log, commands.Config{}), newKit(t, log, commands.Config{}), newKit(t, log, commands.Config{})}
	everywhere := func(ask func(kit)) {
		var all sync.WaitGroup
		for _, k := range nodes {
			for range 4 {
				all.Go(func() { ask(k) })
			}
		}
		all.Wait()
	}
	for range 10 {
		everywhere(func(k kit) { _ = code(k, k.ComeOnline, "", commands.ComeOnline{UserID: "ann"}) })
		everywhere(func(k kit) { _ = code(k, k.GoOffline, "", commands.UserRef{UserID: "ann"}) })
	}
	if got := types(nodes[0].stream(event.PresenceStream("ann"))); len(got) != 20 {
		t.Errorf("%d events of 10 visits: %v", len(got), got)
	}
}

// Who was shut out on one node is not there by what is asked on another.
func TestWhoIsShutOutDoesNotAppear(t *testing.T) {
	t.Parallel()
	twoNodes(t, func(t *testing.T, a, b kit) {
		must(b, b.UpdatePresence, "mia", commands.UpdatePresence{Status: event.StatusAway}) // b knows the account
		must(a, a.GoOffline, "", commands.UserRef{UserID: "mia"})
		must(a, a.DeactivateUser, "root!", commands.UserRef{UserID: "mia"})
		if got := code(b, b.UpdatePresence, "mia", commands.UpdatePresence{Status: event.StatusBusy}); got != domain.CodeInvalidUser {
			t.Errorf("answered %q", got)
		}
	})
}
