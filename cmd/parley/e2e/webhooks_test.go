package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// The node that delivers is killed, and the other one goes on: the receiver gets every event, in order. An analyst reads the same
// at their own pace, now at this node and now at that one.
func TestWebhooksAndConsumers(t *testing.T) {
	inParallel(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{"WEBHOOK_ALLOW_PRIVATE": "true"})
	first := startNode(t, "first", shared) // the only one there is, so it delivers
	second := startNode(t, "second", shared)
	inbox := newInbox(t)
	admin, alice := second.as(t, unique("admin"), "admin"), second.as(t, unique("alice"))

	hook := admin.call("PUT", "/api/v1/webhooks/inbox", object{"url": inbox.URL, "types": []string{"MessageSent"}, "maxEvents": 3}).want(http.StatusCreated)
	inbox.trust(text(hook.object(), "secret"))
	room := alice.createRoom("private", "hooked")
	var sent []string
	say := func(n int) {
		for range n {
			m := alice.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "number " + strconv.Itoa(len(sent))}).done()
			sent = append(sent, text(m.object(), "id"))
		}
	}
	say(5)
	inbox.await(5)
	first.Kill()
	say(5)
	inbox.await(10)
	first.Restart()
	say(2)
	inbox.await(12)
	equal(t, "messages that the receiver got, in order", strings.Join(inbox.ids(), " "), strings.Join(sent, " "))
	status := admin.call("GET", "/api/v1/webhooks/inbox", nil).want(http.StatusOK)
	if strings.Contains(string(status.raw), "secret") {
		t.Errorf("the webhook's secret is shown again: %s", status.raw)
	}

	analyst := unique("analyst")
	var read []string
	for i := 0; len(read) < len(sent); i++ {
		at := []*node{first, second}[i%2].as(t, analyst, "analyst")
		page := at.call("GET", "/api/v1/consumers/mine/events?limit=7&wait=10", nil).want(http.StatusOK).object()
		items, _ := page["items"].([]any)
		for _, item := range items {
			if e, _ := item.(object); text(e, "type") == "MessageSent" {
				read = append(read, text(e, "id"))
			}
		}
		at.call("POST", "/api/v1/consumers/mine/ack", object{"position": page["position"]}).done()
	}
	equal(t, "messages that the analyst read, in order", strings.Join(read, " "), strings.Join(sent, " "))
	alice.call("GET", "/api/v1/consumers/mine/events", nil).problem(http.StatusForbidden, "FORBIDDEN")
	admin.call("PUT", "/api/v1/webhooks/bad", object{"url": "ftp://127.0.0.1"}).problem(http.StatusBadRequest, "INVALID_PAYLOAD")
}

// inbox receives a webhook.
type inbox struct {
	t *testing.T
	*httptest.Server

	mu   sync.Mutex
	key  []byte
	last int64
	got  []string
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{t: t}
	in.Server = httptest.NewServer(http.HandlerFunc(in.receive))
	t.Cleanup(in.Close)
	return in
}

// trust says what deliveries are signed with from now on.
func (in *inbox) trust(secret string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.key, _ = base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
}

// receive checks the signature and drops what it has already, by the position.
func (in *inbox) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the node was killed meanwhile
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	mac := hmac.New(sha256.New, in.key)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		in.t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
	}
	var delivery struct {
		Events []struct{ Position, ID string }
	}
	if err := json.Unmarshal(body, &delivery); err != nil {
		in.t.Errorf("delivery %.200s: %v", body, err)
	}
	for _, e := range delivery.Events {
		if p := toPosition(e.Position); p > in.last {
			in.last = p
			in.got = append(in.got, e.ID)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (in *inbox) ids() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]string(nil), in.got...)
}

// await waits for so many messages.
func (in *inbox) await(n int) {
	in.t.Helper()
	for deadline := time.Now().Add(2 * settle); len(in.ids()) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			in.t.Fatalf("the receiver got %d of %d messages", len(in.ids()), n)
		}
	}
}
