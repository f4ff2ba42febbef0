package webhooks_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/domain/event"
)

// secret is that of most webhooks here.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"

// post is a delivery as its receiver sees it.
type post struct {
	id     string
	header http.Header
	body   []byte
	events []struct {
		Position event.Position
		ID       string
		Type     string
		Data     json.RawMessage
	}
}

func (p post) positions() (list []event.Position) {
	for _, e := range p.events {
		list = append(list, e.Position)
	}
	return list
}

// receiver takes deliveries and checks what holds for each.
type receiver struct {
	t testing.TB
	*httptest.Server

	mu     sync.Mutex
	posts  []post // all that came
	taken  []post // those that were answered with 2xx, as far as the receiver knows
	bodies map[string]string
	next   event.Position
}

// newReceiver answers as it is told; the answer of nil is 204.
func newReceiver(t testing.TB, after event.Position, answer func(w http.ResponseWriter, p post)) *receiver {
	t.Helper()
	r := &receiver{t: t, bodies: map[string]string{}, next: after + 1}
	r.Server = httptest.NewServer(r.handler(answer))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) handler(answer func(w http.ResponseWriter, p post)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // cut off
		}
		p := post{id: request.Header.Get("webhook-id"), header: request.Header, body: body}
		r.check(request, &p)
		if answer == nil {
			r.take(p)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, p)
	})
}

// check verifies a delivery as its specification says, with nothing of ours.
func (r *receiver) check(request *http.Request, p *post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", p.id, request.Header.Get("webhook-timestamp"), p.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if got := request.Header.Get("webhook-signature"); got != want {
		r.t.Errorf("signature %q, want %q", got, want)
	}
	seconds, err := strconv.ParseInt(request.Header.Get("webhook-timestamp"), 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > 5*time.Minute {
		r.t.Errorf("timestamp %d, %v", seconds, err)
	}
	if request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s of %q", request.Method, request.Header.Get("Content-Type"))
	}
	var content struct {
		Webhook string
		Events  json.RawMessage
	}
	if err := json.Unmarshal(p.body, &content); err != nil || content.Webhook == "" {
		r.t.Errorf("body %.100s: %v", p.body, err)
	}
	if err := json.Unmarshal(content.Events, &p.events); err != nil || len(p.events) == 0 {
		r.t.Errorf("events %.100s: %v", content.Events, err)
	}
	if before, known := r.bodies[p.id]; known && before != string(p.body) {
		r.t.Errorf("two deliveries of id %s differ", p.id)
	}
	r.bodies[p.id] = string(p.body)
	r.posts = append(r.posts, *p)
}

// take checks that nothing is missing before what is taken, and nothing out of order within.
func (r *receiver) take(p post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, p)
	for i, e := range p.events {
		if e.Position != p.events[0].Position+event.Position(i) || e.Position > r.next {
			r.t.Errorf("got %v when %d was next", p.positions(), r.next)
			return
		}
		r.next = max(r.next, e.Position+1)
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.posts)
}

// upTo is how far what was taken goes.
func (r *receiver) upTo() event.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next - 1
}

// all are the deliveries so far.
func (r *receiver) all() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post(nil), r.posts...)
}

// restart is away for a moment and listens at the same address again.
func (r *receiver) restart(away time.Duration) {
	address := r.Listener.Addr().String()
	handler := r.Config.Handler
	r.CloseClientConnections()
	r.Close()
	time.Sleep(away)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		r.t.Errorf("listen again: %v", err)
		return
	}
	r.Server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	r.Start()
	r.t.Cleanup(r.Close)
}
