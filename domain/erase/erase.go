// Package erase decides how an event looks once a person has been erased.
//
// What goes is what the person wrote, and what the person was called by: the content and attachments of messages, in every
// edition, and their client ids; the profile, wherever an event repeats it; texts of presence; reasons that the person gave, or
// that were given about the person; the ids by which the person's requests were tied together, which a client may choose.
//
// What stays is what happened, and to whom: ids (of users too, which are chosen not to say anything), positions, versions,
// times, rooms and their names and topics, which belong to all members, who was mentioned, reactions, pins and
// receipts. What others wrote stays as they wrote it, also about the person.
//
// An event holds no content of another: a reply names what it answers. So each event is decided on alone.
package erase

import (
	"encoding/json"
	"fmt"

	"parley/domain/event"
)

// Blanked is the data and metadata of an event without what is of a user; false if there is nothing to take away. What was
// blanked before stays as it is. It fails for an event that this build does not understand.
func Blanked(r event.Recorded, userID string) (data, metadata json.RawMessage, changed bool, err error) {
	payload, err := r.Payload()
	if err != nil {
		return nil, nil, false, err
	}
	if r.SchemaVersion != event.SchemaVersion(r.Type) {
		return nil, nil, false, fmt.Errorf("%s of schema version %d can't be written any more", r.Type, r.SchemaVersion)
	}
	data, metadata = r.Data, r.Metadata
	if less, touched := Blank(payload, userID); touched {
		n, err := event.Encode(r.ID, metadata, less)
		if err != nil {
			return nil, nil, false, err
		}
		data, changed = n.Data, true
	}
	if m := r.Meta(); m.UserID == userID && (m.CorrelationID != "" || m.CausationID != "") {
		m.CorrelationID, m.CausationID = "", ""
		metadata, changed = m.Encode(), true
	}
	return data, metadata, changed, nil
}

// Blank is an event without what is of a user; false if there is nothing to take away.
func Blank(e event.Event, userID string) (event.Event, bool) {
	switch e := e.(type) {
	case event.UserRegistered:
		touched := e.UserID == userID && blank(&e.Username, &e.DisplayName, &e.AvatarURL)
		return e, touched
	case event.UserProfileChanged:
		touched := e.UserID == userID && blank(&e.Username, &e.DisplayName, &e.AvatarURL)
		return e, touched
	case event.RoomCreated:
		members, touched := blankMembers(e.Members, userID)
		e.Members = members
		return e, touched
	case event.MemberJoined:
		touched := e.UserID == userID && blank(&e.Username)
		return e, touched
	case event.MemberLeft:
		touched := e.UserID == userID && blank(&e.Username)
		return e, touched
	case event.MemberRemoved:
		touched := e.UserID == userID && blank(&e.Username)
		if e.UserID == userID || e.By == userID {
			touched = blank(&e.Reason) || touched
		}
		return e, touched
	case event.MemberRoleChanged:
		touched := e.UserID == userID && blank(&e.Username)
		return e, touched
	case event.MessageSent:
		touched := blankMessage(&e.Message, userID)
		return e, touched
	case event.MessageEdited:
		touched := blankMessage(&e.Message, userID)
		return e, touched
	case event.UserCameOnline:
		touched := e.UserID == userID && blank(&e.Text)
		return e, touched
	case event.UserPresenceChanged:
		touched := e.UserID == userID && blank(&e.Text)
		return e, touched
	case event.UserDeactivated, event.UserReactivated, event.UserErased, event.UserWentOffline,
		event.RoomUpdated, event.RoomArchived, event.MessageDeleted, event.ReactionAdded, event.ReactionRemoved,
		event.MessagePinned, event.MessageUnpinned, event.MessagesRead, event.MessagesDelivered:
		return e, false // ids, numbers, and what belongs to the room
	default:
		return e, false
	}
}

func blankMessage(m *event.Message, userID string) bool {
	if m.Sender.ID != userID {
		return false
	}
	touched := blank(&m.Sender.Username, &m.Sender.DisplayName, &m.Sender.AvatarURL, &m.Content, &m.ClientMessageID)
	touched = touched || len(m.Attachments) > 0
	m.Attachments = nil
	return touched
}

// blankMembers copies: events are shared.
func blankMembers(list []event.Member, userID string) ([]event.Member, bool) {
	for i, m := range list {
		if m.UserID == userID && m.Username != "" {
			list = append([]event.Member(nil), list...)
			list[i].Username = ""
			return list, true
		}
	}
	return list, false
}

// blank reports whether there was anything.
func blank(texts ...*string) (touched bool) {
	for _, s := range texts {
		touched = touched || *s != ""
		*s = ""
	}
	return touched
}
