package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore"
)

// useCase is the way of every command. What differs is in its fields.
type useCase[C, R any] struct {
	app  *app
	name string
	// tidy normalises the request. Nil: there is nothing to.
	tidy func(*C)
	// plain is true for a request that the tags surely let pass: it is cheaper to ask. Nil: ask the tags.
	plain func(*C) bool
	// check says what tags cannot. Nil: there is nothing.
	check func(*C) error
	// bind sets the id of what the command makes, once. Nil: a new id.
	bind func(Actor, *C) event.ID
	// limit counts the command against the actor's rate. Nil: it is free.
	limit func(ctx context.Context, t *task[C]) error
	// turn names the room that the command changes: such commands take turns. Nil: it changes none.
	turn func(*C) string
	// decide reads what it needs and asks the domain.
	decide func(ctx context.Context, t *task[C]) (decision[R], error)
	// repeated answers when an earlier request did the same: the event was in the log already.
	// Nil: as if this one had done it.
	repeated func(t *task[C], first event.Recorded) (R, error)
	// otherwise answers in place of a refusal. Nil: the refusal stands.
	otherwise func(ctx context.Context, t *task[C], refusal error) (R, error)
}

// task is one command on its way.
type task[C any] struct {
	reading
	actor Actor
	c     C
	// id is that of the event, bound once: deciding again keeps it.
	id            event.ID
	correlationID string
	meta          json.RawMessage
}

// reading says how a decision reads states, and how it did.
type reading struct {
	fresh  bool // as new as the decision
	asked  bool // whether the caches are, too: once, since one may have to wait for the answer
	sure   bool // they are
	cached bool // a cache was believed
	again  bool // a condition of the last decision failed
	failed int  // how many did
}

// decision is what a use case wants.
type decision[R any] struct {
	// event is what to store; nil when there is nothing to change.
	event event.Event
	// id is that of the event; zero means the task's.
	id         event.ID
	conditions []eventstore.Condition
	// stored makes the answer of the event as it was recorded.
	stored func(event.Recorded) (R, error)
	// unchanged is the answer when event is nil.
	unchanged R
}

// outcome is an answer.
type outcome[R any] struct {
	answer R
	err    error
}

// rounds is how often Do tries when the log gives up on a command that others outran. Each
// round is eventstore.MaxRetries decisions.
const rounds = 8

// errSettled ends an append that, decided again, has nothing to store any more.
var errSettled = errors.New("nothing to store")

// Do asks and waits for the answer.
func (u *useCase[C, R]) Do(ctx context.Context, actor Actor, c C) (R, error) {
	done := make(chan outcome[R], 1)
	finish := u.observed(func(r R, err error) { done <- outcome[R]{r, err} })
	t, err := u.admit(ctx, actor, c)
	if err != nil {
		var none R
		finish(none, err)
	} else {
		u.rounds(ctx, t, finish)
	}
	o := <-done
	return o.answer, o.err
}

func (u *useCase[C, R]) rounds(ctx context.Context, t *task[C], finish func(R, error)) {
	for round := 1; ; round++ {
		done := make(chan outcome[R], 1)
		u.run(ctx, t, func(r R, err error) { done <- outcome[R]{r, err} })
		var o outcome[R]
		select {
		case o = <-done:
		case <-ctx.Done():
			o.err = domain.Unavailable(ctx.Err())
		}
		if round < rounds && outran(o.err) && ctx.Err() == nil {
			continue
		}
		finish(o.answer, o.err)
		return
	}
}

// Submit asks and returns as soon as the decision is made and queued.
func (u *useCase[C, R]) Submit(ctx context.Context, actor Actor, c C, done func(R, error)) {
	finish := u.observed(done)
	t, err := u.admit(ctx, actor, c)
	if err != nil {
		var none R
		finish(none, err)
		return
	}
	u.run(ctx, t, finish)
}

// observed is done with the metrics hook before it.
func (u *useCase[C, R]) observed(done func(R, error)) func(R, error) {
	start := u.app.Now()
	return func(r R, err error) {
		err = visible(err)
		u.app.Observe(u.name, domain.CodeOf(err), u.app.Now().Sub(start))
		done(r, err)
	}
}

// visible makes every error one that a client may see.
func visible(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		if domain.CodeOf(err) == domain.CodeInternal {
			return domain.Unavailable(err)
		}
	}
	if outran(err) {
		return &domain.Error{Code: domain.CodeConflict, Message: "others changed the same thing, try again", Cause: err}
	}
	return domain.AsError(err)
}

// outran reports whether the log gave up because others were faster each time.
func outran(err error) bool {
	_, ok := errors.AsType[*eventstore.ConflictError](err)
	return ok
}

