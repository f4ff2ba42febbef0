package typing

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"parley/domain"
	"parley/domain/event"
	"parley/eventstore/stream"
)

// signal is one sign as nodes tell each other.
type signal struct {
	Room     string `json:"r"`
	User     string `json:"u"`
	Username string `json:"n,omitempty"`
	Until    int64  `json:"t,omitempty"` // ms
	// After is how far the node had read the log.
	After event.Position `json:"p,omitempty"`
	Stop  bool           `json:"s,omitempty"`
}

const (
	maxOut   = 10_000 // signals that wait
	maxBatch = 500    // signals in a message
	metaNode = "node"
)

// send needs the lock. What does not fit is lost: the other nodes find out by time.
func (s *Service) send(sig signal) {
	if s.cfg.Redis == nil || len(s.out) >= maxOut {
		return
	}
	s.out = append(s.out, sig)
	wakeUp(s.sending)
}

func (s *Service) take() []signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.out), maxBatch)
	batch := s.out[:n:n]
	if s.out = s.out[n:]; len(s.out) == 0 {
		s.out = nil
	} else {
		wakeUp(s.sending)
	}
	return batch
}

// publish sends what there is, gathered for a moment.
func (s *Service) publish(ctx context.Context) error {
	publisher, err := s.topic().Publisher()
	if err != nil {
		return err
	}
	defer func() { _ = publisher.Close() }() // closes the client
	for {
		select {
		case <-s.sending:
		case <-ctx.Done():
			return nil
		}
		pause(ctx, s.cfg.Gather)
		batch := s.take()
		if len(batch) == 0 {
			continue
		}
		data, err := json.Marshal(batch)
		if err != nil {
			return fmt.Errorf("encode who is typing: %w", err)
		}
		m := message.NewMessage(watermill.NewShortUUID(), data)
		m.Metadata.Set(metaNode, s.cfg.Node)
		if err := publisher.Publish(s.cfg.Topic, m); err != nil && ctx.Err() == nil {
			s.cfg.Logger.DebugContext(ctx, "other nodes are not told who is typing", slog.Any("error", err))
		}
	}
}

// subscribe takes in what other nodes say until ctx ends, subscribing again after whatever ends a subscription.
func (s *Service) subscribe(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.topic().Read(ctx, func() {}, s.receive); err != nil && ctx.Err() == nil {
			s.cfg.Logger.DebugContext(ctx, "it is not known who is typing on other nodes", slog.Any("error", err))
		}
		pause(ctx, s.cfg.Timeout/4)
	}
	return nil
}

func (s *Service) topic() stream.Topic {
	return stream.Topic{Redis: *s.cfg.Redis, Name: s.cfg.Topic, Timeout: s.cfg.Timeout, MaxLen: s.cfg.MaxLen}
}

// receive takes in one message. What is no sign of typing is left out.
func (s *Service) receive(m *message.Message) {
	var batch []signal
	if m.Metadata.Get(metaNode) == s.cfg.Node || json.Unmarshal(m.Payload, &batch) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, sig := range batch {
		k := key{sig.Room, sig.User}
		switch {
		case !domain.ValidID(k.room) || !domain.ValidID(k.user):
		case sig.Stop:
			s.stopped(k)
		case !s.late(k, sig.After):
			s.started(k, sig.Username, time.UnixMilli(sig.Until), now)
		}
	}
}
