package api

import (
	"context"
	"net/http"

	"parley/domain"
	"parley/domain/wire"
)

// Webhooks keeps consumers that the log is pushed to: see eventstore/webhooks.
type Webhooks interface {
	Put(ctx context.Context, who domain.Principal, name string, r wire.WebhookRequest) (w wire.Webhook, isNew bool, err error)
	Get(ctx context.Context, name string) (wire.Webhook, error)
	List(ctx context.Context) ([]wire.Webhook, error)
	Delete(ctx context.Context, name string) (wire.Webhook, error)
	Resume(ctx context.Context, name string) (wire.Webhook, error)
	Rewind(ctx context.Context, name string, to wire.Place) (wire.Webhook, error)
}

func (a *API) webhookRoutes() []Route {
	if a.Webhooks == nil {
		return nil
	}
	return []Route{
		{Method: http.MethodGet, Path: "/webhooks", Access: Admin, handle: a.listWebhooks},
		{Method: http.MethodGet, Path: "/webhooks/:name", Access: Admin, handle: a.getWebhook},
		{Method: http.MethodPut, Path: "/webhooks/:name", Access: Admin, handle: a.putWebhook},
		{Method: http.MethodDelete, Path: "/webhooks/:name", Access: Admin, handle: a.deleteWebhook},
		{Method: http.MethodPost, Path: "/webhooks/:name/resume", Access: Admin, handle: a.resumeWebhook},
		{Method: http.MethodPost, Path: "/webhooks/:name/rewind", Access: Admin, handle: a.rewindWebhook},
	}
}

func (a *API) listWebhooks(c *call) error {
	list, err := a.Webhooks.List(c.ctx())
	if err != nil {
		return err
	}
	return c.ok(items[wire.Webhook]{list})
}

func (a *API) getWebhook(c *call) error {
	return c.webhook(a.Webhooks.Get(c.ctx(), c.param("name")))
}

func (a *API) putWebhook(c *call) error {
	var body wire.WebhookRequest
	if err := c.decode(&body); err != nil {
		return err
	}
	webhook, isNew, err := a.Webhooks.Put(c.ctx(), c.actor.Principal, c.param("name"), body)
	if err != nil {
		return err
	}
	return c.put(isNew, webhook.Head, webhook)
}

func (a *API) deleteWebhook(c *call) error {
	return c.webhook(a.Webhooks.Delete(c.ctx(), c.param("name")))
}

func (a *API) resumeWebhook(c *call) error {
	return c.webhook(a.Webhooks.Resume(c.ctx(), c.param("name")))
}

func (a *API) rewindWebhook(c *call) error {
	var body wire.Place
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.webhook(a.Webhooks.Rewind(c.ctx(), c.param("name"), body))
}

func (c *call) webhook(webhook wire.Webhook, err error) error {
	if err != nil {
		return err
	}
	c.at(webhook.Head)
	return c.ok(webhook)
}
