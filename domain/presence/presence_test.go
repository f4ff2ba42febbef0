package presence_test

import (
	"strings"
	"testing"

	"parley/domain"
	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/presence"
)

type events = []event.Event

func of(status event.Status, text string) event.Presence {
	return event.Presence{UserID: "ann", Status: status, Text: text}
}

func unseen(status event.Status, text string) event.Presence {
	p := of(status, text)
	p.Unseen = true
	return p
}

var (
	online = event.UserCameOnline{Presence: of(event.StatusOnline, "")}
	hidden = event.UserCameOnline{Presence: unseen(event.StatusInvisible, "")}
	busy   = event.UserPresenceChanged{Presence: of(event.StatusBusy, "working")}
	gone   = event.UserWentOffline{UserID: "ann"}
)

func set(status event.Status, text ...string) presence.Set {
	c := presence.Set{UserID: "ann", Status: status}
	if len(text) > 0 {
		c.Text = &text[0]
	}
	return c
}

func TestDecide(t *testing.T) {
	t.Parallel()
	back := presence.Come{UserID: "ann", Back: true}
	come, unobserved, leave := presence.Come{UserID: "ann"}, presence.Come{UserID: "ann", Invisible: true}, presence.Go{UserID: "ann"}
	domaintest.Run(t, presence.Evolve, []domaintest.Case[presence.State]{
		{Name: "the first device brings the user online", When: come, Then: online},
		{Name: "so does one after the user was gone", Given: events{online, busy, gone}, When: come, Then: online},
		{
			Name: "who was never gone is there as before", Given: events{online, busy, gone}, When: back,
			Then: event.UserCameOnline{Presence: of(event.StatusBusy, "working")},
		},
		{Name: "also unseen", Given: events{hidden, event.UserWentOffline{UserID: "ann", Unseen: true}}, When: back, Then: hidden},
		{Name: "or is there for the first time", When: back, Then: online},
		{Name: "a second device changes nothing", Given: events{online}, When: come, Unchanged: true},
		{Name: "what was asked for holds for a second device", Given: events{online, busy}, When: come, Unchanged: true},
		{Name: "an invisible user stays so with a second device", Given: events{hidden}, When: come, Unchanged: true},
		{Name: "a device may come unseen", When: unobserved, Then: hidden},
		{
			Name: "a second device may make the user invisible", Given: events{online, busy}, When: unobserved,
			Then: event.UserPresenceChanged{Presence: of(event.StatusInvisible, "working")},
		},
		{Name: "invisible twice is once", Given: events{hidden}, When: unobserved, Unchanged: true},

		{Name: "a status is asked for", Given: events{online}, When: set(event.StatusBusy, "working"), Then: busy},
		{Name: "the same again changes nothing", Given: events{online, busy}, When: set(event.StatusBusy), Unchanged: true},
		{
			Name: "without a text the text stays", Given: events{online, busy}, When: set(event.StatusAway),
			Then: event.UserPresenceChanged{Presence: of(event.StatusAway, "working")},
		},
		{
			Name: "a text can be taken away", Given: events{online, busy}, When: set(event.StatusBusy, ""),
			Then: event.UserPresenceChanged{Presence: of(event.StatusBusy, "")},
		},
		{
			Name: "to become invisible is seen as going", Given: events{online}, When: set(event.StatusInvisible),
			Then: event.UserPresenceChanged{Presence: of(event.StatusInvisible, "")},
		},
		{
			Name: "what an invisible user says is not seen", Given: events{hidden}, When: set(event.StatusInvisible, "x"),
			Then: event.UserPresenceChanged{Presence: unseen(event.StatusInvisible, "x")},
		},
		{
			Name: "an invisible user can be seen again", Given: events{hidden}, When: set(event.StatusOnline),
			Then: event.UserPresenceChanged{Presence: of(event.StatusOnline, "")},
		},
		{
			Name: "who asks is there, though the log does not know yet", When: set(event.StatusAway, "x"),
			Then: event.UserCameOnline{Presence: of(event.StatusAway, "x")},
		},
		{Name: "offline cannot be asked for", Given: events{online}, When: set(event.StatusOffline), Refused: domain.CodeInvalidPayload, Fields: []string{"status"}},
		{Name: "100 characters are a text", Given: events{online}, When: set(event.StatusOnline, strings.Repeat("é", 100)), Then: event.UserPresenceChanged{
			Presence: of(event.StatusOnline, strings.Repeat("é", 100)),
		}},
		{Name: "101 are not", Given: events{online}, When: set(event.StatusOnline, strings.Repeat("é", 101)), Refused: domain.CodeInvalidPayload, Fields: []string{"text"}},

		{Name: "the last device takes the user away", Given: events{online, busy}, When: leave, Then: gone},
		{Name: "who is gone cannot go", Given: events{online, gone}, When: leave, Unchanged: true},
		{Name: "who never was there cannot go", When: leave, Unchanged: true},
		{Name: "an invisible user goes unseen", Given: events{hidden}, When: leave, Then: event.UserWentOffline{UserID: "ann", Unseen: true}},
	})
}
