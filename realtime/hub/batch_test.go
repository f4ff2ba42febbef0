package hub_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"weak"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/engineio"
	"parley/realtime/hub"
)

func pushed(at event.Position, name, data string, durable bool) *hub.Push {
	return hub.NewPush(wire.Push{Event: name, Data: []byte(data), Durable: durable}, at)
}

func TestBatchInItsForms(t *testing.T) {
	t.Parallel()
	messages := []*hub.Push{pushed(3, "new-message", `{"n":1}`, true), pushed(7, "new-message", `{"n":2}`, true)}
	for _, tc := range []struct {
		name         string
		pushes       []*hub.Push
		event        string
		plain        string
		offset       string
		wantPosition event.Position
	}{
		{"durable", messages, "batch:new-message", `[{"n":1},{"n":2}]`, `"7"`, 7},
		{"one", messages[:1], "batch:new-message", `[{"n":1}]`, `"3"`, 3},
		{
			"volatile",
			[]*hub.Push{pushed(3, "typing-started", `{}`, false), pushed(3, "typing-started", `{}`, false)},
			"batch:typing-started", `[{},{}]`, "", 0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			batch := hub.Batch(tc.pushes)
			if batch.Event != tc.event || string(batch.Payload()) != tc.plain || batch.Position != tc.wantPosition {
				t.Errorf("batch %s %s at %d", batch.Event, batch.Payload(), batch.Position)
			}
			sameFrame(t, batch.SocketIO, tc.event, tc.plain)
			if tc.offset == "" {
				sameFrame(t, batch.SocketIOOffset, tc.event, tc.plain)
			} else {
				sameFrame(t, batch.SocketIOOffset, tc.event, tc.plain, tc.offset)
			}
		})
	}
}

// sameFrame compares a form's size with what the arguments make. The bytes themselves are compared
// where a client reads them, in package realtime.
func sameFrame(t *testing.T, form func() (*engineio.Frame, error), name string, args ...string) {
	t.Helper()
	got, err := form()
	if err != nil {
		t.Fatal(err)
	}
	text := `2["` + strings.Join(append([]string{name + `"`}, args...), ",") + "]"
	if want := engineio.NewTextString(text); got.Size() != want.Size() {
		t.Errorf("the frame has %d bytes, want %d: %s", got.Size(), want.Size(), text)
	}
}

func TestBatchIsShared(t *testing.T) {
	t.Parallel()
	a, b, c := pushed(1, "e", "1", true), pushed(2, "e", "2", true), pushed(3, "e", "3", true)
	first := hub.Batch([]*hub.Push{a, b, c})
	for _, tc := range []struct {
		name   string
		pushes []*hub.Push
		same   bool
	}{
		{"the same", []*hub.Push{a, b, c}, true},
		{"one less", []*hub.Push{a, b}, false},
		{"another between", []*hub.Push{a, pushed(2, "e", "2", true), c}, false},
		{"another at the end", []*hub.Push{a, b, pushed(3, "e", "3", true)}, false},
		{"another order", []*hub.Push{a, c, b}, false},
	} {
		if got := hub.Batch(tc.pushes); (got == first) != tc.same {
			t.Errorf("%s: shared %t, want %t", tc.name, got == first, tc.same)
		}
	}
	runtime.KeepAlive(first)
}

// Pushes may be kept for long, in memory of what clients missed; batches may not.
func TestBatchDoesNotOutliveItsUse(t *testing.T) {
	t.Parallel()
	list := []*hub.Push{pushed(1, "e", "1", true), pushed(2, "e", "2", true)}
	batch := weak.Make(hub.Batch(list))
	for range 10 {
		runtime.GC()
		if batch.Value() == nil {
			break
		}
	}
	if batch.Value() != nil {
		t.Error("a push keeps the batch that begins with it")
	}
	if got := hub.Batch(list); string(got.Payload()) != "[1,2]" {
		t.Errorf("made anew it is %s", got.Payload())
	}
}

// Sockets with nothing in common do not make the list of batches long.
func TestManyBatchesBeginWithOnePush(t *testing.T) {
	t.Parallel()
	first := pushed(1, "e", "0", true)
	var kept []*hub.Push
	for i := range 1000 {
		batch := hub.Batch([]*hub.Push{first, pushed(2, "e", strconv.Itoa(i), true)})
		if want := fmt.Sprintf("[0,%d]", i); string(batch.Payload()) != want {
			t.Fatalf("batch %s, want %s", batch.Payload(), want)
		}
		kept = append(kept, batch)
	}
	runtime.KeepAlive(kept)
}
