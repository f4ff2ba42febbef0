package webhooks_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/consumers"
	"parley/eventstore/storetest"
	"parley/eventstore/testenv"
	"parley/eventstore/webhooks"
)

func TestDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hasty())
	w.messages(3) // before there was a webhook
	r := newReceiver(t, 3, nil)
	hook := w.hook("h", r.URL, func(q *wire.WebhookRequest) { q.MaxEvents = 4 })
	if hook.State != wire.WebhookActive || hook.Position != 3 || hook.MaxEvents != 4 || hook.Secret != "" || hook.Owner != "root" {
		t.Errorf("made %+v", hook)
	}
	last := w.messages(10)
	if hook = w.delivered("h", last); hook.DeliveredAt == nil || hook.Attempts != 0 || hook.LastError != "" || hook.Lag != 0 {
		t.Errorf("delivered: %+v", hook)
	}
	for _, p := range r.all() {
		if len(p.events) > 4 {
			t.Errorf("a delivery of %d events", len(p.events))
		}
		if got := p.header.Get("User-Agent"); !strings.HasPrefix(got, "Parley-Webhooks/") {
			t.Errorf("user agent %q", got)
		}
		if e := p.events[0]; e.Type != event.TypeMessageSent || e.ID == "" || !strings.Contains(string(e.Data), `"content":"hello"`) {
			t.Errorf("event %+v", e)
		}
	}
	if stats := w.Stats(); !stats.Leading || stats.Webhooks != 1 || stats.Events != 10 || stats.Failures != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// Whatever a receiver does, it gets every event at least once, in order.
func TestNothingIsLostOnBadReceivers(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	cfg := hasty()
	cfg.Timeout = 300 * time.Millisecond
	w := newWorld(t, cfg)
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 0))
	var r *receiver
	r = newReceiver(t, 0, func(out http.ResponseWriter, p post) {
		mu.Lock()
		n := dice.IntN(20)
		mu.Unlock()
		switch {
		case n < 4:
			out.WriteHeader([]int{500, 503, 404, 302}[n])
		case n == 4: // takes it, and nobody hears of that
			r.take(p)
			panic(http.ErrAbortHandler)
		case n == 5:
			panic(http.ErrAbortHandler)
		case n == 6: // too slow
			time.Sleep(2 * cfg.Timeout)
		default:
			r.take(p)
			out.WriteHeader(http.StatusOK)
			fmt.Fprint(out, strings.Repeat("thank you ", 100))
		}
	})
	r.Config.ErrorLog = nil
	w.hook("h", r.URL, func(q *wire.WebhookRequest) { q.MaxEvents = 5 })
	var last event.Position
	for i := range 30 {
		last = w.messages(1 + i%7)
		if i == 15 {
			r.restart(50 * time.Millisecond)
		}
	}
	hook := w.delivered("h", last)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != last+1 {
		t.Errorf("taken up to %d of %d", r.next-1, last)
	}
	if len(r.posts) == len(r.taken) || hook.LastError == "" {
		t.Errorf("%d deliveries, %d taken, last error %q: nothing ever failed", len(r.posts), len(r.taken), hook.LastError)
	}
}

