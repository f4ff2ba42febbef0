package gateway

import (
	"flag"
	"maps"
	"reflect"
	"slices"
	"testing"

	"parley/api/spec/spectest"
	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
)

var updateSpec = flag.Bool("update", false, "write asyncapi.json anew")

type object = spectest.Object

// said describes a command: what is sent, what it is answered with, and what it tells others.
type said struct {
	summary         string
	payload, answer reflect.Type
	bare            string // the JSON type that may stand for the payload
	tells           []string
}

func shape[T any]() reflect.Type { return reflect.TypeFor[T]() }

// commandsSaid describes every command.
func commandsSaid() map[string]said {
	ref, mark, message := shape[commands.RoomRef](), shape[commands.Mark](), shape[wire.Message]()
	return map[string]said{
		"create-room":      {"Open a room; the socket hears it if it has a free place", shape[commands.CreateRoom](), shape[wire.Room](), "", []string{"room-created", "notification"}},
		"update-room":      {"Change name or topic", shape[commands.UpdateRoom](), shape[wire.Room](), "", []string{"room-updated"}},
		"archive-room":     {"Close a room for good", ref, shape[wire.Room](), "string", []string{"room-archived"}},
		"join-room":        {"Hear a room; of a public room one becomes a member", ref, shape[joinedRoom](), "string", []string{"user-joined"}},
		"join-rooms":       {"Hear several rooms", shape[joinRooms](), shape[joinedRooms](), "array", []string{"user-joined"}},
		"leave-room":       {"Be a member no more", ref, shape[commands.Left](), "string", []string{"user-left"}},
		"unsubscribe-room": {"Hear a room no more, and stay a member", ref, shape[roomOnly](), "string", nil},
		"add-member":       {"Invite a user", shape[commands.AddMember](), shape[commands.Member](), "", []string{"user-joined", "notification"}},
		"remove-member":    {"Remove a member", shape[commands.RemoveMember](), shape[commands.Done](), "", []string{"user-left"}},
		"set-role":         {"Give a member a role", shape[commands.SetRole](), shape[commands.Member](), "", []string{"member-updated"}},
		"send-message":     {"Say something; with clientMessageId a repetition answers with the first message", shape[commands.SendMessage](), message, "", []string{"new-message", "notification", "unread-changed"}},
		"edit-message":     {"Change one's own message", shape[commands.EditMessage](), message, "", []string{"message-edited", "notification"}},
		"delete-message":   {"Leave a tombstone", shape[commands.DeleteMessage](), shape[commands.Deleted](), "", []string{"message-deleted", "unread-changed"}},
		"add-reaction":     {"React", shape[commands.React](), shape[commands.Reacted](), "", []string{"reaction-added"}},
		"remove-reaction":  {"Take one's reaction back", shape[commands.React](), shape[commands.Reacted](), "", []string{"reaction-removed"}},
		"pin-message":      {"Pin a message", shape[commands.MessageRef](), shape[commands.Done](), "", []string{"message-pinned"}},
		"unpin-message":    {"Unpin a message", shape[commands.MessageRef](), shape[commands.Done](), "", []string{"message-unpinned"}},
		"mark-read":        {"Have read up to a message, named by messageId or seq", mark, shape[commands.Read](), "", []string{"message-read", "unread-changed"}},
		"mark-delivered":   {"Have got up to a message", mark, shape[commands.Delivered](), "", []string{"message-delivered"}},
		"typing-start":     {"Be typing, for some seconds", ref, shape[struct{}](), "string", []string{"typing-started"}},
		"typing-stop":      {"Type no more", ref, shape[struct{}](), "string", []string{"typing-stopped"}},
		"update-presence":  {"Say how one is there", shape[commands.UpdatePresence](), shape[wire.Presence](), "", []string{"presence-changed"}},
		"watch-presence":   {"Hear how users are there; an empty list ends it", shape[watchPresence](), shape[watched](), "array", nil},
		syncName:           {"Read again what one could have heard", shape[syncRequest](), shape[synced](), "", nil},
		"refresh-token":    {"Stay, with a new token", shape[refreshToken](), shape[refreshed](), "", nil},
		batchUpdateName:    {"Up to 100 commands, answered with an array of acks in their order", shape[[]batchEntry](), shape[[]ack](), "", nil},
	}
}

