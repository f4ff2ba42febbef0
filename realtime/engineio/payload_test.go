package engineio_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"parley/realtime/engineio"
)

// poll asks the server without a network in between.
func poll(h http.Handler, w http.ResponseWriter, method, query, body string) {
	h.ServeHTTP(w, httptest.NewRequest(method, "/?EIO=4&transport=polling"+query, strings.NewReader(body)))
}

// torn is a response that breaks off.
type torn struct {
	*httptest.ResponseRecorder
	after int
}

func (w *torn) Write(p []byte) (int, error) {
	if w.after >= 0 && w.after < len(p) {
		return w.after, http.ErrHandlerTimeout
	}
	return w.ResponseRecorder.Write(p)
}

// Frames of one packet and of several, from many senders, and every other response breaks off: what
// arrives is what was sent, once, and each sender's in order.
func TestPollsThatBreakOffKeepOrder(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{QueueFrames: 1 << 20, QueueBytes: 1 << 30}, nil)
	c, p := h.poll(t)
	const senders, each = 4, 500
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := 0; i < each; i += 5 {
				name := func(n int) *engineio.Frame {
					return engineio.NewTextString(strconv.Itoa(s) + " " + strconv.Itoa(i+n))
				}
				_ = p.Send(name(0))
				_ = p.SendAll(name(1), name(2))
				_ = p.Send(engineio.Batch(name(3), name(4)))
			}
		})
	}
	next := make([]int, senders)
	for got, turn := 0, 0; got < senders*each; turn++ {
		w := &torn{httptest.NewRecorder(), -1}
		if turn%2 == 0 {
			w.after = turn % 7
		}
		poll(h, w, "GET", "&sid="+c.sid, "")
		if w.after >= 0 {
			continue
		}
		for _, text := range packets(w.Body.String()) {
			from, number, _ := strings.Cut(text[1:], " ")
			s, _ := strconv.Atoi(from)
			if number != strconv.Itoa(next[s]) {
				t.Fatalf("sender %d: got %s, want %d", s, number, next[s])
			}
			next[s]++
			got++
		}
	}
	sending.Wait()
	p.wantIdle(t)
}

// Whatever a POST brings: it is answered, its messages are those in front of the first bad packet,
// and the session lives if and only if there was none.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{
		"4hello", "4a\x1e4b", "4hello\x1ebAQIDBA==", "", "\x1e", "abc", "4a\x1eb%%", "1", "2", "4a\x1e1\x1e4b", "3probe\x1e6", "4\xff", "b", "4\x1e\x1e4",
	} {
		f.Add(seed)
	}
	messages := 0
	h := start(f, engineio.Config{MaxPayload: 1000, MaxPackets: 20}, func(*peer, engineio.Message) { messages++ })
	f.Fuzz(func(t *testing.T, body string) {
		messages = 0
		open := httptest.NewRecorder()
		poll(h, open, "GET", "", "")
		p := <-h.peers
		w := httptest.NewRecorder()
		poll(h, w, "POST", "&sid="+p.ID(), body)
		want, lives, status := 0, true, 200
		switch texts := packets(body); {
		case len(body) > 1000:
			lives, status = false, 413
		case len(texts) > 20:
			lives, status = false, 400
		default:
			for _, text := range texts {
				packet, err := engineio.ParsePacket([]byte(text))
				bad := err != nil || packet.Type == engineio.Ping || !packet.Binary && strings.ToValidUTF8(text, "") != text
				if bad {
					status = 400
				}
				if lives = !bad && packet.Type != engineio.Close; !lives {
					break
				}
				if packet.Type == engineio.Msg {
					want++
				}
			}
		}
		if w.Code != status || messages != want {
			t.Errorf("%q: %d, %d messages; want %d, %d", body, w.Code, messages, status, want)
		}
		select {
		case <-p.Done():
			if lives {
				t.Errorf("%q ended the session", body)
			}
		default:
			if !lives {
				t.Errorf("%q did not end the session", body)
			}
		}
		p.Close(engineio.ForcedClose)
		<-p.closed
	})
}
