package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"parley/domain"
	"parley/domain/wire"
)

// Status is the HTTP status of a code, where the place of the error asks for no other.
func Status(code domain.Code) int {
	switch code {
	case domain.CodeInvalidPayload:
		return http.StatusBadRequest
	case domain.CodeUnauthenticated, domain.CodeTokenExpired:
		return http.StatusUnauthorized
	case domain.CodeInvalidUser, domain.CodeForbidden, domain.CodeNotAMember:
		return http.StatusForbidden
	case domain.CodeRoomNotFound, domain.CodeMessageNotFound, domain.CodeUnknownEvent:
		return http.StatusNotFound
	case domain.CodeRoomArchived, domain.CodeRoomExists, domain.CodeConflict, domain.CodeLastOwner, domain.CodeTooManyRooms:
		return http.StatusConflict
	case domain.CodeMessageDeleted:
		return http.StatusGone
	case domain.CodeContentTooLong:
		return http.StatusRequestEntityTooLarge
	case domain.CodeRateLimited, domain.CodeTooManyConnections:
		return http.StatusTooManyRequests
	case domain.CodeStale, domain.CodeUnavailable:
		return http.StatusServiceUnavailable
	case domain.CodeInternal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// Problem is the body of every error (RFC 9457).
type Problem struct {
	// Type is a URN of the code.
	Type string `json:"type"`
	// Title is the status in words.
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"`
	Code   domain.Code `json:"code"`
	// Fields says what is wrong with each field of the body or parameter of the query.
	Fields       map[string]string `json:"fields,omitempty"`
	RetryAfterMS int64             `json:"retryAfterMs,omitempty"`
	RequestID    string            `json:"requestId"`
}

const (
	problemType   = "urn:parley:problem:"
	problemFormat = "application/problem+json"
	// retryLater is what is said with UNAVAILABLE and STALE.
	retryLater = time.Second
)

// statusError is an error whose place says more about the status than its code.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func withStatus(status int, err error) error { return &statusError{status, err} }

func errForbidden() error { return domain.Errorf(domain.CodeForbidden, "not allowed") }

func errTooLarge(limit int64) error {
	return withStatus(http.StatusRequestEntityTooLarge,
		domain.Errorf(domain.CodeContentTooLong, "the body must have at most %d bytes", limit))
}

// noSuchUser turns INVALID_USER, which about the caller means "go away", into "not found" about somebody else.
func noSuchUser(err error) error {
	if domain.CodeOf(err) == domain.CodeInvalidUser {
		return withStatus(http.StatusNotFound, err)
	}
	return err
}

// problems answers errors, those of the router included.
func (a *API) problems(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := callOf(ec)
		err := next(c)
		if err == nil {
			return nil
		}
		c.failure = err
		status, e := translate(err)
		a.report(c, status, e)
		if c.Response().Committed { // half an answer is out: nothing can be added
			return nil
		}
		return c.problem(status, e)
	}
}

// translate finds the status and what a client may see of an error.
func translate(err error) (int, *domain.Error) {
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return he.Code, routerError(he)
	}
	e := domain.AsError(err)
	if e.Code == domain.CodeInternal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		e = domain.Unavailable(err)
	}
	if at, ok := errors.AsType[*statusError](err); ok {
		return at.status, e
	}
	return Status(e.Code), e
}

// routerError gives echo's own errors a code.
func routerError(he *echo.HTTPError) *domain.Error {
	switch {
	case he.Code == http.StatusNotFound:
		return domain.Errorf(domain.CodeUnknownEvent, "no such resource")
	case he.Code == http.StatusMethodNotAllowed:
		return domain.Errorf(domain.CodeUnknownEvent, "no such method on this resource")
	case he.Code < http.StatusInternalServerError:
		return domain.Errorf(domain.CodeInvalidPayload, "%s", strings.ToLower(http.StatusText(he.Code)))
	default:
		return domain.AsError(fmt.Errorf("echo: %w", he))
	}
}

// report logs what somebody has to look into.
func (a *API) report(c *call, status int, e *domain.Error) {
	level := slog.LevelError
	switch {
	case status < http.StatusInternalServerError, c.ctx().Err() != nil:
		return // the client's doing
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	}
	a.Logger.LogAttrs(c.ctx(), level, "request failed",
		slog.String("method", c.Request().Method), slog.String("route", c.Path()), slog.String("code", string(e.Code)),
		slog.String("user_id", c.actor.UserID), slog.String("request_id", c.requestID), slog.Any("error", e))
}

func (c *call) problem(status int, e *domain.Error) error {
	h := c.Response().Header()
	retry := e.RetryAfter
	if status == http.StatusServiceUnavailable && retry == 0 {
		retry = retryLater
	}
	if retry > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
	if status == http.StatusUnauthorized {
		h.Set(echo.HeaderWWWAuthenticate, challenge(c.Request()))
	}
	data, err := wire.Marshal(Problem{
		Type:  problemType + strings.ReplaceAll(strings.ToLower(string(e.Code)), "_", "-"),
		Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code, Fields: e.Fields,
		RetryAfterMS: (e.RetryAfter + time.Millisecond - 1).Milliseconds(), RequestID: c.requestID,
	})
	if err != nil {
		return err
	}
	return c.Blob(status, problemFormat, data)
}

// challenge is RFC 6750 section 3.
func challenge(r *http.Request) string {
	if r.Header.Get(echo.HeaderAuthorization) == "" {
		return `Bearer realm="parley"`
	}
	return `Bearer realm="parley", error="invalid_token"`
}
