package engineio_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/realtime/engineio"
)

func TestHandshakesComeAtTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := engineio.NewArrivals(engineio.ArrivalsConfig{Rate: 100, Burst: 5})
		come := func(n int) (in int) {
			for range n {
				if leave, ok := engineio.Enter(a, httptest.NewRequest("GET", "/", nil)); ok {
					in++
					leave()
				}
			}
			return in
		}
		for _, step := range []struct {
			after time.Duration
			want  int
		}{
			{0, 5}, {0, 0}, {9 * time.Millisecond, 0}, {time.Millisecond, 1}, {30 * time.Millisecond, 3}, {time.Hour, 5}, {0, 0},
		} {
			time.Sleep(step.after)
			if in := come(10); in != step.want {
				t.Errorf("%v later %d came in, want %d", step.after, in, step.want)
			}
		}
		if n := a.Unsettled(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// What came at the rate, for as long as one likes, was not refused.
func TestTheRateItselfIsNotRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := engineio.NewArrivals(engineio.ArrivalsConfig{Rate: 5000})
		for range 2000 {
			if _, ok := engineio.Enter(a, httptest.NewRequest("GET", "/", nil)); !ok {
				t.Fatal("refused")
			}
			time.Sleep(time.Second / 5000)
		}
	})
}

// fromHeader takes the address that a test names.
func fromHeader(r *http.Request) netip.Addr {
	addr, _ := netip.ParseAddr(r.Header.Get("From"))
	return addr
}

// handshake asks for a session without a network in between.
func handshake(h http.Handler, from string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil)
	r.Header.Set("From", from)
	h.ServeHTTP(w, r)
	return w
}

func TestSessionsThatDoNotSettleAreBounded(t *testing.T) {
	t.Parallel()
	a := engineio.NewArrivals(engineio.ArrivalsConfig{Unsettled: 10, UnsettledPerAddress: 3, Address: fromHeader})
	h := start(t, engineio.Config{Arrivals: a, RetryAfter: 3 * time.Second, CloseGrace: 50 * time.Millisecond}, echo)
	enter := func(from string, want int) {
		t.Helper()
		w := handshake(h, from)
		if w.Code != want {
			t.Fatalf("from %q: %d %s", from, w.Code, w.Body)
		}
		if want == 200 {
			return
		}
		if got := w.Body.String(); got != `{"code":7,"message":"Too many handshakes"}` || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %q", w.Header().Get("Content-Type"), got)
		}
		if seconds, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || seconds < 1 || seconds > 6 {
			t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
		}
	}
	for range 3 {
		enter("192.0.2.1", 200)
	}
	enter("192.0.2.1", 503)
	enter("192.0.2.2", 200)
	first := <-h.peers
	first.Settle()
	first.Settle() // counts once
	enter("192.0.2.1", 200)
	enter("192.0.2.1", 503)
	for range 6 {
		enter("", 200) // nobody knows from where
	}
	enter("", 503)
	enter("192.0.2.3", 503)
	if n := a.Unsettled(); n != 10 {
		t.Errorf("%d have not settled", n)
	}
	(<-h.peers).Close(engineio.TransportClose) // its last trace goes after CloseGrace
	await(t, func() bool { return a.Unsettled() == 9 })
	enter("192.0.2.1", 200)
	enter("192.0.2.3", 503)
}

// However a session ends, it is no longer counted; so are handshakes that come to nothing.
func TestWhoHasGoneIsNotCounted(t *testing.T) {
	t.Parallel()
	a := engineio.NewArrivals(engineio.ArrivalsConfig{Unsettled: 1})
	h := start(t, engineio.Config{Arrivals: a, CloseGrace: 50 * time.Millisecond}, echo)
	for name, do := range map[string]func(t *testing.T){
		"WebSocket, by the client": func(t *testing.T) {
			c, _ := h.connect(t)
			c.say("1")
			c.closeCode()
		},
		"WebSocket, cut": func(t *testing.T) {
			c, _ := h.connect(t)
			c.NetConn().Close()
		},
		"polling, by the client": func(t *testing.T) {
			c, _ := h.poll(t)
			c.post("1")
			c.want("6")
		},
		"polling, by the server": func(t *testing.T) {
			c, p := h.poll(t)
			p.Close(engineio.ForcedClose)
			c.want("1")
		},
		"polling, slow": func(t *testing.T) {
			_, p := h.poll(t)
			p.Close(engineio.SlowConsumer)
		},
		"moved": func(t *testing.T) {
			c, _ := h.poll(t)
			ws := h.upgrade(c)
			ws.say("1")
			ws.closeCode()
		},
		"no WebSocket after all": func(t *testing.T) {
			req := request(t, h)
			req.Header.Del("Sec-Websocket-Key")
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		},
		"bad handshake": func(t *testing.T) {
			res, err := http.Get(h.url + "/?EIO=3&transport=polling")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			do(t)
			await(t, func() bool { return a.Unsettled() == 0 })
		})
	}
	t.Run("draining", func(t *testing.T) {
		_ = h.Drain(t.Context(), 0)
		if w := handshake(h, ""); w.Code != 503 || a.Unsettled() != 0 {
			t.Errorf("%d, %d unsettled", w.Code, a.Unsettled())
		}
	})
}

// A WebSocket is refused before it is one, and scripts may read why.
func TestWebSocketHandshakesAreRefused(t *testing.T) {
	t.Parallel()
	a := engineio.NewArrivals(engineio.ArrivalsConfig{UnsettledPerAddress: 1}) // all come from this host
	h := start(t, engineio.Config{Arrivals: a}, echo)
	c, p := h.connect(t)
	c.say("4hello")
	c.want("4hello")
	origin := h.url
	res, err := http.DefaultTransport.RoundTrip(request(t, h, "Origin", origin))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 503 || res.Header.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	p.Settle()
	h.connect(t)
}

// A storm of handshakes that nobody follows up: few come in, those are told apart in when to
// come back, and in the end nothing is left of them.
func TestStormOfAbandonedHandshakes(t *testing.T) {
	t.Parallel()
	a := engineio.NewArrivals(engineio.ArrivalsConfig{Unsettled: 300, UnsettledPerAddress: 20, Address: fromHeader})
	h := start(t, engineio.Config{
		Arrivals: a, RetryAfter: 5 * time.Second, PingInterval: 400 * time.Millisecond, PingTimeout: 400 * time.Millisecond,
	}, echo)
	var mu sync.Mutex
	in, retry := 0, make(map[string]int)
	began := time.Now()
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 2500 {
				w := handshake(h, "198.51.100."+strconv.Itoa(worker*50+i%10))
				mu.Lock()
				if w.Code == 200 {
					in++
				} else {
					retry[w.Header().Get("Retry-After")]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	rounds := int(time.Since(began)/(700*time.Millisecond)) + 1 // after which there is room again
	if in < 300 || in > 300*rounds {
		t.Errorf("%d came in", in)
	}
	for seconds := range 10 { // a tenth of them each
		if n := retry[strconv.Itoa(seconds+1)]; n < (10_000-in)/20 {
			t.Errorf("%d of %d were told to wait %d s", n, 10_000-in, seconds+1)
		}
	}
	await(t, func() bool { return a.Unsettled() == 0 && h.Count() == 0 && engineio.Farewells(h.Server) == 0 })
}
