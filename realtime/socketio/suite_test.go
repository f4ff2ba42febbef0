package socketio_test

import (
	"testing"
)

// The rows of the public Socket.IO v5 protocol test suite that concern
// namespaces and messages, over WebSocket.

func TestSuiteConnect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, say, sid, auth string }{
		{"main namespace", `40`, `40{"sid":"`, `42["auth",{}]`},
		{"main namespace with a payload", `40{"token":"123"}`, `40{"sid":"`, `42["auth",{"token":"123"}]`},
		{"custom namespace", `40/custom,`, `40/custom,{"sid":"`, `42/custom,["auth",{}]`},
		{"custom namespace without comma", `40/custom`, `40/custom,{"sid":"`, `42/custom,["auth",{}]`},
		{"custom namespace with a payload", `40/custom,{"token":"abc"}`, `40/custom,{"sid":"`, `42/custom,["auth",{"token":"abc"}]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, quick, suite()).dial(t)
			c.say(tc.say)
			if rest := c.wantPrefix(tc.sid); len(rest) != 22 || rest[20:] != `"}` {
				t.Errorf("the reply ends with %q", rest)
			}
			c.want(tc.auth)
		})
	}
}

func TestSuiteUnknownNamespace(t *testing.T) {
	t.Parallel()
	c := start(t, quick, suite()).dial(t)
	c.say("40/random")
	c.want(`44/random,{"message":"Invalid namespace"}`)
	c.say("40/foo?x=1,{}")
	c.want(`44/foo?x=1,{"message":"Invalid namespace"}`)
	c.say("40")
	c.wantPrefix(`40{"sid":"`)
}

func TestSuiteConnectionWithoutNamespaceIsClosed(t *testing.T) {
	t.Parallel()
	start(t, quick, suite()).dial(t).wantClosed()
}

func TestSuiteDisconnect(t *testing.T) {
	t.Parallel()
	h := start(t, quick, suite())
	t.Run("from the main namespace", func(t *testing.T) {
		c, m := h.connect(t)
		c.wantPrefix(`42["auth"`)
		c.say("41")
		m.wantLeft(t, "client namespace disconnect")
		if _, data := c.frame(); data != "2" {
			t.Errorf("got %q, want a ping", data)
		}
	})
	t.Run("from a custom namespace", func(t *testing.T) {
		c, _ := h.connect(t)
		c.wantPrefix(`42["auth"`)
		c.say("40/custom")
		c.wantPrefix(`40/custom,{"sid"`)
		c.want(`42/custom,["auth",{}]`)
		c.say("41/custom")
		c.say(`42["message","message to main namespace"]`)
		c.want(`42["message-back","message to main namespace"]`)
	})
}

func TestSuiteMessages(t *testing.T) {
	t.Parallel()
	c, _ := start(t, quick, suite()).connect(t)
	c.want(`42["auth",{}]`)

	c.say(`42["message",1,"2",{"3":[true]}]`)
	c.want(`42["message-back",1,"2",{"3":[true]}]`)

	c.say(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.sayBinary("\x01\x02\x03")
	c.sayBinary("\x04\x05\x06")
	c.want(`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.wantBinary("\x01\x02\x03")
	c.wantBinary("\x04\x05\x06")

	c.say(`42456["message-with-ack",1,"2",{"3":[false]}]`)
	c.want(`43456[1,"2",{"3":[false]}]`)

	c.say(`452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.sayBinary("\x01\x02\x03")
	c.sayBinary("\x04\x05\x06")
	c.want(`462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.wantBinary("\x01\x02\x03")
	c.wantBinary("\x04\x05\x06")
}
