package commands_test

import (
	"bytes"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

// From UserErased on nothing says what the user was called, and the user says nothing.
func TestNothingNamesWhoWasErased(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	room := k.open(event.RoomPublic)
	root := commands.Actor{Principal: domain.Principal{Roles: []domain.Role{domain.RoleAdmin}}}
	erased, err := k.EraseUser.Do(t.Context(), root, commands.UserRef{UserID: "mia"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := k.EraseUser.Do(t.Context(), root, commands.UserRef{UserID: "mia"})
	if err != nil || again != erased {
		t.Errorf("erased at %d, again %+v, %v", erased.Position, again, err)
	}
	for what, got := range map[string]domain.Code{
		"sends":          code(k, k.SendMessage, "mia", commands.SendMessage{RoomID: room, Content: "x"}),
		"appears":        code(k, k.ComeOnline, "", commands.ComeOnline{UserID: "mia"}),
		"says how":       code(k, k.UpdatePresence, "mia", commands.UpdatePresence{Status: event.StatusBusy, Text: new("x")}),
		"changes a name": code(k, k.ChangeProfile, "mia", commands.ChangeProfile{DisplayName: new("x")}),
	} {
		if got != domain.CodeInvalidUser {
			t.Errorf("who was erased %s: %q", what, got)
		}
	}
	must(k, k.SetRole, "ann", commands.SetRole{RoomID: room, UserID: "mia", Role: event.RoleModerator})
	must(k, k.RemoveMember, "ann", commands.RemoveMember{RoomID: room, UserID: "mia"})
	past := k.stream(event.RoomStream(room))
	for _, r := range past[len(past)-2:] {
		if !bytes.Contains(r.Data, []byte(`"username":""`)) {
			t.Errorf("%s: %s", r.Type, r.Data)
		}
	}
}
