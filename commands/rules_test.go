package commands_test

import (
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

const nowhere = "01890000-0000-7000-8000-00000000dead"

// Who may do what where: every command, asked by everybody, in rooms of every type. The rules
// themselves are tested in domain/…; this is about their being wired to the right command.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	const (
		ok        domain.Code = ""
		forbidden             = domain.CodeForbidden
		outside               = domain.CodeNotAMember
		hidden                = domain.CodeRoomNotFound
		archived              = domain.CodeRoomArchived
		nobody                = domain.CodeInvalidUser
		last                  = domain.CodeLastOwner
	)
	k := inMemory(t, commands.Config{})
	places := map[string]func() string{
		"public":   func() string { return k.open(event.RoomPublic) },
		"private":  func() string { return k.open(event.RoomPrivate) },
		"direct":   func() string { return k.open(event.RoomDirect) },
		"archived": k.archived,
		"none":     func() string { return "no-such-room" },
	}
	// In the order: ann (owner), mod, mia (member), out, root! (admin, outside), off (deactivated).
	actors := []string{"ann", "mod", "mia", "out", "root!", "off"}
	type row map[string][]domain.Code
	all := func(c domain.Code) []domain.Code { return []domain.Code{c, c, c, c, c, nobody} }
	for name, tt := range map[string]struct {
		ask  func(who, room string) domain.Code
		want row
	}{
		"send": {
			func(who, room string) domain.Code {
				return code(k, k.SendMessage, who, commands.SendMessage{RoomID: room, Content: "hi"})
			},
			row{
				"public":   {ok, ok, ok, outside, outside, nobody},
				"private":  {ok, ok, ok, hidden, outside, nobody},
				"direct":   {ok, hidden, ok, hidden, outside, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"update": {
			func(who, room string) domain.Code {
				return code(k, k.UpdateRoom, who, commands.UpdateRoom{RoomID: room, Name: new("by " + who)})
			},
			row{
				"public":   {ok, ok, forbidden, outside, ok, nobody},
				"private":  {ok, ok, forbidden, hidden, ok, nobody},
				"direct":   {forbidden, hidden, forbidden, hidden, forbidden, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"archive": {
			func(who, room string) domain.Code {
				return code(k, k.ArchiveRoom, who, commands.RoomRef{RoomID: room})
			},
			row{
				"public":   {ok, forbidden, forbidden, outside, ok, nobody},
				"private":  {ok, forbidden, forbidden, hidden, ok, nobody},
				"direct":   {forbidden, hidden, forbidden, hidden, forbidden, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"join": {
			func(who, room string) domain.Code {
				return code(k, k.JoinRoom, who, commands.RoomRef{RoomID: room})
			},
			row{
				"public":   {ok, ok, ok, ok, ok, nobody},
				"private":  {ok, ok, ok, hidden, ok, nobody},
				"direct":   {ok, hidden, ok, hidden, forbidden, nobody},
				"archived": {ok, ok, ok, archived, archived, nobody},
				"none":     all(hidden),
			},
		},
		"leave": {
			func(who, room string) domain.Code {
				return code(k, k.LeaveRoom, who, commands.RoomRef{RoomID: room})
			},
			row{
				"public":   {last, ok, ok, outside, outside, nobody},
				"private":  {last, ok, ok, hidden, outside, nobody},
				"direct":   {forbidden, hidden, forbidden, hidden, forbidden, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"add": {
			func(who, room string) domain.Code {
				return code(k, k.AddMember, who, commands.AddMember{RoomID: room, UserID: "out"})
			},
			row{
				"public":   {ok, ok, forbidden, outside, ok, nobody},
				"private":  {ok, ok, forbidden, hidden, ok, nobody},
				"direct":   {forbidden, hidden, forbidden, hidden, forbidden, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"add an owner": {
			func(who, room string) domain.Code {
				return code(k, k.AddMember, who, commands.AddMember{RoomID: room, UserID: "out", Role: event.RoleOwner})
			},
			row{"public": {ok, forbidden, forbidden, outside, ok, nobody}},
		},
		"remove a member": {
			func(who, room string) domain.Code {
				return code(k, k.RemoveMember, who, commands.RemoveMember{RoomID: room, UserID: "mel"})
			},
			row{
				"public":   {ok, ok, forbidden, outside, ok, nobody},
				"private":  {ok, ok, forbidden, hidden, ok, nobody},
				"direct":   {forbidden, hidden, forbidden, hidden, forbidden, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"remove the owner": {
			func(who, room string) domain.Code {
				return code(k, k.RemoveMember, who, commands.RemoveMember{RoomID: room, UserID: "ann"})
			},
			row{"public": {last, forbidden, forbidden, outside, last, nobody}},
		},
		"remove a stranger": {
			func(who, room string) domain.Code {
				return code(k, k.RemoveMember, who, commands.RemoveMember{RoomID: room, UserID: "stranger"})
			},
			row{"public": {outside, outside, forbidden, outside, outside, nobody}},
		},
		"name a moderator": {
			func(who, room string) domain.Code {
				return code(k, k.SetRole, who, commands.SetRole{RoomID: room, UserID: "mel", Role: event.RoleModerator})
			},
			row{
				"public":   {ok, forbidden, forbidden, outside, ok, nobody},
				"private":  {ok, forbidden, forbidden, hidden, ok, nobody},
				"direct":   {forbidden, hidden, forbidden, hidden, forbidden, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"edit mia's message": {
			func(who, room string) domain.Code {
				return code(k, k.EditMessage, who, commands.EditMessage{RoomID: room, MessageID: k.miaSaid(room), Content: "new"})
			},
			row{
				"public":   {forbidden, forbidden, ok, outside, outside, nobody},
				"private":  {forbidden, forbidden, ok, hidden, outside, nobody},
				"direct":   {forbidden, hidden, ok, hidden, outside, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"delete mia's message": {
			func(who, room string) domain.Code {
				return code(k, k.DeleteMessage, who, commands.DeleteMessage{RoomID: room, MessageID: k.miaSaid(room)})
			},
			row{
				"public":   {ok, ok, ok, outside, ok, nobody},
				"private":  {ok, ok, ok, hidden, ok, nobody},
				"direct":   {forbidden, hidden, ok, hidden, ok, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"react to mia's message": {
			func(who, room string) domain.Code {
				return code(k, k.AddReaction, who, commands.React{RoomID: room, MessageID: k.miaSaid(room), Emoji: "👍"})
			},
			row{
				"public":   {ok, ok, ok, outside, outside, nobody},
				"private":  {ok, ok, ok, hidden, outside, nobody},
				"direct":   {ok, hidden, ok, hidden, outside, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"take back what was not put": {
			func(who, room string) domain.Code {
				return code(k, k.RemoveReaction, who, commands.React{RoomID: room, MessageID: k.miaSaid(room), Emoji: "👍"})
			},
			row{
				"public":   {ok, ok, ok, outside, outside, nobody},
				"private":  {ok, ok, ok, hidden, outside, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"react to nothing": {
			func(who, room string) domain.Code {
				return code(k, k.AddReaction, who, commands.React{RoomID: room, MessageID: nowhere, Emoji: "👍"})
			},
			row{"private": {domain.CodeMessageNotFound, domain.CodeMessageNotFound, domain.CodeMessageNotFound, hidden, outside, nobody}},
		},
		"pin mia's message": {
			func(who, room string) domain.Code {
				return code(k, k.PinMessage, who, commands.MessageRef{RoomID: room, MessageID: k.miaSaid(room)})
			},
			row{
				"public":   {ok, ok, forbidden, outside, ok, nobody},
				"private":  {ok, ok, forbidden, hidden, ok, nobody},
				"direct":   {ok, hidden, ok, hidden, ok, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"unpin mia's message": {
			func(who, room string) domain.Code {
				return code(k, k.UnpinMessage, who, commands.MessageRef{RoomID: room, MessageID: k.miaSaid(room)})
			},
			row{
				"private":  {ok, ok, forbidden, hidden, ok, nobody},
				"archived": all(archived), "none": all(hidden),
			},
		},
		"delete nothing": {
			func(who, room string) domain.Code {
				return code(k, k.DeleteMessage, who, commands.DeleteMessage{RoomID: room, MessageID: nowhere})
			},
			row{"private": {domain.CodeMessageNotFound, domain.CodeMessageNotFound, domain.CodeMessageNotFound, hidden, domain.CodeMessageNotFound, nobody}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for place, codes := range tt.want {
				for i, who := range actors {
					room := places[place]()
					if got := tt.ask(who, room); got != codes[i] {
						t.Errorf("%s in a %s room: %q, want %q", who, place, got, codes[i])
					}
				}
			}
		})
	}
}

// miaSaid is a message of mia in the room, or one that does not exist where she cannot speak.
func (k kit) miaSaid(room string) string {
	k.t.Helper()
	m, err := k.SendMessage.Do(k.t.Context(), as("mia"), commands.SendMessage{RoomID: room, Content: "old"})
	if err != nil {
		return nowhere
	}
	return m.ID
}

func TestWhoDoesNotExistOrWasDeactivatedDoesNothing(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	for _, who := range []string{"off", "ghost", "", "a b", "ghost!"} {
		for name, got := range map[string]domain.Code{
			"create":  code(k, k.CreateRoom, who, commands.CreateRoom{Name: "x", Type: event.RoomPublic}),
			"profile": code(k, k.ChangeProfile, who, commands.ChangeProfile{DisplayName: new("x")}),
		} {
			if got != domain.CodeInvalidUser {
				t.Errorf("%q %s: %q", who, name, got)
			}
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	ref := commands.UserRef{UserID: "mia"}
	if got := code(k, k.DeactivateUser, "ann", ref); got != domain.CodeForbidden {
		t.Errorf("an ordinary user deactivates: %q", got)
	}
	if got := code(k, k.DeactivateUser, "root!", commands.UserRef{UserID: "ghost"}); got != domain.CodeInvalidUser {
		t.Errorf("a ghost is deactivated: %q", got)
	}
	if got := code(k, k.DeactivateUser, "off!", ref); got != domain.CodeInvalidUser {
		t.Errorf("a deactivated admin deactivates: %q", got)
	}
	if got := code(k, k.ReactivateUser, "off!", commands.UserRef{UserID: "off"}); got != domain.CodeInvalidUser {
		t.Errorf("a deactivated admin lets itself in: %q", got)
	}
	first := must(k, k.DeactivateUser, "root!", ref)
	again := must(k, k.DeactivateUser, "root!", ref)
	if first.Position == 0 || again.Position != first.Position {
		t.Errorf("deactivated at %d, and again at %d", first.Position, again.Position)
	}
	if got := code(k, k.ChangeProfile, "mia", commands.ChangeProfile{DisplayName: new("x")}); got != domain.CodeInvalidUser {
		t.Errorf("acting while deactivated: %q", got)
	}
	operator := commands.Actor{Principal: domain.Principal{Roles: []domain.Role{domain.RoleAdmin}}}
	if _, err := k.ReactivateUser.Do(t.Context(), operator, ref); err != nil {
		t.Errorf("an operator without an account: %v", err)
	}
	u := must(k, k.ChangeProfile, "mia", commands.ChangeProfile{DisplayName: new(" Mia! ")})
	if u.DisplayName != "Mia!" || u.Username != "Umia" || !u.Active || u.Position <= first.Position {
		t.Errorf("the profile is %+v", u)
	}
	same := must(k, k.RegisterUser, "mia", commands.RegisterUser{UserID: "mia", Username: "other"})
	if same != u {
		t.Errorf("registered again as %+v, was %+v", same, u)
	}
	if got := code(k, k.RegisterUser, "ann", commands.RegisterUser{UserID: "new", Username: "x"}); got != domain.CodeForbidden {
		t.Errorf("somebody registers somebody else: %q", got)
	}
	must(k, k.RegisterUser, "root!", commands.RegisterUser{UserID: "new", Username: "x"})
}
