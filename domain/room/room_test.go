package room_test

import (
	"testing"

	"parley/domain"
	"parley/domain/domaintest"
	"parley/domain/event"
	"parley/domain/room"
	"parley/domain/user"
)

type (
	events = []event.Event
	cases  = []domaintest.Case[room.State]
)

// The people: ann owns, max moderates, mia and mel are members, out is in no room.
var (
	ann  = room.Actor{ID: "ann", Username: "Ann"}
	mod  = room.Actor{ID: "max", Username: "Max"}
	mia  = room.Actor{ID: "mia", Username: "Mia"}
	out  = room.Actor{ID: "out", Username: "Out"}
	root = room.Actor{ID: "root", Username: "Root", Admin: true}
)

func active(id, name string) user.State {
	return user.State{Sender: event.Sender{ID: id, Username: name}, Registered: true, Active: true}
}

func inactive(id string) user.State {
	return user.State{Sender: event.Sender{ID: id, Username: id}, Registered: true}
}

func opened(kind event.RoomType) event.RoomCreated {
	e := event.RoomCreated{
		RoomID: "r", Name: "Tea", RoomType: kind, Topic: "leaves", CreatedBy: "ann",
		Members: []event.Member{
			{UserID: "ann", Username: "Ann", Role: event.RoleOwner},
			{UserID: "max", Username: "Max", Role: event.RoleModerator},
			{UserID: "mia", Username: "Mia", Role: event.RoleMember},
			{UserID: "mel", Username: "Mel", Role: event.RoleMember},
		},
	}
	if kind == event.RoomDirect {
		e.Name, e.Topic = "", ""
		e.Members = []event.Member{
			{UserID: "ann", Username: "Ann", Role: event.RoleMember}, {UserID: "mia", Username: "Mia", Role: event.RoleMember},
		}
	}
	return e
}

var (
	public  = opened(event.RoomPublic)
	private = opened(event.RoomPrivate)
	direct  = opened(event.RoomDirect)

	archived    = event.RoomArchived{Room: asRoom(public, 4), By: "ann"}
	secondOwner = event.MemberRoleChanged{RoomID: "r", UserID: "max", Username: "Max", Role: event.RoleOwner, JoinedAt: domaintest.At(1), By: "ann"}
	miaLeft     = event.MemberLeft{RoomID: "r", UserID: "mia", Username: "Mia"}
	outJoined   = event.MemberJoined{RoomID: "r", UserID: "out", Username: "Out", Role: event.RoleMember, By: "out"}
)