func TestParkedResumedRewound(t *testing.T) {
	t.Parallel()
	cfg := hasty()
	cfg.ParkAfter = time.Millisecond
	w := newWorld(t, cfg)
	var status atomic.Int64
	var r *receiver
	r = newReceiver(t, 0, func(out http.ResponseWriter, p post) {
		if status.Load() == http.StatusOK {
			r.take(p)
		}
		out.WriteHeader(int(status.Load()))
	})
	parked := func(h wire.Webhook) bool { return h.State == wire.WebhookParked }

	status.Store(http.StatusInternalServerError)
	w.hook("h", r.URL)
	last := w.messages(2)
	hook := w.await("parked", "h", parked)
	if hook.Attempts < 3 || hook.LastError != "answered 500 Internal Server Error" || hook.ParkedAt == nil || hook.NextAttemptAt != nil ||
		hook.FailingSince == nil || hook.Position != 0 || hook.Lag != 2 {
		t.Errorf("parked: %+v", hook)
	}
	before := r.count()
	w.messages(1)
	status.Store(http.StatusGone)
	if hook, err := w.Resume(t.Context(), "h"); err != nil || hook.State != wire.WebhookActive || hook.Attempts != 0 {
		t.Errorf("resumed: %+v, %v", hook, err)
	}
	hook = w.await("parked", "h", parked)
	if hook.Attempts != 1 || r.count() != before+1 {
		t.Errorf("%d attempts, %d deliveries of what is gone: %+v", hook.Attempts, r.count()-before, hook)
	}
	status.Store(http.StatusOK)
	_, err := w.Resume(t.Context(), "h")
	must(t, err)
	hook = w.delivered("h", last+1)
	if hook.LastError == "" || hook.ParkedAt != nil {
		t.Errorf("resumed: %+v", hook)
	}

	ids := map[string]bool{}
	for _, p := range r.all() {
		ids[p.id] = true
	}
	before = r.count()
	at := "1"
	if hook, err = w.Rewind(t.Context(), "h", wire.Place{Position: &at}); err != nil || hook.Position != 1 && hook.Position != last+1 {
		t.Errorf("rewound: %+v, %v", hook, err)
	}
	w.await("delivered again", "h", func(h wire.Webhook) bool { return h.Position == last+1 && r.count() > before })
	again := r.all()[before]
	if !slices.Equal(again.positions(), []event.Position{2, 3}) || ids[again.id] {
		t.Errorf("got %v again, id known: %v", again.positions(), ids[again.id])
	}
	beyond := "99"
	_, err = w.Rewind(t.Context(), "h", wire.Place{Position: &beyond})
	wantCode(t, "beyond the head", err, domain.CodeInvalidPayload)
	_, err = w.Rewind(t.Context(), "h", wire.Place{})
	wantCode(t, "nowhere", err, domain.CodeInvalidPayload)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hasty())
	other := newReceiver(t, 0, nil)
	r := newReceiver(t, 0, func(out http.ResponseWriter, _ post) {
		out.Header().Set("Location", other.URL)
		out.WriteHeader(http.StatusTemporaryRedirect)
	})
	w.hook("h", r.URL)
	w.messages(1)
	hook := w.await("retrying", "h", func(h wire.Webhook) bool { return h.Attempts > 1 })
	if hook.State != wire.WebhookRetrying || hook.NextAttemptAt == nil || !strings.Contains(hook.LastError, "307") || other.count() > 0 {
		t.Errorf("%+v, %d deliveries elsewhere", hook, other.count())
	}
}

// A name that stands for this machine is refused when it is dialled, also as an IPv4 address within IPv6, and also if the webhook
// was made when that was allowed.
func TestPrivateTargetsAreRefused(t *testing.T) {
	t.Parallel()
	cfg := hasty()
	cfg.AllowPrivate = false
	w := newWorld(t, cfg)
	var dialled atomic.Int64
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(net.Conn, http.ConnState) { dialled.Add(1) }
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	_, _, err := w.Put(t.Context(), root(), "h", wire.WebhookRequest{URL: "https://127.0.0.1:" + port})
	wantCode(t, "an address of this machine", err, domain.CodeInvalidPayload)
	w.hook("name", "https://localhost:"+port)
	for name, host := range map[string]string{"address": "127.0.0.1", "mapped": "[::ffff:127.0.0.1]", "whole": "[::1]", "metadata": "169.254.169.254"} {
		w.hook(name, "https://localhost:"+port)
		_, err := w.pool.Exec(t.Context(), `UPDATE consumers.webhooks SET url = $2 WHERE name = $1`, name, "https://"+host+":"+port)
		must(t, err)
		_, err = w.Resume(t.Context(), name) // it is read again
		must(t, err)
	}
	w.messages(1)
	for _, name := range []string{"name", "address", "mapped", "whole", "metadata"} {
		hook := w.await("refused", name, func(h wire.Webhook) bool { return h.Attempts > 0 })
		if hook.LastError != "the address is not on the public internet" {
			t.Errorf("%s: %q", name, hook.LastError)
		}
	}
	if n := dialled.Load(); n > 0 {
		t.Errorf("dialled %d times", n)
	}
}

func TestSecretsAreShownOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hasty())
	failing := newReceiver(t, 0, func(out http.ResponseWriter, _ post) { out.WriteHeader(http.StatusTeapot) })
	address, err := url.Parse(failing.URL)
	must(t, err)
	address.Path, address.RawQuery = "/hook", "token=of-the-receiver"
	made, isNew, err := w.Put(t.Context(), root(), "made", wire.WebhookRequest{URL: "https://hooks.example.com"})
	if must(t, err); !isNew || !strings.HasPrefix(made.Secret, "whsec_") || len(made.Secret) < 40 {
		t.Errorf("made %+v", made)
	}
	w.hook("given", address.String())
	w.messages(1)
	w.await("retrying", "given", func(h wire.Webhook) bool { return h.Attempts > 1 })
	again, isNew, err := w.Put(t.Context(), root(), "made", wire.WebhookRequest{URL: "https://hooks.example.com/2"})
	if must(t, err); isNew || again.Secret != "" {
		t.Errorf("changed to %+v", again)
	}
	var kept string
	must(t, w.pool.QueryRow(t.Context(), `SELECT 'whsec_' || encode(secret, 'base64') FROM consumers.webhooks WHERE name = 'made'`).Scan(&kept))
	if kept != made.Secret {
		t.Error("the change made another secret")
	}
	list, err := w.List(t.Context())
	must(t, err)
	deleted, err := w.Delete(t.Context(), "made")
	must(t, err)
	shown, err := json.Marshal(map[string]any{"list": list, "deleted": deleted, "again": again})
	must(t, err)
	for what, text := range map[string]string{"an answer": string(shown), "the log": w.log.String()} {
		for _, s := range []string{secret, made.Secret} {
			if strings.Contains(text, strings.TrimPrefix(s, "whsec_")) {
				t.Errorf("a secret is in %s", what)
			}
		}
	}
	if strings.Contains(w.log.String(), "of-the-receiver") {
		t.Error("the URL is in the log")
	}
	for _, bad := range []string{"x", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		_, _, err := w.Put(t.Context(), root(), "bad", wire.WebhookRequest{URL: "https://hooks.example.com", Secret: bad})
		wantCode(t, bad, err, domain.CodeInvalidPayload)
		if err != nil && strings.Contains(err.Error(), bad) && bad != "x" && bad != "whsec_" {
			t.Errorf("the error holds %q", bad)
		}
	}
}

// Receivers that do not answer hold places, and do not hold the others up.
func TestSlowReceiversHoldNobodyUp(t *testing.T) {
	t.Parallel()
	cfg := hasty()
	cfg.Concurrent = 3
	cfg.Timeout = time.Hour
	w := newWorld(t, cfg)
	let := make(chan struct{})
	slow := newReceiver(t, 0, func(http.ResponseWriter, post) { <-let })
	t.Cleanup(func() { close(let) })
	good := newReceiver(t, 0, nil)
	w.hook("slow-1", slow.URL)
	w.hook("slow-2", slow.URL)
	w.hook("good", good.URL)
	for range 5 {
		w.delivered("good", w.messages(3))
	}
	if hook, err := w.Get(t.Context(), "slow-1"); err != nil || hook.Position != 0 {
		t.Errorf("%+v, %v", hook, err)
	}
	// One that is deleted is cut off.
	_, err := w.Delete(t.Context(), "slow-1")
	must(t, err)
	_, err = w.Get(t.Context(), "slow-1")
	wantCode(t, "deleted", err, domain.CodeUnknownEvent)
	for deadline := time.Now().Add(patience); w.Stats().Webhooks != 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the worker of what was deleted stays")
		}
	}
}

func TestWhatIsNotWantedIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hasty())
	r := newReceiver(t, 0, func(out http.ResponseWriter, _ post) { out.WriteHeader(http.StatusOK) })
	w.hook("h", r.URL, func(q *wire.WebhookRequest) { q.Types = []string{event.TypeMemberLeft} })
	w.delivered("h", w.messages(20))
	if r.count() != 0 {
		t.Errorf("%d deliveries of what is not wanted", r.count())
	}
	w.append(storetest.Sent(t, "r"), storetest.Left(t, "r"), storetest.Sent(t, "r"))
	w.delivered("h", 23)
	if all := r.all(); len(all) != 1 || !slices.Equal(all[0].positions(), []event.Position{22}) {
		t.Errorf("%d deliveries", len(all))
	}
}

