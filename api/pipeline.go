package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/projections"
)

// The headers of the wire contract.
const (
	headerPosition       = "Parley-Position"
	headerMinPosition    = "Parley-Min-Position"
	headerRequestID      = echo.HeaderXRequestID
	headerIdempotencyKey = "Idempotency-Key"
)

// call is one request on its way.
type call struct {
	echo.Context

	requestID string
	// route is that of the table, once it is found.
	route string
	// actor and user are known once authenticate has let the caller in.
	actor commands.Actor
	user  wire.User
	// failure is the error that was answered with, for the log.
	failure error
	// arrived is the request before its time was bounded.
	arrived *http.Request
}

// callOf is what begin has made of a context.
func callOf(c echo.Context) *call {
	if made, ok := c.(*call); ok {
		return made
	}
	return &call{Context: c}
}

func (c *call) ctx() context.Context { return c.Request().Context() }

// begin gives the request its id.
func (a *API) begin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(headerRequestID)
		if !saneRequestID(id) {
			id = uuid.NewString()
		}
		c.Response().Header().Set(headerRequestID, id)
		return next(&call{Context: c, requestID: id})
	}
}

const maxRequestIDLength = 64

// saneRequestID keeps out of logs and stored metadata what does not belong there.
func saneRequestID(s string) bool { return len(s) <= maxRequestIDLength && domain.ValidID(s) }

// logged tells of each request at debug. The path is that of the route: no query, no ids, no tokens.
func (a *API) logged(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := callOf(ec)
		start := a.cfg.Now()
		err := next(c)
		a.observe(c, start)
		if a.Logger.Enabled(c.ctx(), slog.LevelDebug) {
			a.Logger.LogAttrs(c.ctx(), slog.LevelDebug, "request",
				slog.String("method", c.Request().Method), slog.String("route", c.Path()),
				slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size),
				slog.Duration("duration", a.cfg.Now().Sub(start)), slog.String("user_id", c.actor.UserID),
				slog.String("request_id", c.requestID), slog.String("code", string(domain.CodeOf(c.failure))))
		}
		return err
	}
}

// recovered turns a panic into an error.
func (a *API) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler { //nolint:errorlint,err113 // the value that net/http documents
					panic(r)
				}
				err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		return next(c)
	}
}

// secured sets the headers of an answer that is data, for this caller, now.
func secured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		h.Set(echo.HeaderCacheControl, "no-store")
		h.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
		h.Set(echo.HeaderXFrameOptions, "DENY")
		h.Set(echo.HeaderReferrerPolicy, "no-referrer")
		return next(c)
	}
}

func (a *API) cors() echo.MiddlewareFunc {
	if len(a.cfg.AllowedOrigins) == 0 { // the middleware would take that for "*"
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	return middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins:     a.cfg.AllowedOrigins,
		AllowMethods:     []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowHeaders:     []string{echo.HeaderAuthorization, echo.HeaderContentType, headerRequestID, headerMinPosition, headerIdempotencyKey},
		ExposeHeaders:    []string{headerPosition, headerRequestID, echo.HeaderRetryAfter, echo.HeaderLocation},
		AllowCredentials: true,
		MaxAge:           int((10 * time.Minute).Seconds()),
	})
}

// bounded ends what takes too long, and reads no more of a body than may be sent.
func (a *API) bounded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.ContentLength > a.cfg.MaxBody {
			c.Response().Header().Set(echo.HeaderConnection, "close") // the rest is not read
			return errTooLarge(a.cfg.MaxBody)
		}
		ctx, cancel := context.WithTimeout(r.Context(), a.cfg.Timeout)
		defer cancel()
		callOf(c).arrived = r
		inner := r.WithContext(ctx)
		inner.Body = http.MaxBytesReader(c.Response(), r.Body, a.cfg.MaxBody)
		c.SetRequest(inner)
		defer c.SetRequest(r) // outside, a context that has ended means that the client has gone
		return next(c)
	}
}

// patient gives an answer that takes its time another bound than Config.Timeout; 0 is none but the client's patience. That
// of the http.Server for reading the request has done its work by then, and would end the answer.
func (c *call) patient(timeout time.Duration) context.CancelFunc {
	ctx, cancel := c.arrived.Context(), context.CancelFunc(func() {})
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	c.SetRequest(c.Request().WithContext(ctx))
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{}) // a writer without a connection has none
	return cancel
}

// authenticate says who is calling.
func (a *API) authenticate(c *call) error {
	token, err := bearer(c.Request())
	if err != nil {
		return err
	}
	principal, user, err := a.Authenticator.Authenticate(c.ctx(), token)
	if err != nil {
		return err
	}
	c.actor = commands.Actor{Principal: principal, CorrelationID: c.requestID}
	c.user = user
	return nil
}

// bearer is the token of the Authorization header; there is no other place for it.
func bearer(r *http.Request) (string, error) {
	values := r.Header.Values(echo.HeaderAuthorization)
	if len(values) == 0 {
		return "", domain.Errorf(domain.CodeUnauthenticated, "authentication required")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", domain.Errorf(domain.CodeUnauthenticated, "authorization must be one bearer token")
	}
	return strings.TrimLeft(token, " "), nil
}

// await waits for the views as far as the caller asks for.
func (a *API) await(c *call, views []string) error {
	position, err := c.minPosition()
	if err != nil || position == 0 {
		return err
	}
	return a.Views.WaitFor(c.ctx(), position, views...)
}

// minPosition is what the caller wants to be seen at least, 0 if nothing is said.
func (c *call) minPosition() (event.Position, error) {
	header := c.Request().Header.Get(headerMinPosition)
	if header == "" {
		return 0, nil
	}
	position, err := event.ParsePosition(header)
	if err != nil {
		return 0, domain.Invalid(headerMinPosition, "must be a position: a whole number, not negative")
	}
	return position, nil
}

// at tells up to where the log is in this answer.
func (c *call) at(position event.Position) {
	if position > 0 {
		c.Response().Header().Set(headerPosition, position.String())
	}
}

// ok answers with a body.
func (c *call) ok(body any) error { return c.send(http.StatusOK, body) }

// send encodes like pushes do, so that what is fetched and what is pushed are the same bytes.
func (c *call) send(status int, body any) error {
	data, err := wire.Marshal(body)
	if err != nil {
		return err
	}
	return c.encoded(status, data)
}

// encoded answers with JSON, whole: its length is known.
func (c *call) encoded(status int, data []byte) error {
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(data)))
	return c.JSONBlob(status, data)
}

// sendPage answers with a page, which knows how to encode itself.
func (c *call) sendPage(page interface{ AppendJSON(b []byte) []byte }) error {
	return c.append(page.AppendJSON)
}

// sendList answers with a list, given how to encode one of its items.
func sendList[T any](c *call, l *projections.List[T], item func(*T, []byte) []byte) error {
	return c.append(func(b []byte) []byte { return projections.AppendList(b, l, item) })
}

// append answers with what is appended, in a buffer that is used again.
func (c *call) append(encode func([]byte) []byte) error {
	b, _ := buffers.Get().(*[]byte)
	*b = encode((*b)[:0])
	err := c.encoded(http.StatusOK, *b)
	if cap(*b) <= keepBuffer {
		buffers.Put(b)
	}
	return err
}

// keepBuffer bounds what is kept of a buffer: most pages are smaller.
const keepBuffer = 256 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}
