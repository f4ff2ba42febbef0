package hub_test

import (
	"encoding/json"
	"testing"

	"parley/domain/event"
	"parley/domain/wire"
	"parley/realtime/engineio"
	"parley/realtime/hub"
)

// size is that of a text message's frame.
func size(text string) int { return engineio.NewPlain([]byte(text)).Size() }

func TestPlainFormIsEncodedOnce(t *testing.T) {
	t.Parallel()
	p := hub.NewPush(wire.Push{Event: "new-message", Data: json.RawMessage(`{"a":1}`)}, event.Position(7))
	first, err := p.Plain()
	if err != nil || first.Size() != size(`{"event":"new-message","data":{"a":1}}`) {
		t.Errorf("%d bytes, %v", first.Size(), err)
	}
	if again, _ := p.Plain(); again != first {
		t.Error("encoded twice")
	}
}

func TestEncodePlainQuotesNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":       `{"event":"","data":null}`,
		"a-b:c":  `{"event":"a-b:c","data":null}`,
		"a\"\\<": `{"event":"a\"\\<","data":null}`,
		"é\n":    `{"event":"é\n","data":null}`,
	} {
		if got := hub.EncodePlain(name, nil).Size(); got != size(want) {
			t.Errorf("%q: %d bytes, want %d", name, got, size(want))
		}
	}
}
