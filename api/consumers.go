package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// Consumers keeps named readers of the log: see eventstore/consumers.
type Consumers interface {
	Put(ctx context.Context, who domain.Principal, name string, r wire.ConsumerRequest) (c wire.Consumer, isNew bool, err error)
	Get(ctx context.Context, who domain.Principal, name string) (wire.Consumer, error)
	List(ctx context.Context, who domain.Principal) ([]wire.Consumer, error)
	Delete(ctx context.Context, who domain.Principal, name string) (wire.Consumer, error)
	Ack(ctx context.Context, who domain.Principal, name, position string) (wire.Consumer, error)
	Rewind(ctx context.Context, who domain.Principal, name string, to wire.Place) (wire.Consumer, error)
	Events(ctx context.Context, who domain.Principal, name string, limit int, wait time.Duration) (wire.ConsumerPage, error)
}

const (
	maxConsumerPage = 1000
	maxConsumerWait = 30 // seconds
)

func (a *API) consumerRoutes() []Route {
	if a.Consumers == nil {
		return nil
	}
	return []Route{
		{Method: http.MethodGet, Path: "/consumers", Access: Analyst, handle: a.listConsumers},
		{Method: http.MethodGet, Path: "/consumers/:name", Access: Analyst, handle: a.getConsumer},
		{Method: http.MethodPut, Path: "/consumers/:name", Access: Analyst, handle: a.putConsumer},
		{Method: http.MethodDelete, Path: "/consumers/:name", Access: Analyst, handle: a.deleteConsumer},
		{Method: http.MethodGet, Path: "/consumers/:name/events", Access: Analyst, handle: a.consume},
		{Method: http.MethodPost, Path: "/consumers/:name/ack", Access: Analyst, handle: a.ackConsumer},
		{Method: http.MethodPost, Path: "/consumers/:name/rewind", Access: Analyst, handle: a.rewindConsumer},
	}
}

func (a *API) listConsumers(c *call) error {
	list, err := a.Consumers.List(c.ctx(), c.actor.Principal)
	if err != nil {
		return err
	}
	return c.ok(items[wire.Consumer]{list})
}

// items is a list that is shown as a whole.
type items[T any] struct {
	Items []T `json:"items"`
}

func (a *API) getConsumer(c *call) error {
	return c.consumer(a.Consumers.Get(c.ctx(), c.actor.Principal, c.param("name")))
}

func (a *API) putConsumer(c *call) error {
	var body wire.ConsumerRequest
	if err := c.decodeOptional(&body); err != nil {
		return err
	}
	consumer, isNew, err := a.Consumers.Put(c.ctx(), c.actor.Principal, c.param("name"), body)
	if err != nil {
		return err
	}
	return c.put(isNew, consumer.Head, consumer)
}

// put answers a PUT: 201 for what is new.
func (c *call) put(isNew bool, head event.Position, body any) error {
	c.at(head)
	if isNew {
		return c.send(http.StatusCreated, body)
	}
	return c.ok(body)
}

func (a *API) deleteConsumer(c *call) error {
	return c.consumer(a.Consumers.Delete(c.ctx(), c.actor.Principal, c.param("name")))
}

// acknowledgement says up to where everything is done.
type acknowledgement struct {
	Position string `json:"position" validate:"required"`
}

func (a *API) ackConsumer(c *call) error {
	var body acknowledgement
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.consumer(a.Consumers.Ack(c.ctx(), c.actor.Principal, c.param("name"), body.Position))
}

func (a *API) rewindConsumer(c *call) error {
	var body wire.Place
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.consumer(a.Consumers.Rewind(c.ctx(), c.actor.Principal, c.param("name"), body))
}

func (c *call) consumer(consumer wire.Consumer, err error) error {
	if err != nil {
		return err
	}
	c.at(consumer.Head)
	return c.ok(consumer)
}

// consume answers with what follows what was acknowledged, and waits for it when it is asked to.
func (a *API) consume(c *call) error {
	q := c.query()
	limit, _ := q.seq("limit", 1)
	if limit > maxConsumerPage {
		q.fields["limit"] = "must be 1 to " + strconv.Itoa(maxConsumerPage)
	}
	wait, _ := q.seq("wait", 0)
	if wait > maxConsumerWait {
		q.fields["wait"] = "must be 0 to " + strconv.Itoa(maxConsumerWait) + " seconds"
	}
	if err := q.err(); err != nil {
		return err
	}
	patience := time.Duration(wait) * time.Second
	defer c.patient(a.cfg.Timeout + patience)()
	page, err := a.Consumers.Events(c.ctx(), c.actor.Principal, c.param("name"), int(limit), patience)
	if err != nil {
		return err
	}
	c.at(page.Position)
	return c.ok(page)
}
