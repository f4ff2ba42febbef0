package main

import (
	"strings"
	"testing"
)

// The tests of the public Socket.IO v5 suite about namespaces and messages, in its order, over a
// WebSocket.
func TestSocketIOSuite(t *testing.T) {
	t.Parallel()
	address := begin(t, false)
	for _, tc := range socketTests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := door{T: t, address: address, path: "/socket.io/"}.on(t).connect()
			for _, step := range tc.steps {
				step(p)
			}
		})
	}
}

func says(texts ...string) func(peer)        { return func(p peer) { p.says(texts...) } }
func saysBinary(datas ...string) func(peer)  { return func(p peer) { p.saysBinary(datas...) } }
func hears(texts ...string) func(peer)       { return func(p peer) { p.hears(texts...) } }
func hearsBinary(datas ...string) func(peer) { return func(p peer) { p.hearsBinary(datas...) } }

// connected hears a CONNECT reply, which has a sid and nothing else.
func connected(head string) func(peer) {
	return func(p peer) {
		p.Helper()
		_, text := p.read()
		rest, ok := strings.CutPrefix(text, head+`{"sid":"`)
		if sid, end := strings.CutSuffix(rest, `"}`); !ok || !end || sid == "" || strings.ContainsAny(sid, `",`) {
			p.Fatalf("got %q", text)
		}
	}
}

func joined(p peer) {
	p.Helper()
	p.says("40")
	connected("40")(p)
	p.hears(`42["auth",{}]`)
}

func closes(p peer) { p.wantClose() }

const placeholders = `{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}`

var socketTests = []struct {
	name  string
	steps []func(peer)
}{
	{"main namespace", []func(peer){says("40"), connected("40"), hears(`42["auth",{}]`)}},
	{"main namespace, payload", []func(peer){says(`40{"token":"123"}`), connected("40"), hears(`42["auth",{"token":"123"}]`)}},
	{"custom namespace", []func(peer){says("40/custom,"), connected("40/custom,"), hears(`42/custom,["auth",{}]`)}},
	{"custom namespace, payload", []func(peer){says(`40/custom,{"token":"abc"}`), connected("40/custom,"), hears(`42/custom,["auth",{"token":"abc"}]`)}},
	{"unknown namespace", []func(peer){says("40/random"), hears(`44/random,{"message":"Invalid namespace"}`)}},
	{"invalid handshake", []func(peer){says("4abc"), closes}},
	{"no handshake", []func(peer){closes}},

	{"disconnect from the main namespace", []func(peer){joined, says("41"), hears("2")}},
	{"disconnect from a custom namespace", []func(peer){
		joined, hears("2"), says("3", "40/custom"), connected("40/custom,"), hears(`42/custom,["auth",{}]`),
		says("41/custom", `42["message","message to main namespace"]`), hears(`42["message-back","message to main namespace"]`),
	}},

	{"message", []func(peer){joined, says(`42["message",1,"2",{"3":[true]}]`), hears(`42["message-back",1,"2",{"3":[true]}]`)}},
	{"message, attachments", []func(peer){
		joined, says(`452-["message",` + placeholders + `]`), saysBinary("\x01\x02\x03", "\x04\x05\x06"),
		hears(`452-["message-back",` + placeholders + `]`), hearsBinary("\x01\x02\x03", "\x04\x05\x06"),
	}},
	{"ack", []func(peer){joined, says(`42456["message-with-ack",1,"2",{"3":[false]}]`), hears(`43456[1,"2",{"3":[false]}]`)}},
	{"ack, attachments", []func(peer){
		joined, says(`452-789["message-with-ack",` + placeholders + `]`), saysBinary("\x01\x02\x03", "\x04\x05\x06"),
		hears(`462-789[` + placeholders + `]`), hearsBinary("\x01\x02\x03", "\x04\x05\x06"),
	}},
	{"unknown packet type", []func(peer){joined, says("4abc"), closes}},
	{"invalid payload", []func(peer){joined, says("42{}"), closes}},
	{"invalid ack id", []func(peer){joined, says(`42abc["message-with-ack",1,"2",{"3":[false]}]`), closes}},
}

// The same conversation over polling alone.
func TestSocketIOOverPolling(t *testing.T) {
	t.Parallel()
	d := door{address: begin(t, true), path: "/socket.io/", patient: true}.on(t)
	q := d.poll()
	d.want(200, "ok", "POST", q, `40{"token":"123"}`)
	_, text, err := d.ask(t.Context(), "GET", q, "")
	if packets := strings.Split(text, "\x1e"); err != nil || len(packets) != 2 ||
		!strings.HasPrefix(packets[0], `40{"sid":"`) || packets[1] != `42["auth",{"token":"123"}]` {
		t.Fatalf("got %q, %v", text, err)
	}
	d.want(200, "ok", "POST", q, `42["message",1]`+"\x1e"+`452-7["message-with-ack",`+placeholders+"]\x1ebAQID\x1ebBAUG")
	d.want(200, `42["message-back",1]`+"\x1e462-7["+placeholders+"]\x1ebAQID\x1ebBAUG", "GET", q, "")
	d.want(200, "ok", "POST", q, "4abc")
	d.want(200, "1", "GET", q, "")
	d.want(400, "", "GET", q, "")
}
