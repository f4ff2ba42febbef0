package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/api"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

// An analyst reads the log at their own pace.
func TestConsumers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, eve := w.person(t, "ada", domain.RoleAnalyst), w.person(t, "eve", domain.RoleAnalyst)
	room := w.room(t, ada, event.RoomPublic)
	for range 3 {
		w.message(t, ada, room.ID, "hello")
	}
	made := w.as(t, ada, "PUT", "/consumers/tea", `{"categories":["messages"]}`)
	made.want(t, "made", 201, "")
	w.as(t, ada, "PUT", "/consumers/tea", `{"types":["MessageSent"]}`).want(t, "changed", 200, "")
	var page struct {
		Items []struct {
			Position, ID, Stream, Type, RecordedAt string
			Data, Metadata                         map[string]any
			Version, SchemaVersion                 int
		}
		Position, Head string
		More           bool
	}
	read := w.as(t, ada, "GET", "/consumers/tea/events?limit=2&wait=30", "")
	read.want(t, "read", 200, "")
	read.into(t, &page)
	if len(page.Items) != 2 || page.Items[0].Type != "MessageSent" || page.Items[0].Data["content"] != "hello" ||
		page.Items[1].Position != page.Position || !page.More || read.header.Get("Parley-Position") != page.Position {
		t.Fatalf("read %s", read.body)
	}
	acked := w.as(t, ada, "POST", "/consumers/tea/ack", `{"position":"`+page.Position+`"}`)
	acked.want(t, "acknowledged", 200, "")
	var c wire.Consumer
	if acked.into(t, &c); c.Position.String() != page.Position || c.Lag != int64(c.Head-c.Position) || positionOf(t, acked) != int64(c.Head) {
		t.Errorf("acknowledged %s", acked.body)
	}
	w.as(t, ada, "POST", "/consumers/tea/ack", `{"position":"999999"}`).want(t, "beyond the head", 400, domain.CodeInvalidPayload)
	w.as(t, ada, "POST", "/consumers/tea/ack", `{"position":1}`).want(t, "a number", 400, domain.CodeInvalidPayload)
	w.as(t, ada, "POST", "/consumers/tea/rewind", `{"time":"2001-01-01T00:00:00Z"}`).want(t, "rewound", 200, "")
	w.as(t, ada, "GET", "/consumers/tea", "").into(t, &c)
	if c.Position != 0 {
		t.Errorf("rewound to %d", c.Position)
	}
	w.as(t, eve, "GET", "/consumers/tea/events", "").want(t, "another's", 403, domain.CodeForbidden)
	for _, bad := range []string{"limit=0", "limit=1001", "wait=31", "wait=-1", "wait=1s"} {
		w.as(t, ada, "GET", "/consumers/tea/events?"+bad, "").want(t, bad, 400, domain.CodeInvalidPayload)
	}
	w.as(t, ada, "GET", "/consumers/bad%20name/events", "").want(t, "bad name", 400, domain.CodeInvalidPayload)
	list := w.as(t, ada, "GET", "/consumers", "")
	if list.want(t, "list", 200, ""); strings.Count(string(list.body), `"name":"tea"`) != 1 {
		t.Errorf("list %s", list.body)
	}
	w.as(t, ada, "DELETE", "/consumers/tea", "").want(t, "deleted", 200, "")
	w.as(t, ada, "GET", "/consumers/tea", "").want(t, "gone", 404, domain.CodeUnknownEvent)
}

// patientConsumers have nothing to tell, and let everybody wait for it.
type patientConsumers struct{ api.Consumers }

func (patientConsumers) Events(ctx context.Context, _ domain.Principal, _ string, _ int, wait time.Duration) (wire.ConsumerPage, error) {
	select {
	case <-time.After(wait):
		return wire.ConsumerPage{Items: []json.RawMessage{}, Position: 7, Head: 7}, nil
	case <-ctx.Done():
		return wire.ConsumerPage{}, ctx.Err()
	}
}

// Who waits for events may do so for longer than other requests take, and than one may take to send a request.
func TestWaitingForEventsIsNotCutShort(t *testing.T) {
	t.Parallel()
	const short = 1900 * time.Millisecond
	f := newFake(t, api.Config{Timeout: short}, func(d *api.Deps) { d.Consumers = patientConsumers{} })
	server := httptest.NewUnstartedServer(f)
	server.Config.ReadTimeout = short
	server.Start()
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/consumers/c/events?wait=2", nil)
	must(t, err)
	request.Header.Set("Authorization", "Bearer admin")
	response, err := server.Client().Do(request)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := `{"items":[],"position":"7","head":"7","more":false}`; err != nil || string(body) != want {
		t.Errorf("status %d, %s, %v", response.StatusCode, body, err)
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root, ada := w.person(t, "root", domain.RoleAdmin), w.person(t, "ada", domain.RoleAnalyst)
	made := w.as(t, root, "PUT", "/webhooks/tea", `{"url":"https://hooks.example.com/tea","types":["MessageSent"]}`)
	made.want(t, "made", 201, "")
	var hook map[string]any
	made.into(t, &hook)
	secret, _ := hook["secret"].(string)
	if !strings.HasPrefix(secret, "whsec_") || hook["state"] != "active" || hook["position"] != hook["head"] {
		t.Errorf("made %s", made.body)
	}
	for _, path := range []string{"/webhooks", "/webhooks/tea"} {
		a := w.as(t, root, "GET", path, "")
		if a.want(t, path, 200, ""); strings.Contains(string(a.body), "secret") || strings.Contains(string(a.body), "whsec_") {
			t.Errorf("%s shows the secret: %s", path, a.body)
		}
		if !json.Valid(a.body) || !strings.Contains(string(a.body), `"url":"https://hooks.example.com/tea"`) {
			t.Errorf("%s: %s", path, a.body)
		}
		w.as(t, ada, "GET", path, "").want(t, path+" by an analyst", 403, domain.CodeForbidden)
	}
	w.as(t, root, "PUT", "/webhooks/tea", `{"url":"https://hooks.example.com/2"}`).want(t, "changed", 200, "")
	w.as(t, root, "POST", "/webhooks/tea/rewind", `{"position":"1"}`).want(t, "rewound", 200, "")
	w.as(t, root, "POST", "/webhooks/tea/resume", "").want(t, "resumed", 200, "")
	for _, bad := range []string{
		`{}`, `{"url":"http://hooks.example.com"}`, `{"url":"https://10.0.0.1/"}`, `{"url":"https://[::ffff:127.0.0.1]/"}`,
		`{"url":"https://a:b@hooks.example.com"}`, `{"url":"https://hooks.example.com","secret":"short"}`,
	} {
		w.as(t, root, "PUT", "/webhooks/bad", bad).want(t, bad, 400, domain.CodeInvalidPayload)
	}
	w.as(t, root, "DELETE", "/webhooks/tea", "").want(t, "deleted", 200, "")
	w.as(t, root, "GET", "/webhooks/tea", "").want(t, "gone", 404, domain.CodeUnknownEvent)
}
