package main

import (
	"errors"
	"time"

	"parley/eventstore/consumers"
	"parley/eventstore/webhooks"
)

// wireConsumers makes what lets others read the log at their own pace.
func (n *node) wireConsumers() {
	n.feed = consumers.NewFeed(n.pool, n.store, n.bus)
	n.consumers = consumers.New(n.pool, n.store, n.feed, consumers.Config{})
	n.webhooks = webhooks.New(n.pool, n.store, n.feed, webhooks.Config{
		AllowPrivate: n.settings.WebhookAllowPrivate, Timeout: n.settings.WebhookTimeout, ParkAfter: n.settings.WebhookParkAfter,
		Logger: n.logger,
	})
	if n.settings.WebhookAllowPrivate {
		n.logger.Warn("WEBHOOK_ALLOW_PRIVATE lets webhooks reach private networks and this host")
	}
}

func (s *settings) checkWebhooks() error {
	if s.WebhookTimeout < time.Second || s.WebhookTimeout > 5*time.Minute {
		return errors.New("WEBHOOK_TIMEOUT must be from 1s to 5m")
	}
	if s.WebhookParkAfter < time.Second || s.WebhookParkAfter > 10_000*time.Hour {
		return errors.New("WEBHOOK_PARK_AFTER must be from 1s to 10000h")
	}
	return nil
}
