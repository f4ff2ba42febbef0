package socketio_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"parley/realtime/engineio"
	"parley/realtime/socketio"
)

func TestEncodeEvent(t *testing.T) {
	t.Parallel()
	h := start(t, socketio.Config{}, &room{})
	c, m := h.connect(t)
	for _, tc := range []struct {
		want     string
		binaries []string
		frame    func() (*engineio.Frame, error)
	}{
		{`42["a"]`, nil, func() (*engineio.Frame, error) { return socketio.EncodeEvent("/", "a") }},
		{`42/chat,["a"]`, nil, func() (*engineio.Frame, error) { return socketio.EncodeEvent("/chat", "a") }},
		{`42["a<b>&\"\n",null,true,-7,"<é>","q\"",1.5,{"x":"<&>"},["y"]]`, nil, func() (*engineio.Frame, error) {
			return socketio.EncodeEvent("/", "a<b>&\"\n", nil, true, -7, "<é>", `q"`, 1.5, struct {
				X string `json:"x"`
			}{"<&>"}, []string{"y"})
		}},
		{`42["a",{"z":1,"a":2},null]`, nil, func() (*engineio.Frame, error) {
			return socketio.EncodeEvent("/", "a", json.RawMessage(`{"z":1,"a":2}`), json.RawMessage(nil))
		}},
		{`42["a","\ufffd"]`, nil, func() (*engineio.Frame, error) { return socketio.EncodeEvent("/", "a", "\xff") }},
		{`42["",{"z":1, "a":2},null]`, nil, func() (*engineio.Frame, error) {
			return socketio.EncodeEventRaw("/", "", json.RawMessage(`{"z":1, "a":2}`), nil)
		}},
		{`452-/chat,["a",{"_placeholder":true,"num":0},5,{"_placeholder":true,"num":1}]`, []string{"one", ""}, func() (*engineio.Frame, error) {
			return socketio.EncodeEvent("/chat", "a", []byte("one"), 5, []byte{})
		}},
		{`451-["a",{"b":{"_placeholder":true,"num":0}}]`, []string{"x"}, func() (*engineio.Frame, error) {
			return socketio.EncodeBinaryEvent("/", "a", raw(`{"b":{"_placeholder":true,"num":0}}`), [][]byte{[]byte("x")})
		}},
	} {
		f, err := tc.frame()
		if err != nil {
			t.Fatalf("%s: %v", tc.want, err)
		}
		if f.Packets() != 1+len(tc.binaries) {
			t.Errorf("%s: %d packets", tc.want, f.Packets())
		}
		if err := m.Send(f); err != nil {
			t.Fatal(err)
		}
		c.want(tc.want)
		for _, b := range tc.binaries {
			c.wantBinary(b)
		}
	}
}

func TestWhatCannotBeEncodedIsAnError(t *testing.T) {
	t.Parallel()
	var unsupported *json.UnsupportedValueError
	if _, err := socketio.EncodeEvent("/", "a", 1, math.NaN()); !errors.As(err, &unsupported) {
		t.Errorf("got %v", err)
	}
}
