package engineio_test

import (
	"net/http"
	"testing"
	"time"

	"parley/realtime/engineio"
)

func TestStats(t *testing.T) {
	t.Parallel()
	h := start(t, engineio.Config{QueueFrames: 8, WriteTimeout: time.Minute}, nil)
	quiet, p := h.connect(t)
	response, err := http.Get(h.url + "/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	<-h.peers
	if s := h.Stats(); s.WebSocket != 1 || s.Polling != 1 || s.Opened != 2 || s.Written < 2 || s.WrittenBytes < 100 || s.Dropped != 0 {
		t.Errorf("with one of each: %+v", s)
	}

	_ = quiet.Close()
	p.wantClosed(t, engineio.TransportClose)
	h.dial(t, "EIO=4&transport=websocket") // never reads
	slow := <-h.peers
	large := engineio.NewText(make([]byte, 1<<20))
	full := h.Stats()
	for full.Dropped == 0 || full.MaxQueuedBytes < 1<<20 { // what the kernel takes may be much
		slow.SendVolatile(large)
		full = h.Stats()
	}
	if full.QueuedBytes < full.MaxQueuedBytes || full.QueuedFrames == 0 {
		t.Errorf("with one that is slow: %+v", full)
	}
	for err = nil; err == nil; {
		err = slow.Send(large)
	}
	slow.wantClosed(t, engineio.SlowConsumer)
	if s := h.Stats(); s.Closed[engineio.TransportClose] != 1 || s.Closed[engineio.SlowConsumer] != 1 || s.Opened != 3 || s.WebSocket != 0 {
		t.Errorf("after two have gone: %+v", s)
	}
}