// What goes over the wire without a Go type of its own.
type (
	// batchEntry is one command of a batch-update.
	batchEntry struct {
		Event string `json:"event" validate:"required"`
		Data  any    `json:"data"`
	}
	// ack is what a command of a batch-update is answered with, done or refused.
	ack struct {
		Success      bool              `json:"success"`
		Data         any               `json:"data,omitempty"`
		Error        string            `json:"error,omitempty"`
		Code         domain.Code       `json:"code,omitempty"`
		RetryAfterMS int64             `json:"retryAfterMs,omitempty"`
		Fields       map[string]string `json:"fields,omitempty"`
	}
	// failedAck is what a command is answered with that was not done.
	failedAck struct {
		Success      bool              `json:"success"`
		Error        string            `json:"error"`
		Code         domain.Code       `json:"code"`
		RetryAfterMS int64             `json:"retryAfterMs,omitempty"`
		Fields       map[string]string `json:"fields,omitempty"`
	}
	// failedCommand says what went wrong with an event that asked for no answer.
	failedCommand struct {
		Event        string      `json:"event"`
		Message      string      `json:"message"`
		Code         domain.Code `json:"code"`
		RetryAfterMS int64       `json:"retryAfterMs,omitempty"`
	}
	// expiring says when the token ends, and with it the connection, unless there is a new one by then.
	expiring struct {
		ExpiresAt   wire.Time `json:"expiresAt"`
		ExpiresInMS int64     `json:"expiresInMs"`
	}
	// draining says when to connect again: the node stops.
	draining struct {
		ReconnectInMS int64 `json:"reconnectInMs"`
	}
)

// heard describes an event.
type heard struct {
	summary string
	payload reflect.Type
}

// eventsTold describes every event.
func eventsTold() map[string]heard {
	message, room, membership := shape[wire.Message](), shape[wire.RoomChanged](), shape[wire.Membership]()
	return map[string]heard{
		wire.EventNewMessage:       {"Somebody said something", message},
		wire.EventMessageEdited:    {"A message is another now", message},
		wire.EventMessageDeleted:   {"A message is a tombstone now", shape[wire.MessageDeleted]()},
		wire.EventReactionAdded:    {"Somebody reacted", shape[wire.Reaction]()},
		wire.EventReactionRemoved:  {"Somebody took a reaction back", shape[wire.Reaction]()},
		wire.EventMessagePinned:    {"A message was pinned", shape[wire.Pin]()},
		wire.EventMessageUnpinned:  {"A message was unpinned", shape[wire.Pin]()},
		wire.EventMessageRead:      {"A member has read up to a message", shape[wire.Receipt]()},
		wire.EventMessageDelivered: {"A member has got up to a message", shape[wire.Receipt]()},
		wire.EventRoomCreated:      {"One is a member of a new room", room},
		wire.EventRoomUpdated:      {"A room has another name or topic", room},
		wire.EventRoomArchived:     {"A room is closed", room},
		wire.EventUserJoined:       {"A room has another member", membership},
		wire.EventUserLeft:         {"A room has a member less", membership},
		wire.EventMemberUpdated:    {"A member has another role", shape[wire.MemberUpdated]()},
		wire.EventPresenceChanged:  {"A watched user is there in another way", shape[wire.PresenceChanged]()},
		wire.EventTypingStarted:    {"Somebody types; told once, and over at expiresAt", shape[wire.Typing]()},
		wire.EventTypingStopped:    {"Somebody types no more", shape[wire.TypingStopped]()},
		wire.EventUnreadChanged:    {"The user has another number left to read", shape[wire.Unread]()},
		wire.EventNotification:     {"The user was mentioned, invited or written to", shape[wire.Notification]()},
		wire.EventSession:          {"The first event: who one is, what one hears, and where the cursor stands", shape[sessionStart]()},
		wire.EventResyncRequired:   {"What was before the position has to be read by REST", shape[resyncRequired]()},
		wire.EventTokenExpiring:    {"The socket closes soon unless refresh-token is sent", shape[expiring]()},
		wire.EventServerDraining:   {"This node stops; come back after that time", shape[draining]()},
		wire.EventError:            {"What became of a command that wanted no ack", shape[failedCommand]()},
	}
}

