package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

func TestPresence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob, cy := w.person(t, "ada"), w.person(t, "bob"), w.person(t, "cy")
	room := w.room(t, ada, event.RoomPrivate, bob)
	var last wire.Presence
	for _, p := range []person{ada, bob} {
		var err error
		last, err = w.menu.ComeOnline.Do(t.Context(), commands.Actor{}, commands.ComeOnline{UserID: p.id, Invisible: p == bob})
		must(t, err)
	}
	seen := func(p person, path string) (list[wire.Presence], string) {
		t.Helper()
		var page list[wire.Presence]
		w.as(t, p, "GET", path, "", "Parley-Min-Position", last.Position.String()).into(t, &page)
		var statuses []string
		for _, item := range page.Items {
			statuses = append(statuses, string(item.Status))
		}
		return page, strings.Join(statuses, " ")
	}
	of := fmt.Sprintf("/presence?userIds=%s,%s&userIds=%s,nobody", cy.id, bob.id, ada.id)
	for _, tt := range []struct {
		who  person
		want string
	}{{ada, "offline offline online offline"}, {bob, "offline invisible online offline"}} {
		page, got := seen(tt.who, of)
		if got != tt.want || page.Items[2].UserID != ada.id || page.Items[2].LastSeenAt == nil || page.Items[3].LastSeenAt != nil {
			t.Errorf("%s: %s, want %s: %+v", tt.who.id, got, tt.want, page.Items)
		}
	}
	page, got := seen(ada, "/rooms/"+room.ID+"/presence?limit=1")
	if len(page.Items) != 1 || page.NextCursor == "" {
		t.Fatalf("%s: %+v", got, page)
	}
	rest, more := seen(ada, "/rooms/"+room.ID+"/presence?cursor="+page.NextCursor)
	all := strings.Fields(got + " " + more)
	slices.Sort(all)
	if !slices.Equal(all, []string{"offline", "online"}) || rest.NextCursor != "" {
		t.Errorf("%v, cursor %q", all, rest.NextCursor)
	}
	for _, query := range []string{"", "?userIds=", "?userIds=a,", "?userIds=a%20b", "?userIds=" + strings.Repeat("x,", 200) + "x"} {
		w.as(t, ada, "GET", "/presence"+query, "").want(t, query, 400, domain.CodeInvalidPayload)
	}
}
