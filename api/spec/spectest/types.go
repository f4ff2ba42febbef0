package spectest

import (
	"encoding/json"
	"reflect"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// Known describes the types of the domain that encode themselves, or that have few values.
func Known() map[reflect.Type]Object {
	codes := make([]any, 0, len(domain.Codes()))
	for _, code := range domain.Codes() {
		codes = append(codes, string(code))
	}
	return map[reflect.Type]Object{
		reflect.TypeFor[wire.Time]():        {"type": "string", "format": "date-time", "description": "RFC 3339 in UTC, with milliseconds."},
		reflect.TypeFor[time.Time]():        {"type": "string", "format": "date-time"},
		reflect.TypeFor[event.Position]():   {"type": "string", "pattern": "^[0-9]+$", "description": "A position of the log: a decimal number."},
		reflect.TypeFor[event.Stream]():     {"type": "string"},
		reflect.TypeFor[event.ID]():         {"type": "string", "format": "uuid"},
		reflect.TypeFor[json.RawMessage]():  {"type": "object"},
		reflect.TypeFor[domain.Code]():      {"type": "string", "enum": codes, "description": "What a client may branch on."},
		reflect.TypeFor[domain.Role]():      one("admin", "analyst"),
		reflect.TypeFor[event.RoomType]():   one("public", "private", "direct"),
		reflect.TypeFor[event.MemberRole](): one("owner", "moderator", "member"),
		reflect.TypeFor[event.Status]():     one("online", "away", "busy", "invisible", "offline"),
	}
}

func one(values ...any) Object { return Object{"type": "string", "enum": values} }
