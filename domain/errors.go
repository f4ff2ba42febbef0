package domain

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Code is what a client may branch on. The set is closed: every edge (socket acks,
// REST problems) translates each Code, and a test walks Codes to prove it.
type Code string

// The vocabulary of section 5 of the wire contract.
const (
	CodeUnauthenticated    Code = "UNAUTHENTICATED"
	CodeTokenExpired       Code = "TOKEN_EXPIRED"
	CodeInvalidUser        Code = "INVALID_USER"
	CodeForbidden          Code = "FORBIDDEN"
	CodeNotAMember         Code = "NOT_A_MEMBER"
	CodeRoomNotFound       Code = "ROOM_NOT_FOUND"
	CodeRoomArchived       Code = "ROOM_ARCHIVED"
	CodeRoomExists         Code = "ROOM_EXISTS"
	CodeMessageNotFound    Code = "MESSAGE_NOT_FOUND"
	CodeMessageDeleted     Code = "MESSAGE_DELETED"
	CodeInvalidPayload     Code = "INVALID_PAYLOAD"
	CodeUnknownEvent       Code = "UNKNOWN_EVENT"
	CodeContentTooLong     Code = "CONTENT_TOO_LONG"
	CodeRateLimited        Code = "RATE_LIMITED"
	CodeTooManyRooms       Code = "TOO_MANY_ROOMS"
	CodeTooManyConnections Code = "TOO_MANY_CONNECTIONS"
	CodeConflict           Code = "CONFLICT"
	CodeLastOwner          Code = "LAST_OWNER"
	CodeStale              Code = "STALE"
	CodeUnavailable        Code = "UNAVAILABLE"
	CodeInternal           Code = "INTERNAL"
)

// Codes lists the whole vocabulary.
func Codes() []Code {
	return []Code{
		CodeUnauthenticated, CodeTokenExpired, CodeInvalidUser, CodeForbidden, CodeNotAMember,
		CodeRoomNotFound, CodeRoomArchived, CodeRoomExists, CodeMessageNotFound, CodeMessageDeleted,
		CodeInvalidPayload, CodeUnknownEvent, CodeContentTooLong, CodeRateLimited, CodeTooManyRooms,
		CodeTooManyConnections, CodeConflict, CodeLastOwner, CodeStale, CodeUnavailable, CodeInternal,
	}
}

// Error is a refusal that a client may see: a code to branch on and a sentence to show.
type Error struct {
	Code    Code
	Message string
	// Fields names what was wrong with each field of the payload (CodeInvalidPayload only).
	Fields map[string]string
	// RetryAfter says when trying again makes sense (CodeRateLimited only).
	RetryAfter time.Duration
	// Cause is for logs. It never reaches a client.
	Cause error
}

// Errorf makes an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid says that one field of a payload is wrong.
func Invalid(field, problem string) *Error {
	return InvalidFields(map[string]string{field: problem})
}

// InvalidFields says what is wrong with each of several fields.
func InvalidFields(fields map[string]string) *Error {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + " " + fields[name]
	}
	return &Error{Code: CodeInvalidPayload, Message: strings.Join(parts, "; "), Fields: fields}
}

// Unavailable says that nothing was stored because something we stand on is away.
func Unavailable(cause error) *Error {
	return &Error{Code: CodeUnavailable, Message: "temporarily unavailable, try again", Cause: cause}
}

// Error is the client's text; Cause is reached by errors.Unwrap.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap makes the cause visible to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes two Errors of the same code equal for errors.Is, so sentinels can be compared.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// AsError turns any error into one that a client may see. What is not an *Error
// becomes CodeInternal with a text that gives nothing away. nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: "internal error", Cause: err}
}

// CodeOf is the code a client would see for err, "" for nil.
func CodeOf(err error) Code {
	if e := AsError(err); e != nil {
		return e.Code
	}
	return ""
}
