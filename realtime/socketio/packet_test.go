package socketio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/realtime/socketio"
)

func raw(texts ...string) (list []json.RawMessage) {
	for _, t := range texts {
		list = append(list, json.RawMessage(t))
	}
	return list
}

func TestPackets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want socketio.Packet
	}{
		{`0`, socketio.Packet{Type: socketio.Connect, Namespace: "/"}},
		{`0{}`, socketio.Packet{Type: socketio.Connect, Namespace: "/", Object: json.RawMessage(`{}`)}},
		{`0{"token":"123"}`, socketio.Packet{Type: socketio.Connect, Namespace: "/", Object: json.RawMessage(`{"token":"123"}`)}},
		{`0/custom,`, socketio.Packet{Type: socketio.Connect, Namespace: "/custom"}},
		{`0/a?x=1,{"b":2}`, socketio.Packet{Type: socketio.Connect, Namespace: "/a?x=1", Object: json.RawMessage(`{"b":2}`)}},
		{`1`, socketio.Packet{Type: socketio.Disconnect, Namespace: "/"}},
		{`1/custom,`, socketio.Packet{Type: socketio.Disconnect, Namespace: "/custom"}},
		{`2["a"]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/", Name: "a"}},
		{`2[""]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/"}},
		{`2["a",1,"2",{"3":[true]}]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/", Name: "a", Args: raw(`1`, `"2"`, `{"3":[true]}`)}},
		{`2["error",null]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/", Name: "error", Args: raw(`null`)}},
		{`2["__proto__",{"__proto__":1}]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/", Name: "__proto__", Args: raw(`{"__proto__":1}`)}},
		{`2/admin,456["a",1e400,12345678901234567890]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/admin", ID: "456", Name: "a", Args: raw(`1e400`, `12345678901234567890`)}},
		{`2007["a"]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/", ID: "007", Name: "a"}},
		{`2["a",{"_placeholder":true,"num":9}]`, socketio.Packet{Type: socketio.EventPacket, Namespace: "/", Name: "a", Args: raw(`{"_placeholder":true,"num":9}`)}},
		{`3[]`, socketio.Packet{Type: socketio.Ack, Namespace: "/"}},
		{`31[]`, socketio.Packet{Type: socketio.Ack, Namespace: "/", ID: "1"}},
		{`3/a,999999999999999999["x"]`, socketio.Packet{Type: socketio.Ack, Namespace: "/a", ID: "999999999999999999", Args: raw(`"x"`)}},
		{`4{"message":"no"}`, socketio.Packet{Type: socketio.ConnectErrorPacket, Namespace: "/", Object: json.RawMessage(`{"message":"no"}`)}},
		{`51-["a",{"_placeholder":true,"num":0}]`, socketio.Packet{Type: socketio.BinaryEvent, Attachments: 1, Namespace: "/", Name: "a", Args: raw(`{"_placeholder":true,"num":0}`)}},
		{`510-/b,7["a",[{"x":{"num":9,"_placeholder":true}}]]`, socketio.Packet{}},
		{`510-/b,7["a",[{"x":{"num":8,"_placeholder":true}},{"_placeholder":true,"num":8}]]`, socketio.Packet{
			Type: socketio.BinaryEvent, Attachments: 10, Namespace: "/b", ID: "7", Name: "a",
			Args: raw(`[{"x":{"num":8,"_placeholder":true}},{"_placeholder":true,"num":8}]`),
		}},
		{`61-1[{"_placeholder":false,"num":5},{"_placeholder":1},{"num":77}]`, socketio.Packet{
			Type: socketio.BinaryAck, Attachments: 1, Namespace: "/", ID: "1",
			Args: raw(`{"_placeholder":false,"num":5}`, `{"_placeholder":1}`, `{"num":77}`),
		}},
	} {
		got, err := socketio.ParsePacket([]byte(tc.text), socketio.Limits{})
		if tc.want.Namespace == "" {
			continue
		}
		if err != nil || got.Type != tc.want.Type || got.Attachments != tc.want.Attachments || got.Namespace != tc.want.Namespace ||
			got.ID != tc.want.ID || got.Name != tc.want.Name || !bytes.Equal(got.Object, tc.want.Object) || !equalArgs(got.Args, tc.want.Args) {
			t.Errorf("%s: got %+v, %v", tc.text, got, err)
		}
		if back := string(tc.want.AppendText(nil)); back != tc.text {
			t.Errorf("%s is encoded as %s", tc.text, back)
		}
	}
}

func equalArgs(a, b []json.RawMessage) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

func TestOtherSpellings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0/custom":                    "0/custom,",
		"1/custom":                    "1/custom,",
		" 2":                          "",
		"2[ \"a\" ,\t1 ,\r\n[ 2 ] ] ": `2["a",1,[ 2 ]]`,
		`2["\u0061\n"]`:               `2["a\n"]`,
		`2["é",""]`:                   `2["é",""]`,
		`2["a","\ud800"]`:             `2["a","\ud800"]`,
		`0 {"a":1} `:                  "",
		`51-["a",{"\u005fplaceholder":true,"n\u0075m":0}]`: `51-["a",{"\u005fplaceholder":true,"n\u0075m":0}]`,
	} {
		p, err := socketio.ParsePacket([]byte(text), socketio.Limits{})
		if want == "" {
			if err == nil {
				t.Errorf("%q was taken as %+v", text, p)
			}
			continue
		}
		if err != nil || string(p.AppendText(nil)) != want {
			t.Errorf("%q: got %s, %v", text, p.AppendText(nil), err)
		}
	}
}

var malformed = []string{
	// types
	"", "7", "9", "abc", "-", "x[]", "\x00", `"`, "[]",
	// payloads of events
	`2`, `2[]`, `2[null]`, `2{}`, `2"a"`, `2[1]`, `2[1.5,"a"]`, `2[{}]`, `2[["a"]]`, `2[true]`, `2["a"`, `2["a",]`, `2[,"a"]`, `2["a"]x`, `2["a"][]`,
	`2["a" "b"]`, `2["a",01]`, `2["a",+1]`, `2["a",.5]`, `2["a",1.]`, `2["a",1e]`, `2["a",-]`, `2["a",nul]`, `2["a",NaN]`, `2["a",'b']`, `2["a","b]`,
	`2["a","\x"]`, `2["a","\u12"]`, `2["a","\u12g4"]`, "2[\"a\",\"\\u\x11\x11\x11\x11\"]", "2[\"a\",\"\n\"]", `2["a",{]`, `2["a",{"b"}]`, `2["a",{"b":}]`, `2["a",{"b":1,}]`, `2["a",{b:1}]`, `2["a",{1:1}]`, `2["a",[1,]]`, "2[\"a\"\x00]",
	// reserved and oversized names
	`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`, `2["newListener"]`, `2["removeListener"]`, `2["\u0063onnect"]`,
	`2["` + strings.Repeat("n", 129) + `"]`, `2["` + strings.Repeat("é", 65) + `"]`, `2["` + strings.Repeat(`\u0061`, 129) + `"]`,
	// ack ids
	`2abc["a"]`, `2-1["a"]`, `21.5["a"]`, `21e3["a"]`, `2 1["a"]`, `21234567890123456789["a"]`, `2١["a"]`, `01{}`, `11`,
	// control packets
	`0"x"`, `0[]`, `0null`, `01`, `0{`, `0{}x`, `0/a,"x"`, `1{}`, `1{"a":1}`, `1/a,{}`, `1[]`, `4"no"`,
	// acks
	`3`, `31`, `31{}`, `31"x"`, `31[`, `31null`, `3abc[]`, `3-1[]`,
	// attachments
	`5["a"]`, `50-["a"]`, `5-["a"]`, `511-["a"]`, `51e1-["a"]`, `5-1-["a"]`, `501-["a"]`, `51["a"]`, `51`, `51-`, `5 1-["a"]`, `599999999999999999999-["a"]`,
	`51-["a",{"_placeholder":true,"num":1}]`, `51-["a",{"_placeholder":true,"num":-1}]`, `51-["a",{"_placeholder":true,"num":"0"}]`,
	`51-["a",{"_placeholder":true,"num":0.0}]`, `51-["a",{"_placeholder":true,"num":0e0}]`, `51-["a",{"_placeholder":true,"num":null}]`,
	`51-["a",{"_placeholder":true}]`, `51-["a",[[{"b":{"_placeholder":true,"num":7}}]]]`, `51-["a",{"_placeholder":true,"num":99999999999999999999}]`,
	`51-["a",{"_placehold\u0065r":true,"num":7}]`, `51-["a",{"_placeholder":false,"_placeholder":true,"num":7}]`, `61-1[{"_placeholder":true,"num":1}]`,
	// sizes
	`0/` + strings.Repeat("n", 128) + `,`, `2["a"` + strings.Repeat(",1", 65) + `]`, `31[0` + strings.Repeat(",1", 64) + `]`,
	`2["a",` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `]`, `2["a",` + strings.Repeat(`{"b":`, 64) + "1" + strings.Repeat("}", 64) + `]`,
	`0` + strings.Repeat(`{"b":`, 65) + "1" + strings.Repeat("}", 65), `2["a",` + strings.Repeat("[", 900_000),
}

func TestMalformedPackets(t *testing.T) {
	t.Parallel()
	for _, text := range malformed {
		if p, err := socketio.ParsePacket([]byte(text), socketio.Limits{}); !errors.Is(err, socketio.ErrPacket) {
			t.Errorf("%.60q was taken as %+v (%v)", text, p, err)
		}
	}
}

func TestLimitsThemselvesAreAllowed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`2["` + strings.Repeat("n", 128) + `"]`, `2["` + strings.Repeat(`\u0061`, 128) + `"]`, `0/` + strings.Repeat("n", 127) + `,`,
		`2["a"` + strings.Repeat(",1", 64) + `]`, `31[0` + strings.Repeat(",1", 63) + `]`,
		`2["a",` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `]`,
		`0` + strings.Repeat(`{"b":`, 64) + "1" + strings.Repeat("}", 64),
		`2999999999999999999["a"]`,
	} {
		if _, err := socketio.ParsePacket([]byte(text), socketio.Limits{}); err != nil {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	for _, text := range malformed {
		if len(text) < 200 {
			f.Add([]byte(text))
		}
	}
	f.Add([]byte(`52-/custom,12["a",{"_placeholder":true,"num":0},[1,-2.5e+3,"\u00e9"]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return // package engineio lets none through
		}
		p, err := socketio.ParsePacket(text, socketio.Limits{})
		if err != nil {
			if !errors.Is(err, socketio.ErrPacket) {
				t.Fatal(err)
			}
			mustBeWrong(t, text)
			return
		}
		for _, arg := range append(p.Args, p.Object) {
			if len(arg) > 0 && !json.Valid(arg) {
				t.Fatalf("%q: argument %q is no JSON", text, arg)
			}
		}
		encoded := p.AppendText(nil)
		again, err := socketio.ParsePacket(encoded, socketio.Limits{})
		if err != nil || again.Name != p.Name {
			t.Fatalf("%q: %+v came back as %+v, %v", text, p, again, err)
		}
		if twice := again.AppendText(nil); !bytes.Equal(twice, encoded) {
			t.Fatalf("%q: encoded as %q, then as %q", text, encoded, twice)
		}
	})
}

// mustBeWrong compares a refused plain event with what encoding/json thinks.
func mustBeWrong(t *testing.T, text []byte) {
	t.Helper()
	if len(text) < 2 || text[0] != '2' || text[1] != '[' || bytes.Count(text, []byte("[")) > 40 || bytes.Count(text, []byte("{")) > 20 {
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(text[1:], &list) != nil || len(list) == 0 || len(list) > 65 {
		return
	}
	var name *string
	if json.Unmarshal(list[0], &name) != nil || name == nil || len(*name) > 128 || len(list[0]) > 128 {
		return
	}
	switch *name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return
	}
	t.Fatalf("%q is fine", text)
}