// admit checks and counts a request, before anything is read for it.
func (u *useCase[C, R]) admit(ctx context.Context, actor Actor, c C) (*task[C], error) {
	if u.tidy != nil {
		u.tidy(&c)
	}
	if u.plain == nil || !u.plain(&c) {
		if err := u.app.checker.check(&c); err != nil {
			return nil, err
		}
	}
	if u.check != nil {
		if err := u.check(&c); err != nil {
			return nil, err
		}
	}
	t := &task[C]{actor: actor, c: c, correlationID: actor.CorrelationID}
	if u.bind != nil {
		t.id = u.bind(actor, &t.c)
	} else {
		t.id = u.app.NewID()
	}
	if !saneCorrelation(t.correlationID) {
		t.correlationID = u.app.NewID().String()
	}
	t.meta = event.Metadata{UserID: actor.UserID, CorrelationID: t.correlationID, Node: u.app.Node}.Encode()
	if u.limit != nil {
		if err := u.limit(ctx, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// run decides and appends. done is called exactly once.
func (u *useCase[C, R]) run(ctx context.Context, t *task[C], done func(R, error)) {
	var none R
	decided := u.deciding(t.correlationID)
	d, err := u.settle(ctx, t)
	if err == nil && d.event != nil && u.turn != nil {
		var unlock func()
		if unlock, err = u.app.rooms.lock(ctx, u.turn(&t.c)); err == nil {
			answer := done
			done = func(r R, err error) { unlock(); answer(r, err) }
			d, err = u.settle(ctx, t) // the one before may have changed what this one saw
		}
	}
	decided()
	switch {
	case err != nil && u.otherwise != nil:
		done(u.otherwise(ctx, t, err))
	case err != nil:
		done(none, err)
	case d.event == nil:
		done(d.unchanged, nil)
	default:
		u.append(ctx, t, d, done)
	}
}

// deciding begins a decision for who is told of them.
func (u *useCase[C, R]) deciding(correlationID string) (decided func()) {
	if u.app.Decided == nil {
		return func() {}
	}
	began := u.app.Now()
	return func() { u.app.Decided(u.name, correlationID, began, u.app.Now().Sub(began)) }
}

// settle decides, and makes sure: a refusal, or that there is nothing to do, is never
// said on a cached state alone. (What is stored need not be: its conditions are checked.)
func (u *useCase[C, R]) settle(ctx context.Context, t *task[C]) (decision[R], error) {
	t.cached, t.asked = false, false
	d, err := u.decide(ctx, t)
	if t.cached && !t.fresh && (refused(err) || err == nil && d.event == nil) {
		t.fresh = true
		d, err = u.decide(ctx, t)
		t.fresh = false
	}
	if err == nil && d.event != nil && d.id.IsZero() {
		d.id = t.id
	}
	return d, err
}

func (u *useCase[C, R]) append(ctx context.Context, t *task[C], d decision[R], done func(R, error)) {
	var none R
	first, err := t.encode(d.event, d.id, d.conditions)
	if err != nil {
		done(none, err)
		return
	}
	first.Order = t.actor.Order
	first.Again = func(ctx context.Context, conflict *eventstore.ConflictError) (eventstore.Append, error) {
		u.app.outrun(conflict, &t.reading)
		next, err := u.settle(ctx, t)
		t.fresh = false
		if err != nil {
			return eventstore.Append{}, err
		}
		if d = next; d.event == nil {
			return eventstore.Append{}, errSettled
		}
		return t.encode(d.event, d.id, d.conditions)
	}
	u.app.Log.Submit(ctx, first, func(result eventstore.Result, err error) {
		switch {
		case errors.Is(err, errSettled):
			done(d.unchanged, nil)
		case err != nil:
			done(none, err)
		default:
			done(u.answer(t, d, result))
		}
	})
}

// outrun learns from a conflict: what was cached is older than the log.
func (a *app) outrun(conflict *eventstore.ConflictError, r *reading) {
	r.again = true
	r.failed++
	c := conflict.Condition
	if c.Kind != eventstore.ConditionStreamAt {
		r.fresh = true // it does not say how far which stream is
		return
	}
	switch c.Stream.Category() {
	case event.CategoryRoom:
		a.rooms.note(c.Stream.Key(), conflict.Actual)
	case event.CategoryUser:
		a.users.note(c.Stream.Key(), conflict.Actual)
	case event.CategoryPresence:
		a.presence.note(c.Stream.Key(), conflict.Actual)
	default:
	}
}

func (u *useCase[C, R]) answer(t *task[C], d decision[R], result eventstore.Result) (R, error) {
	u.app.learn(result.Events)
	r := result.Events[0]
	if result.Duplicate && u.repeated != nil && !t.made(r) {
		return u.repeated(t, r)
	}
	return d.stored(r)
}

// made reports whether this very request stored r, in an attempt whose answer got lost.
func (t *task[C]) made(r event.Recorded) bool {
	meta := r.Meta()
	return meta.CorrelationID == t.correlationID && meta.UserID == t.actor.UserID
}

func (t *task[C]) encode(e event.Event, id event.ID, conditions []eventstore.Condition) (eventstore.Append, error) {
	n, err := event.Encode(id, t.meta, e)
	if err != nil {
		return eventstore.Append{}, fmt.Errorf("encode the decision: %w", err)
	}
	return eventstore.Append{Conditions: conditions, Events: []event.New{n}}, nil
}

// refused reports whether err is a decision, as opposed to a failure.
func refused(err error) bool {
	switch domain.CodeOf(err) {
	case "", domain.CodeInternal, domain.CodeUnavailable:
		return false
	default:
		return true
	}
}
