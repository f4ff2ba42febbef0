package engineio_test

import (
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"
)

func TestOpenPacketHasExactlyTheProtocolsKeys(t *testing.T) {
	t.Parallel()
	c := start(t, suite, echo).dial(t, "EIO=4&transport=websocket")
	text := c.text()
	if text[0] != '0' {
		t.Fatalf("first packet is %q", text)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(text[1:]), &got); err != nil {
		t.Fatal(err)
	}
	sid, _ := got["sid"].(string)
	if len(sid) != 22 {
		t.Errorf("sid %q is not 128 bits of base64url", sid)
	}
	delete(got, "sid")
	want := `{"maxPayload":1000000,"pingInterval":300,"pingTimeout":200,"upgrades":[]}`
	if b, _ := json.Marshal(got); string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
}

func TestMessagesAreEchoed(t *testing.T) {
	t.Parallel()
	c, _ := start(t, suite, echo).connect(t)
	c.say("4hello")
	c.want("4hello")
	c.sayBinary("\x01\x02\x03\x04")
	if kind, data := c.read(); kind != websocket.BinaryMessage || data != "\x01\x02\x03\x04" {
		t.Errorf("got kind %d, %q", kind, data)
	}
}
