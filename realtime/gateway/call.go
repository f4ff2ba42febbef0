package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"parley/domain"
	"parley/domain/wire"
)

// unknownName stands in metrics for every event that is no command.
const unknownName = "unknown"

// connectName stands in metrics for an attempt to connect.
const connectName = "connect"

var errDraining = errors.New("node is draining")

// call is one command on its way to its answer.
type call struct {
	session     *Session
	event       string // as the client spelled it
	name        string // as the table has it
	correlation string
	reply       Reply
	started     time.Time
	entered     bool // it has a slot
	verbose     bool // it is logged whatever becomes of it
	over        atomic.Bool
}

// done answers. Only the first call counts.
func (c *call) done(data any, err error) { c.settled(data, err)() }

// settled makes the answer ready and returns what sends it.
func (c *call) settled(data any, err error) (send func()) {
	a := answer(data, timedOut(err))
	c.record(a.Err)
	return func() { c.send(a) }
}

func (c *call) send(a Answer) {
	if c.over.Swap(true) {
		return
	}
	switch {
	case c.reply != nil:
		c.reply(a)
	case a.Err != nil:
		c.session.peer.Emit(wire.EventError, errorEvent(c.event, a.Err))
	}
	if c.entered {
		<-c.session.slots
	}
}

// record tells metrics and log what became of the command.
func (c *call) record(err *domain.Error) {
	cfg := &c.session.gateway.cfg
	took, code := cfg.Now().Sub(c.started), domain.Code("")
	if err != nil {
		code = err.Code
	}
	cfg.Metrics.Observe(c.name, code, took)
	if cfg.Trace != nil {
		cfg.Trace(c.name, c.correlation, code, c.started, took)
	}
	if !c.verbose && code != domain.CodeInternal {
		return
	}
	attrs := []any{
		slog.String("event", c.name), slog.String("user_id", c.session.userID),
		slog.String("socket_id", c.session.peer.ID()), slog.String("correlation_id", c.correlation),
		slog.String("code", string(code)), slog.Duration("took", took),
	}
	if err != nil && err.Cause != nil {
		attrs = append(attrs, slog.Any("error", err.Cause))
	}
	if code == domain.CodeInternal {
		cfg.Logger.Error("socket event failed", attrs...)
	} else {
		cfg.Logger.Debug("socket event", attrs...)
	}
}

// timedOut turns the end of a command's time into UNAVAILABLE: it may have been stored.
func timedOut(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return domain.Unavailable(err)
	}
	return err
}
