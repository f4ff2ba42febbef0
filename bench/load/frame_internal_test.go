package load

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// serverFrame is a frame as servers send it: not masked.
func serverFrame(op byte, payload []byte) []byte {
	frame, body := newFrame(op, payload)
	frame = append(frame[:body-len(maskKey):body-len(maskKey)], payload...)
	frame[1] &^= maskBit
	return frame
}

func TestFramesOfAllLengths(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		payload := bytes.Repeat([]byte("x"), size)
		frame := serverFrame(opText, payload)
		op, got, rest, ok, err := nextFrame(append(frame, "next"...))
		if err != nil || !ok || op != opText || !bytes.Equal(got, payload) || string(rest) != "next" {
			t.Errorf("%d bytes: op %d, %d bytes, rest %q, ok %v, error %v", size, op, len(got), rest, ok, err)
		}
		if _, _, _, ok, _ := nextFrame(frame[:len(frame)-1]); ok {
			t.Errorf("%d bytes: complete without its last byte", size)
		}
	}
}

func TestFramesThatWereNotAgreedOn(t *testing.T) {
	huge := binary.BigEndian.AppendUint64([]byte{finBit | opText, 127}, 1<<40)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"the first of several": {[]byte{opText, 0}, errFragmented},
		"a continuation":       {[]byte{finBit, 0}, errFragmented},
		"compressed":           {[]byte{finBit | 0x40 | opText, 0}, errFragmented},
		"too long":             {huge, errFrameSize},
	} {
		if _, _, _, ok, err := nextFrame(c.data); ok || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ear keeps what a socket hears.
type ear struct {
	texts []string
	ended error
}

func (e *ear) connected()                  { e.texts = append(e.texts, "connected") }
func (e *ear) packet(text []byte, _ int64) { e.texts = append(e.texts, string(text)) }
func (e *ear) disconnected(err error)      { e.ended = err }
func testSocket(user receiver) *socket     { return &socket{loop: &loop{}, user: user} }

const upgradeAnswer = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + upgradeAccept + "\r\n\r\n"

func TestASocketReadsWhateverTheParts(t *testing.T) {
	long := strings.Repeat("long ", 100)
	stream := []byte(upgradeAnswer)
	for _, text := range []string{"first", "", long} {
		stream = append(stream, serverFrame(opText, []byte(text))...)
	}
	want := fmt.Sprint([]string{"connected", "first", "", long})
	for size := 1; size <= len(stream); size++ {
		e := &ear{}
		s := testSocket(e)
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			s.input(rest[:n])
			rest = rest[n:]
		}
		if got := fmt.Sprint(e.texts); got != want || e.ended != nil || len(s.rest) > 0 {
			t.Fatalf("parts of %d bytes: heard %.80s, %v", size, got, e.ended)
		}
	}
}

func TestATemplateIsNumbered(t *testing.T) {
	for _, name := range []string{DoorSocketIO, DoorPlain} {
		d := doorNamed(name, "/socket.io")
		tpl := newTemplate(d, "room-1", "once", 7, 200)
		for _, m := range []mark{{7, 0, 0}, {7, 0xFFFFFFFE, 1<<62 + 12345}} {
			frame := tpl.message(firstAck+42, m)
			payload := make([]byte, len(frame)-tpl.body)
			for i := range payload {
				payload[i] = frame[tpl.body+i] ^ maskKey[i&3]
			}
			if frame[0] != finBit|opText || !bytes.Contains(payload, []byte("1000000042")) {
				t.Errorf("%s: %s", name, payload)
			}
			var data struct{ RoomID, Content, ClientMessageID string }
			object := payload[bytes.IndexByte(payload, ',')+1 : len(payload)-1]
			if name == DoorPlain {
				_, object, _ = bytes.Cut(payload[:len(payload)-1], []byte(`"data":`))
			}
			if err := json.Unmarshal(object, &data); err != nil {
				t.Fatalf("%s: %v in %s", name, err, object)
			}
			if data.RoomID != "room-1" || len(data.Content) != 200 || data.ClientMessageID != fmt.Sprintf("once-%08x-%08x", m.stream, m.number) {
				t.Errorf("%s: %+v", name, data)
			}
			if got, ok := findMark(payload); !ok || got != m {
				t.Errorf("%s: mark %+v, want %+v", name, got, m)
			}
		}
	}
}

func TestPacketsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		door, packet string
		want         kind
	}{
		{DoorSocketIO, `42["new-message",{"content":"x"}]`, delivery},
		{DoorSocketIO, `42["user-joined",{}]`, other},
		{DoorSocketIO, `431000000000[{"success":true}]`, answer},
		{DoorSocketIO, `0{"sid":"x"}`, open},
		{DoorSocketIO, `40{"sid":"x"}`, welcome},
		{DoorSocketIO, `44{"message":"no"}`, refusal},
		{DoorSocketIO, `41`, refusal},
		{DoorSocketIO, `2`, ping},
		{DoorSocketIO, `6`, other},
		{DoorPlain, `{"event":"new-message","data":{}}`, delivery},
		{DoorPlain, `{"event":"typing-started","data":{}}`, other},
		{DoorPlain, `{"id":1000000000,"success":true}`, answer},
		{DoorPlain, `{"id":0,"success":true}`, welcome},
		{DoorPlain, `{"id":0,"success":false,"code":"UNAUTHENTICATED"}`, refusal},
	} {
		if got := doorNamed(c.door, "").of([]byte(c.packet)); got != c.want {
			t.Errorf("%s: %s is %d, want %d", c.door, c.packet, got, c.want)
		}
	}
}

func TestAnswersAreRead(t *testing.T) {
	d := doorNamed(DoorSocketIO, "")
	for packet, want := range map[string]bool{
		`431000000007[{"success":true,"data":{}}]`:                                          true,
		`431000000007[{"success":false,"error":"too many messages","code":"RATE_LIMITED"}]`: false,
	} {
		if ack, ok, err := d.parseAck([]byte(packet)); ack != 1_000_000_007 || ok != want || err != nil {
			t.Errorf("%s: %d, %v, %v", packet, ack, ok, err)
		}
	}
	for _, packet := range []string{`43[{}]`, `437[{}]`, `4310000000071[{}]`} {
		if _, _, err := d.parseAck([]byte(packet)); err == nil {
			t.Errorf("%s has no number of ours", packet)
		}
	}
	if got := code([]byte(`44{"message":"Authentication failed","data":{"code":"TOKEN_EXPIRED"}}`)); got != "TOKEN_EXPIRED" {
		t.Errorf("code %q", got)
	}
}

func TestOffsetsAreFound(t *testing.T) {
	for packet, want := range map[string]string{
		`42["new-message",{"content":"a"},"112"]`:    "112",
		`42["new-message",{"content":"a"},"1700-0"]`: "1700-0",
		`42["new-message",{"content":"a"}]`:          "",
		`42["batch:x",[{"content":"a"}]]`:            "",
		`42["typing-started",{"names":["a","b"]}]`:   "",
	} {
		if got := string(lastString([]byte(packet))); got != want {
			t.Errorf("%s: %q, want %q", packet, got, want)
		}
	}
}

// What a delivery costs beside the system call: no allocation.
func BenchmarkDelivery(b *testing.B) {
	f := &fleet{door: doorNamed(DoorSocketIO, "/socket.io"), options: Options{Senders: 1, Size: 100}}
	room := &chatRoom{id: "room"}
	c := &client{fleet: f, loop: &loop{tally: newTally()}}
	room.take(c)
	f.newStream(c)
	s := testSocket(c)
	s.loop, s.upgraded = c.loop, true
	const together = 20
	var data []byte
	for n := range uint32(together) {
		text := fmt.Sprintf(`42["new-message",{"id":"01890000-0000-7000-8000-000000000001","roomId":"room","seq":12,"sender":{"id":"ann",`+
			`"username":"Ann","displayName":"Ann","avatarUrl":""},"content":"%s%08x%08x%016x and more","attachments":[],"replyTo":null,`+
			`"mentions":[],"reactions":{},"pinned":false,"at":"2026-01-02T03:04:05.678Z","position":"112"}]`, markPrefix, 0, n, 0)
		data = append(data, serverFrame(opText, []byte(text))...)
	}
	b.ReportAllocs()
	before := ownTime()
	for b.Loop() {
		c.ears[0] = heard{}
		s.input(data)
	}
	b.ReportMetric(float64(ownTime()-before)/float64(b.N)/together, "cpu-ns/delivery")
	if c.loop.tally.strange > 0 || c.loop.tally.late > 0 {
		b.Fatal("the deliveries are not in order")
	}
}
