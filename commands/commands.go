// Package commands is everything that the system can be asked to do.
//
// Commands is the menu; a file holds each group of use cases. All of them go through one
// pipeline:
//
//	validate ─► rate limit ─► load state ─► decide (parley/domain/…) ─► append ─► result
//
// # Promises
//
// A result without error is durable: the events are committed in Postgres. An error of
// any code but UNAVAILABLE means that nothing was stored. UNAVAILABLE means that nothing
// was stored or, when the connection broke during the commit, that it is not known; a
// repetition with the same client id (clientMessageId, room id) tells.
//
// Rules hold across nodes. A decision is made on a folded state that may be cached and
// stale; the append carries the version it was made on as a condition, and when that has
// moved the decision is made again on the fresh state. A refusal is never made on a
// cached state alone: the end of the log has to say that nothing is missing in it, else the
// stream is read. So after a removal, a deletion or an archive is acknowledged, nothing that it
// forbids is stored, on any node.
//
// Order. Submit keeps the order of calls with the same Actor.Order: their events are
// stored in that order, also under conflicts.
package commands

import (
	"context"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// Actor is who asks, and from where.
type Actor struct {
	domain.Principal
	// Order is the id of the connection, whose commands are stored in the order they came; "" for
	// a request that stands alone.
	Order string
	// CorrelationID ties together what one request causes; "" makes one.
	CorrelationID string
}

// UseCase is one thing that can be asked: C is the request, R the answer.
type UseCase[C, R any] interface {
	// Do asks and waits for the answer.
	Do(ctx context.Context, actor Actor, c C) (R, error)
	// Submit asks and returns as soon as the decision is made and queued; done is called
	// exactly once with the answer, on this goroutine or another, and must not block.
	Submit(ctx context.Context, actor Actor, c C, done func(R, error))
}

// Commands is the menu. New fills it.
type Commands struct {
	// Users.
	RegisterUser   UseCase[RegisterUser, wire.User]
	ChangeProfile  UseCase[ChangeProfile, wire.User]
	DeactivateUser UseCase[UserRef, Done]
	ReactivateUser UseCase[UserRef, Done]
	// EraseUser records that the user is erased, which shuts the account out; the position is that of the event, also
	// when it had been recorded before. From then on nothing is stored that the user writes or is called by. To blank what
	// came before is for who keeps the log.
	EraseUser UseCase[UserRef, Done]

	// Rooms and their members.
	CreateRoom   UseCase[CreateRoom, wire.Room]
	UpdateRoom   UseCase[UpdateRoom, wire.Room]
	ArchiveRoom  UseCase[RoomRef, wire.Room]
	JoinRoom     UseCase[RoomRef, Joined]
	LeaveRoom    UseCase[RoomRef, Left]
	AddMember    UseCase[AddMember, Member]
	RemoveMember UseCase[RemoveMember, Done]
	SetRole      UseCase[SetRole, Member]

	// Messages.
	SendMessage   UseCase[SendMessage, wire.Message]
	EditMessage   UseCase[EditMessage, wire.Message]
	DeleteMessage UseCase[DeleteMessage, Deleted]

	// What others put on messages.
	AddReaction    UseCase[React, Reacted]
	RemoveReaction UseCase[React, Reacted]
	PinMessage     UseCase[MessageRef, Done]
	UnpinMessage   UseCase[MessageRef, Done]

	// How far somebody has come. Marks of one user in one room that come quickly one after the other
	// become one event: an answer may take Config.ReceiptWindow.
	MarkRead      UseCase[Mark, Read]
	MarkDelivered UseCase[Mark, Delivered]

	// How users are there. UpdatePresence is for users; ComeOnline and GoOffline are for who sees them come and go,
	// and do nothing when that is known.
	UpdatePresence UseCase[UpdatePresence, wire.Presence]
	ComeOnline     UseCase[ComeOnline, wire.Presence]
	GoOffline      UseCase[UserRef, wire.Presence]

	// Users and rooms as the write side knows them, for the edges: who may come in, which rooms a
	// socket may hear. Never stale with regard to what this caller has been acknowledged.
	Directory Directory

	app *app
}

// Directory answers what the edges must know before they let somebody in.
type Directory interface {
	// User is the account; an error of code INVALID_USER if there is none. A deactivated
	// account is returned with Active false.
	User(ctx context.Context, userID string) (wire.User, error)
	// Membership says whether the user is a member of the room, and the room as it is.
	// ROOM_NOT_FOUND if there is no such room or the user may not see it.
	Membership(ctx context.Context, p domain.Principal, roomID string) (room wire.Room, member bool, err error)
	// Moderates says whether the user may see what was taken away in the room: moderators, owners
	// and admins. False for a room that the user may not see.
	Moderates(ctx context.Context, p domain.Principal, roomID string) (bool, error)
	// Seen is Membership as of what this node has read of the log, without looking: for who can tell that
	// the answer is too old, as the hub of the sockets can. It looks before it says no.
	Seen(ctx context.Context, p domain.Principal, roomID string) (room wire.Room, member bool, err error)
	// RoomHead says how far a room's messages were at a position of the log (0: now): the
	// last seq. The caller has checked that it may be told.
	RoomHead(ctx context.Context, roomID string, at event.Position) (seq int64, err error)
}
