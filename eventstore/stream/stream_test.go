package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"parley/eventstore/stream"
	"parley/eventstore/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// Whatever somebody adds to the topic, reading goes on, and what can't be read is marked.
func TestNoEntryEndsTheSubscription(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(testenv.RedisURL(t))
	if err != nil {
		t.Fatal(err)
	}
	topic := stream.Topic{
		Redis: redis.UniversalOptions{Addrs: []string{options.Addr}, Username: options.Username, Password: options.Password, DB: options.DB},
		Name:  testenv.Prefix(t) + "topic", Timeout: time.Second, MaxLen: 1000,
	}
	publisher, err := topic.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	if err := publisher.Publish(topic.Name, message.NewMessage(watermill.NewUUID(), []byte("too early"))); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	begun, got, done := make(chan struct{}), make(chan string, 16), make(chan error, 1)
	go func() {
		done <- topic.Read(ctx, func() { close(begun) }, func(m *message.Message) {
			if stream.IsJunk(m) {
				got <- "junk"
			} else {
				got <- string(m.Payload)
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("told to end, it says %v", err)
		}
	})
	select {
	case <-begun:
	case err := <-done:
		t.Fatalf("no subscription: %v", err)
	case <-time.After(patience):
		t.Fatal("no subscription")
	}

	client := testenv.Redis(t)
	for _, entry := range []map[string]any{
		{"nothing": "of ours"},
		{"_watermill_message_uuid": "x"},
		{"_watermill_message_uuid": "x", "metadata": "\xff\xfe", "payload": "p"},
		{"_watermill_message_uuid": "", "metadata": "", "payload": ""},
	} {
		if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: topic.Name, Values: entry}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := publisher.Publish(topic.Name, message.NewMessage(watermill.NewUUID(), []byte("the end"))); err != nil {
		t.Fatal(err)
	}
	for junk := 0; ; {
		select {
		case what := <-got:
			switch what {
			case "the end":
				if junk < 2 {
					t.Errorf("%d entries were junk", junk)
				}
				return
			case "junk":
				junk++
			case "too early":
				t.Error("what was there before was read")
			}
		case <-time.After(patience):
			t.Fatal("reading stopped")
		}
	}
}