func TestChangesAndLimits(t *testing.T) {
	t.Parallel()
	cfg := hasty()
	cfg.MaxWebhooks = 2
	w := newWorld(t, cfg)
	first, second := newReceiver(t, 0, nil), newReceiver(t, 2, nil)
	w.hook("h", first.URL)
	w.delivered("h", w.messages(2))
	hook := w.hook("h", second.URL, func(q *wire.WebhookRequest) { q.Categories = []string{"messages"} })
	if hook.Position != 2 || !slices.Equal(hook.Categories, []string{"messages"}) {
		t.Errorf("changed to %+v", hook)
	}
	w.delivered("h", w.messages(2))
	if second.upTo() != 4 {
		t.Errorf("the second got up to %d", second.upTo())
	}
	before := first.upTo() // what was on its way when the change came may have arrived, too
	w.delivered("h", w.messages(2))
	if first.upTo() != before || second.upTo() != 6 {
		t.Errorf("then the first got up to %d, not %d, the second up to %d", first.upTo(), before, second.upTo())
	}
	c := consumers.New(w.pool, w.store, w.feed, consumers.Config{})
	_, err := c.Events(t.Context(), root(), "c", 0, 0)
	must(t, err)
	_, _, err = w.Put(t.Context(), root(), "c", wire.WebhookRequest{URL: first.URL})
	wantCode(t, "a consumer's name", err, domain.CodeConflict)
	_, err = c.Ack(t.Context(), root(), "h", "0")
	wantCode(t, "a webhook is no consumer that is asked", err, domain.CodeConflict)
	if list, err := c.List(t.Context(), root()); err != nil || len(list) != 1 {
		t.Errorf("consumers %+v, %v", list, err)
	}
	w.hook("i", first.URL)
	_, _, err = w.Put(t.Context(), root(), "j", wire.WebhookRequest{URL: first.URL})
	wantCode(t, "one too many", err, domain.CodeConflict)
	for what, bad := range map[string]wire.WebhookRequest{
		"url": {URL: "x"}, "maxEvents": {URL: first.URL, MaxEvents: 1001}, "types": {URL: first.URL, Wanted: wire.Wanted{Types: []string{"X"}}},
	} {
		_, _, err = w.Put(t.Context(), root(), "h", bad)
		wantCode(t, what, err, domain.CodeInvalidPayload)
	}
	_, err = w.Resume(t.Context(), "nobody")
	wantCode(t, "no such webhook", err, domain.CodeUnknownEvent)
	_, err = w.Delete(t.Context(), "nobody")
	wantCode(t, "no such webhook", err, domain.CodeUnknownEvent)
}

// Of two nodes one delivers. When it dies or freezes the other goes on where it was, and when the first is back it has
// nothing to say.
func TestAnotherNodeGoesOn(t *testing.T) {
	t.Parallel()
	for name, strike := range map[string]func(*testenv.Proxy){"dead": (*testenv.Proxy).Cut, "frozen": (*testenv.Proxy).Blackhole} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := hasty()
			cfg.Lease = 2 * time.Second
			w := newLog(t, cfg)
			r := newReceiver(t, 0, nil)
			w.hook("h", r.URL, func(q *wire.WebhookRequest) { q.MaxEvents = 2 })

			address, err := url.Parse(w.dsn)
			must(t, err)
			proxy := testenv.TCPProxy(t, address.Host)
			address.Host = proxy.Addr
			first := webhooks.New(open(t, address.String()), w.store, w.feed, cfg)
			running(t, first.Run)
			w.delivered("h", w.messages(5))
			running(t, w.Run)
			w.delivered("h", w.messages(5))
			if w.Stats().Leading {
				t.Error("both deliver")
			}
			strike(proxy)
			w.delivered("h", w.messages(5))
			if !w.Stats().Leading {
				t.Error("nobody has taken over")
			}
			proxy.Heal()
			w.delivered("h", w.messages(5))
			for deadline := time.Now().Add(patience); first.Stats().Leading; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the first one goes on believing in itself")
				}
			}
			w.delivered("h", w.messages(5))
			if r.upTo() != 25 {
				t.Errorf("got up to %d of 25", r.upTo())
			}
		})
	}
}

func wantCode(t *testing.T, what string, err error, code domain.Code) {
	t.Helper()
	if domain.CodeOf(err) != code {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}