// TestAsyncAPI fails when a command, an event, a field or a code is not described as it is.
func TestAsyncAPI(t *testing.T) {
	t.Parallel()
	spectest.Same(t, "../../api/spec/asyncapi.json", describe(t), *updateSpec)
}

func describe(t *testing.T) object {
	t.Helper()
	schemas := spectest.New(spectest.Known())
	schemas.Name(shape[commands.Member](), "MemberChanged")
	d := description{schemas: schemas, messages: object{}, operations: object{}, commands: object{}, acks: object{}, events: object{}}

	described := commandsSaid()
	for name := range (&Gateway{menu: &commands.Commands{}}).entries() {
		if _, ok := described[name]; !ok && spellings()[name] == "" {
			t.Errorf("command %s is not described", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(described)) {
		if _, ok := (&Gateway{menu: &commands.Commands{}}).entries()[name]; !ok {
			t.Errorf("what is described as %s is no command", name)
		}
		d.command(name, described[name])
	}
	events := eventsTold()
	for _, name := range spectest.Constants(t, "domain/wire", "Event") {
		if _, ok := events[name]; !ok {
			t.Errorf("event %s is not described", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(events)) {
		d.event(name, events[name])
	}
	return d.document()
}

type description struct {
	schemas                                      *spectest.Schemas
	messages, operations, commands, acks, events object
}

func (d description) command(name string, s said) {
	payload := d.schemas.Request(s.payload)
	if s.bare != "" {
		short := object{"type": s.bare}
		if s.bare == "array" {
			short["items"] = object{"type": "string"}
		}
		payload = object{"oneOf": []any{payload, short}}
	}
	d.messages[name] = object{"name": name, "payload": payload}
	d.commands[name] = object{"$ref": "#/components/messages/" + name}
	answer := name + "-ack"
	d.messages[answer] = object{"name": answer, "payload": d.ack(s.answer)}
	d.acks[answer] = object{"$ref": "#/components/messages/" + answer}
	operation := object{
		"action": "receive", "summary": s.summary,
		"channel": object{"$ref": "#/channels/commands"}, "messages": []any{object{"$ref": "#/channels/commands/messages/" + name}},
		"reply": object{"channel": object{"$ref": "#/channels/acks"}, "messages": []any{object{"$ref": "#/channels/acks/messages/" + answer}}},
	}
	if len(s.tells) > 0 {
		operation["x-tells"] = s.tells
	}
	if others := spelled(name); len(others) > 0 {
		operation["x-spellings"] = others
	}
	d.operations[name] = operation
}

func (d description) ack(answer reflect.Type) object {
	data := d.schemas.Answer(answer)
	return object{"oneOf": []any{
		object{
			"type": "object", "required": []any{"success", "data"},
			"properties": object{"success": object{"const": true}, "data": data},
		},
		d.schemas.Answer(shape[failedAck]()),
	}}
}

func (d description) event(name string, e heard) {
	d.messages[name] = object{"name": name, "payload": d.schemas.Answer(e.payload)}
	d.events[name] = object{"$ref": "#/components/messages/" + name}
	d.operations[name] = object{
		"action": "send", "summary": e.summary,
		"channel": object{"$ref": "#/channels/events"}, "messages": []any{object{"$ref": "#/channels/events/messages/" + name}},
	}
}

func spelled(name string) []string {
	var others []string
	for other, of := range spellings() {
		if of == name {
			others = append(others, other)
		}
	}
	slices.Sort(others)
	return others
}

func (d description) document() object {
	return object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "Parley", "version": "1",
			"description": "The same commands and events over Socket.IO (Engine.IO 4, Socket.IO 5, namespace /) and, as JSON frames, over " +
				"plain WebSockets at /ws: {id, event, data} is answered with {id, success, ...}, and events come as {event, data}. With batch: " +
				"true in the handshake an event comes as batch:<event> with an array of payloads.",
		},
		"defaultContentType": "application/json",
		"channels": object{
			"commands": object{"address": "/", "title": "What a client says", "messages": d.commands},
			"acks":     object{"address": "/", "title": "What it is answered with", "messages": d.acks},
			"events":   object{"address": "/", "title": "What the server tells", "messages": d.events},
		},
		"operations": d.operations,
		"components": object{"messages": d.messages, "schemas": d.schemas.Components()},
	}
}
