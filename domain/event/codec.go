package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrUnknownType is what Decode returns for a wire name it does not know, such as one
// that a newer node wrote.
var ErrUnknownType = errors.New("unknown event type")

// Encode turns a fact into the bytes that are stored. meta is the encoded Metadata,
// shared by all events of one command; nil stands for an empty one.
func Encode(id ID, meta json.RawMessage, e Event) (New, error) {
	data, err := encode(e)
	if err != nil {
		return New{}, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	if len(meta) == 0 {
		meta = json.RawMessage("{}")
	}
	return New{
		ID: id, Stream: e.Stream(), Type: e.Type(), SchemaVersion: SchemaVersion(e.Type()),
		Data: data, Metadata: meta, Subject: subject(e), Numbered: numbered(e), Payload: e,
	}, nil
}

// Encode is the stored form of the metadata.
func (m Metadata) Encode() json.RawMessage {
	b := make([]byte, 0, 72+len(m.UserID)+len(m.CorrelationID)+len(m.CausationID)+len(m.Node))
	b = appendOptional(b, `,"userId":`, m.UserID)
	b = appendOptional(b, `,"correlationId":`, m.CorrelationID)
	b = appendOptional(b, `,"causationId":`, m.CausationID)
	b = appendOptional(b, `,"node":`, m.Node)
	if len(b) == 0 {
		return json.RawMessage("{}")
	}
	b[0] = '{' // in place of the first comma
	return append(b, '}')
}

// encode is marshal, and cheaper for what is sent most.
func encode(e Event) ([]byte, error) {
	if sent, ok := e.(MessageSent); ok {
		if data, ok := appendSent(make([]byte, 0, sizeOf(&sent)), &sent); ok {
			return data, nil
		}
	}
	return marshal(e)
}

// marshal is json.Marshal without HTML escapes: content is stored as it was sent.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Decode turns stored bytes into the fact, upcasting older schema versions. It returns
// ErrUnknownType for a type or a schema version that this build does not know.
func Decode(typ string, schemaVersion int, data []byte) (Event, error) {
	data, err := upcast(typ, schemaVersion, data)
	if err != nil {
		return nil, err
	}
	switch typ {
	case TypeUserRegistered:
		return decode[UserRegistered](data)
	case TypeUserProfileChanged:
		return decode[UserProfileChanged](data)
	case TypeUserDeactivated:
		return decode[UserDeactivated](data)
	case TypeUserReactivated:
		return decode[UserReactivated](data)
	case TypeUserErased:
		return decode[UserErased](data)
	case TypeRoomCreated:
		return decode[RoomCreated](data)
	case TypeRoomUpdated:
		return decode[RoomUpdated](data)
	case TypeRoomArchived:
		return decode[RoomArchived](data)
	case TypeMemberJoined:
		return decode[MemberJoined](data)
	case TypeMemberLeft:
		return decode[MemberLeft](data)
	case TypeMemberRemoved:
		return decode[MemberRemoved](data)
	case TypeMemberRoleChanged:
		return decode[MemberRoleChanged](data)
	case TypeMessageSent:
		if sent, ok := scanSent(data); ok {
			return sent, nil
		}
		return decode[MessageSent](data)
	case TypeMessageEdited:
		return decode[MessageEdited](data)
	case TypeMessageDeleted:
		return decode[MessageDeleted](data)
	case TypeReactionAdded:
		return decode[ReactionAdded](data)
	case TypeReactionRemoved:
		return decode[ReactionRemoved](data)
	case TypeMessagePinned:
		return decode[MessagePinned](data)
	case TypeMessageUnpinned:
		return decode[MessageUnpinned](data)
	case TypeMessagesRead:
		return decode[MessagesRead](data)
	case TypeMessagesDelivered:
		return decode[MessagesDelivered](data)
	case TypeUserCameOnline:
		return decode[UserCameOnline](data)
	case TypeUserPresenceChanged:
		return decode[UserPresenceChanged](data)
	case TypeUserWentOffline:
		return decode[UserWentOffline](data)
	default:
		return nil, fmt.Errorf("%w %q", ErrUnknownType, typ)
	}
}

func decode[E Event](data []byte) (Event, error) {
	var e E
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("decode %s: %w", e.Type(), err)
	}
	return e, nil
}

// upcaster turns the data of one schema version into that of the next.
type upcaster func(data []byte) ([]byte, error)

// upcasters holds, for each type that ever changed, the step from version 1 to 2, from
// 2 to 3, and so on. The current version of a type is the number of its steps plus one.
// Every type is still at its first version, so there are no steps.
func upcasters(string) []upcaster { return nil }

// SchemaVersion is the version that new events of the type are written with.
func SchemaVersion(typ string) int { return len(upcasters(typ)) + 1 }

func upcast(typ string, version int, data []byte) ([]byte, error) {
	return upcastWith(upcasters(typ), typ, version, data)
}

func upcastWith(steps []upcaster, typ string, version int, data []byte) ([]byte, error) {
	if version < 1 || version > len(steps)+1 {
		return nil, fmt.Errorf("%w %q at schema version %d", ErrUnknownType, typ, version)
	}
	var err error
	for i, step := range steps[version-1:] {
		if data, err = step(data); err != nil {
			return nil, fmt.Errorf("upcast %s from version %d: %w", typ, version+i, err)
		}
	}
	return data, nil
}