func asRoom(e event.RoomCreated, members int) event.Room {
	return event.Room{
		RoomID: e.RoomID, Name: e.Name, RoomType: e.RoomType, Topic: e.Topic,
		CreatedBy: e.CreatedBy, CreatedAt: domaintest.At(1), MemberCount: members,
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	domaintest.Run(t, room.Evolve, cases{
		{
			Name: "the creator owns the room, the invited are members, each once",
			When: room.Create{
				By: ann, ID: "r", Name: "Tea", Type: event.RoomPrivate, Topic: "leaves",
				Invited: []user.State{active("mia", "Mia"), active("ann", "Ann"), active("mia", "Mia")},
			},
			Then: event.RoomCreated{RoomID: "r", Name: "Tea", RoomType: event.RoomPrivate, Topic: "leaves", CreatedBy: "ann", Members: []event.Member{
				{UserID: "ann", Username: "Ann", Role: event.RoleOwner}, {UserID: "mia", Username: "Mia", Role: event.RoleMember},
			}},
		},
		{
			Name: "a direct room has two equal members",
			When: room.Create{By: ann, ID: "r", Type: event.RoomDirect, Invited: []user.State{active("mia", "Mia"), active("ann", "Ann")}},
			Then: direct,
		},
		{
			Name: "a direct room with nobody else", When: room.Create{By: ann, ID: "r", Type: event.RoomDirect, Invited: []user.State{active("ann", "Ann")}},
			Refused: domain.CodeInvalidPayload, Fields: []string{"memberIds"},
		},
		{
			Name:    "a direct room of three",
			When:    room.Create{By: ann, ID: "r", Type: event.RoomDirect, Invited: []user.State{active("mia", "Mia"), active("mel", "Mel")}},
			Refused: domain.CodeInvalidPayload, Fields: []string{"memberIds"},
		},
		{
			Name: "who does not exist cannot be invited", When: room.Create{By: ann, ID: "r", Type: event.RoomPublic, Invited: []user.State{{}}},
			Refused: domain.CodeInvalidPayload, Fields: []string{"memberIds"},
		},
		{
			Name: "who was deactivated cannot be invited", When: room.Create{By: ann, ID: "r", Type: event.RoomPublic, Invited: []user.State{inactive("mia")}},
			Refused: domain.CodeInvalidPayload, Fields: []string{"memberIds"},
		},
		{Name: "an id is used once", Given: events{private}, When: room.Create{By: out, ID: "r", Type: event.RoomPublic}, Refused: domain.CodeRoomExists},
		{Name: "also by its owner", Given: events{private}, When: room.Create{By: ann, ID: "r", Type: event.RoomPrivate}, Refused: domain.CodeRoomExists},
	})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	renamed := asRoom(public, 4)
	renamed.Name = "Coffee"
	cleared := asRoom(public, 4)
	cleared.Topic = ""
	domaintest.Run(t, room.Evolve, cases{
		{Name: "an owner renames", Given: events{public}, When: room.Update{By: ann, Name: new("Coffee")}, Then: event.RoomUpdated{Room: renamed, By: "ann"}},
		{Name: "a moderator clears the topic", Given: events{public}, When: room.Update{By: mod, Topic: new("")}, Then: event.RoomUpdated{Room: cleared, By: "max"}},
		{Name: "an admin renames, being no member", Given: events{public}, When: room.Update{By: root, Name: new("Coffee")}, Then: event.RoomUpdated{Room: renamed, By: "root"}},
		{Name: "the same again changes nothing", Given: events{public}, When: room.Update{By: ann, Name: new("Tea"), Topic: new("leaves")}, Unchanged: true},
		{Name: "nothing asked, nothing changed", Given: events{public}, When: room.Update{By: ann}, Unchanged: true},
		{Name: "a plain member may not", Given: events{public}, When: room.Update{By: mia, Name: new("x")}, Refused: domain.CodeForbidden},
		{Name: "an outsider may not", Given: events{public}, When: room.Update{By: out, Name: new("x")}, Refused: domain.CodeNotAMember},
		{Name: "a private room does not exist for outsiders", Given: events{private}, When: room.Update{By: out, Name: new("x")}, Refused: domain.CodeRoomNotFound},
		{Name: "no room, no change", When: room.Update{By: ann, Name: new("x")}, Refused: domain.CodeRoomNotFound},
		{Name: "no room for an admin either", When: room.Update{By: root, Name: new("x")}, Refused: domain.CodeRoomNotFound},
		{Name: "a direct room stays as it is", Given: events{direct}, When: room.Update{By: ann, Name: new("x")}, Refused: domain.CodeForbidden},
		{Name: "an archived room stays as it is", Given: events{public, archived}, When: room.Update{By: ann, Name: new("x")}, Refused: domain.CodeRoomArchived},
		{Name: "an archived private room still hides", Given: events{private, archived}, When: room.Update{By: out, Name: new("x")}, Refused: domain.CodeRoomNotFound},
	})
}

func TestArchive(t *testing.T) {
	t.Parallel()
	domaintest.Run(t, room.Evolve, cases{
		{Name: "an owner archives", Given: events{public}, When: room.Archive{By: ann}, Then: archived},
		{
			Name: "the event carries the room as it is by then", Given: events{public, miaLeft}, When: room.Archive{By: root},
			Then: event.RoomArchived{Room: asRoom(public, 3), By: "root"},
		},
		{Name: "a moderator may not", Given: events{public}, When: room.Archive{By: mod}, Refused: domain.CodeForbidden},
		{Name: "an outsider may not", Given: events{public}, When: room.Archive{By: out}, Refused: domain.CodeNotAMember},
		{Name: "once is enough", Given: events{public, archived}, When: room.Archive{By: ann}, Refused: domain.CodeRoomArchived},
		{Name: "a direct room is not archived", Given: events{direct}, When: room.Archive{By: ann}, Refused: domain.CodeForbidden},
		{Name: "not even by an admin", Given: events{direct}, When: room.Archive{By: root}, Refused: domain.CodeForbidden},
	})
}

func TestJoin(t *testing.T) {
	t.Parallel()
	domaintest.Run(t, room.Evolve, cases{
		{Name: "anybody joins a public room", Given: events{public}, When: room.Join{By: out}, Then: outJoined},
		{Name: "a member is one already", Given: events{public}, When: room.Join{By: mia}, Unchanged: true},
		{Name: "also in a private room", Given: events{private}, When: room.Join{By: mia}, Unchanged: true},
		{Name: "also in a direct room", Given: events{direct}, When: room.Join{By: mia}, Unchanged: true},
		{Name: "a private room does not exist for others", Given: events{private}, When: room.Join{By: out}, Refused: domain.CodeRoomNotFound},
		{Name: "nor does a direct room", Given: events{direct}, When: room.Join{By: out}, Refused: domain.CodeRoomNotFound},
		{Name: "who left a private room is an outsider", Given: events{private, miaLeft}, When: room.Join{By: mia}, Refused: domain.CodeRoomNotFound},
		{
			Name: "who left a public room comes back", Given: events{public, miaLeft}, When: room.Join{By: mia},
			Then: event.MemberJoined{RoomID: "r", UserID: "mia", Username: "Mia", Role: event.RoleMember, By: "mia"},
		},
		{
			Name: "an admin joins a private room", Given: events{private}, When: room.Join{By: root},
			Then: event.MemberJoined{RoomID: "r", UserID: "root", Username: "Root", Role: event.RoleMember, By: "root"},
		},
		{Name: "but no direct one", Given: events{direct}, When: room.Join{By: root}, Refused: domain.CodeForbidden},
		{Name: "members come to read an archived room", Given: events{public, archived}, When: room.Join{By: mia}, Unchanged: true},
		{Name: "others do not join it any more", Given: events{public, archived}, When: room.Join{By: out}, Refused: domain.CodeRoomArchived},
		{Name: "no room", When: room.Join{By: ann}, Refused: domain.CodeRoomNotFound},
	})
}

func TestLeave(t *testing.T) {
	t.Parallel()
	domaintest.Run(t, room.Evolve, cases{
		{Name: "a member leaves", Given: events{public}, When: room.Leave{By: mia}, Then: miaLeft},
		{Name: "a moderator leaves", Given: events{private}, When: room.Leave{By: mod}, Then: event.MemberLeft{RoomID: "r", UserID: "max", Username: "Max"}},
		{Name: "the last owner stays", Given: events{public}, When: room.Leave{By: ann}, Refused: domain.CodeLastOwner},
		{Name: "one of two owners leaves", Given: events{public, secondOwner}, When: room.Leave{By: ann}, Then: event.MemberLeft{RoomID: "r", UserID: "ann", Username: "Ann"}},
		{
			Name: "and then the other is the last", Given: events{public, secondOwner, event.MemberLeft{RoomID: "r", UserID: "ann", Username: "Ann"}},
			When: room.Leave{By: mod}, Refused: domain.CodeLastOwner,
		},
		{Name: "who is not in cannot go", Given: events{public}, When: room.Leave{By: out}, Refused: domain.CodeNotAMember},
		{Name: "not twice", Given: events{public, miaLeft}, When: room.Leave{By: mia}, Refused: domain.CodeNotAMember},
		{Name: "a private room hides from who is not in", Given: events{private}, When: room.Leave{By: out}, Refused: domain.CodeRoomNotFound},
		{Name: "nobody leaves a direct room", Given: events{direct}, When: room.Leave{By: mia}, Refused: domain.CodeForbidden},
		{Name: "nor an archived one", Given: events{public, archived}, When: room.Leave{By: mia}, Refused: domain.CodeRoomArchived},
		{Name: "an admin is no member by that", Given: events{private}, When: room.Leave{By: root}, Refused: domain.CodeNotAMember},
	})
}

func TestAdd(t *testing.T) {
	t.Parallel()
	add := func(by room.Actor, role event.MemberRole) room.Add {
		return room.Add{By: by, UserID: "out", User: active("out", "Out"), Role: role}
	}
	joined := func(by string, role event.MemberRole) event.Event {
		return event.MemberJoined{RoomID: "r", UserID: "out", Username: "Out", Role: role, By: by}
	}
	domaintest.Run(t, room.Evolve, cases{
		{Name: "an owner invites", Given: events{private}, When: add(ann, ""), Then: joined("ann", event.RoleMember)},
		{Name: "an owner names an owner", Given: events{private}, When: add(ann, event.RoleOwner), Then: joined("ann", event.RoleOwner)},
		{Name: "an owner names a moderator", Given: events{public}, When: add(ann, event.RoleModerator), Then: joined("ann", event.RoleModerator)},
		{Name: "a moderator invites", Given: events{public}, When: add(mod, event.RoleMember), Then: joined("max", event.RoleMember)},
		{Name: "an admin invites", Given: events{private}, When: add(root, event.RoleOwner), Then: joined("root", event.RoleOwner)},
		{Name: "a moderator names no moderator", Given: events{public}, When: add(mod, event.RoleModerator), Refused: domain.CodeForbidden},
		{Name: "a moderator names no owner", Given: events{public}, When: add(mod, event.RoleOwner), Refused: domain.CodeForbidden},
		{Name: "a member invites nobody", Given: events{public}, When: add(mia, ""), Refused: domain.CodeForbidden},
		{Name: "an outsider invites nobody", Given: events{public}, When: add(out, ""), Refused: domain.CodeNotAMember},
		{Name: "a private room hides", Given: events{private}, When: add(out, ""), Refused: domain.CodeRoomNotFound},
		{Name: "a member stays what it is", Given: events{public}, When: room.Add{By: ann, UserID: "mia", User: active("mia", "Mia"), Role: event.RoleOwner}, Unchanged: true},
		{
			Name: "who does not exist", Given: events{public}, When: room.Add{By: ann, UserID: "out"},
			Refused: domain.CodeInvalidPayload, Fields: []string{"userId"},
		},
		{
			Name: "who was deactivated", Given: events{public}, When: room.Add{By: ann, UserID: "out", User: inactive("out")},
			Refused: domain.CodeInvalidPayload, Fields: []string{"userId"},
		},
		{Name: "a direct room has two", Given: events{direct}, When: add(ann, ""), Refused: domain.CodeForbidden},
		{Name: "an archived room grows no more", Given: events{public, archived}, When: add(ann, ""), Refused: domain.CodeRoomArchived},
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	removed := func(by, id, name string) event.Event {
		return event.MemberRemoved{RoomID: "r", UserID: id, Username: name, By: by}
	}
	domaintest.Run(t, room.Evolve, cases{
		{Name: "an owner removes a member", Given: events{public}, When: room.Remove{By: ann, UserID: "mia"}, Then: removed("ann", "mia", "Mia")},
		{Name: "an owner removes a moderator", Given: events{public}, When: room.Remove{By: ann, UserID: "max"}, Then: removed("ann", "max", "Max")},
		{Name: "an owner removes an owner", Given: events{public, secondOwner}, When: room.Remove{By: ann, UserID: "max"}, Then: removed("ann", "max", "Max")},
		{Name: "a moderator removes a member", Given: events{public}, When: room.Remove{By: mod, UserID: "mia"}, Then: removed("max", "mia", "Mia")},
		{Name: "a moderator removes no owner", Given: events{public}, When: room.Remove{By: mod, UserID: "ann"}, Refused: domain.CodeForbidden},
		{
			Name:  "a moderator removes no moderator",
			Given: events{public, event.MemberRoleChanged{RoomID: "r", UserID: "mel", Role: event.RoleModerator}},
			When:  room.Remove{By: mod, UserID: "mel"}, Refused: domain.CodeForbidden,
		},
		{Name: "a member removes nobody", Given: events{public}, When: room.Remove{By: mia, UserID: "mel"}, Refused: domain.CodeForbidden},
		{Name: "a member learns nothing about who is in", Given: events{public}, When: room.Remove{By: mia, UserID: "out"}, Refused: domain.CodeForbidden},
		{Name: "an outsider removes nobody", Given: events{public}, When: room.Remove{By: out, UserID: "mia"}, Refused: domain.CodeNotAMember},
		{Name: "removing oneself is leaving", Given: events{public}, When: room.Remove{By: mia, UserID: "mia"}, Then: miaLeft},
		{Name: "the last owner cannot", Given: events{public}, When: room.Remove{By: ann, UserID: "ann"}, Refused: domain.CodeLastOwner},
		{Name: "nor can an admin put the last owner out", Given: events{public}, When: room.Remove{By: root, UserID: "ann"}, Refused: domain.CodeLastOwner},
		{Name: "an admin removes a moderator", Given: events{private}, When: room.Remove{By: root, UserID: "max"}, Then: removed("root", "max", "Max")},
		{Name: "who is not in", Given: events{public}, When: room.Remove{By: ann, UserID: "out"}, Refused: domain.CodeNotAMember},
		{Name: "nobody is put out of a direct room", Given: events{direct}, When: room.Remove{By: ann, UserID: "mia"}, Refused: domain.CodeForbidden},
		{Name: "nor of an archived one", Given: events{public, archived}, When: room.Remove{By: ann, UserID: "mia"}, Refused: domain.CodeRoomArchived},
	})
}

func TestSetRole(t *testing.T) {
	t.Parallel()
	changed := func(by, id, name string, role event.MemberRole) event.Event {
		return event.MemberRoleChanged{RoomID: "r", UserID: id, Username: name, Role: role, JoinedAt: domaintest.At(1), By: by}
	}
	domaintest.Run(t, room.Evolve, cases{
		{Name: "an owner names another", Given: events{public}, When: room.SetRole{By: ann, UserID: "max", Role: event.RoleOwner}, Then: secondOwner},
		{Name: "an owner names a moderator", Given: events{public}, When: room.SetRole{By: ann, UserID: "mia", Role: event.RoleModerator}, Then: changed("ann", "mia", "Mia", event.RoleModerator)},
		{Name: "an admin may too", Given: events{private}, When: room.SetRole{By: root, UserID: "max", Role: event.RoleMember}, Then: changed("root", "max", "Max", event.RoleMember)},
		{Name: "the same role changes nothing", Given: events{public}, When: room.SetRole{By: ann, UserID: "max", Role: event.RoleModerator}, Unchanged: true},
		{Name: "also for the last owner", Given: events{public}, When: room.SetRole{By: ann, UserID: "ann", Role: event.RoleOwner}, Unchanged: true},
		{Name: "the last owner stays one", Given: events{public}, When: room.SetRole{By: ann, UserID: "ann", Role: event.RoleMember}, Refused: domain.CodeLastOwner},
		{Name: "one of two steps back", Given: events{public, secondOwner}, When: room.SetRole{By: ann, UserID: "ann", Role: event.RoleMember}, Then: changed("ann", "ann", "Ann", event.RoleMember)},
		{Name: "one of two steps the other back", Given: events{public, secondOwner}, When: room.SetRole{By: ann, UserID: "max", Role: event.RoleMember}, Then: changed("ann", "max", "Max", event.RoleMember)},
		{Name: "a moderator may not", Given: events{public}, When: room.SetRole{By: mod, UserID: "max", Role: event.RoleOwner}, Refused: domain.CodeForbidden},
		{Name: "a member may not", Given: events{public}, When: room.SetRole{By: mia, UserID: "mia", Role: event.RoleOwner}, Refused: domain.CodeForbidden},
		{Name: "who is not in has no role", Given: events{public}, When: room.SetRole{By: ann, UserID: "out", Role: event.RoleMember}, Refused: domain.CodeNotAMember},
		{Name: "a direct room has none", Given: events{direct}, When: room.SetRole{By: ann, UserID: "mia", Role: event.RoleOwner}, Refused: domain.CodeForbidden},
		{Name: "an archived room keeps them", Given: events{public, archived}, When: room.SetRole{By: ann, UserID: "mia", Role: event.RoleOwner}, Refused: domain.CodeRoomArchived},
	})
}
