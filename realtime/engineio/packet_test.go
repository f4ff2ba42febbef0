package engineio_test

import (
	"bytes"
	"errors"
	"testing"

	"parley/realtime/engineio"
)

func TestPackets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want engineio.Packet
	}{
		{`0{"sid":"x"}`, engineio.Packet{Type: engineio.Open, Data: []byte(`{"sid":"x"}`)}},
		{"1", engineio.Packet{Type: engineio.Close}},
		{"2", engineio.Packet{Type: engineio.Ping}},
		{"2probe", engineio.Packet{Type: engineio.Ping, Data: []byte("probe")}},
		{"3", engineio.Packet{Type: engineio.Pong}},
		{"4", engineio.Packet{Type: engineio.Msg}},
		{"4hello", engineio.Packet{Type: engineio.Msg, Data: []byte("hello")}},
		{"4€", engineio.Packet{Type: engineio.Msg, Data: []byte("€")}},
		{"5", engineio.Packet{Type: engineio.Upgrade}},
		{"6", engineio.Packet{Type: engineio.Noop}},
		{"b", engineio.Packet{Type: engineio.Msg, Binary: true}},
		{"bAQIDBA==", engineio.Packet{Type: engineio.Msg, Binary: true, Data: []byte{1, 2, 3, 4}}},
	} {
		got, err := engineio.ParsePacket([]byte(tc.text))
		if err != nil || got.Type != tc.want.Type || got.Binary != tc.want.Binary || !bytes.Equal(got.Data, tc.want.Data) {
			t.Errorf("%q: got %+v, %v", tc.text, got, err)
		}
		if back := tc.want.AppendText(nil); string(back) != tc.text {
			t.Errorf("%+v is encoded as %q, want %q", tc.want, back, tc.text)
		}
	}
}

func TestBase64Variants(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"b+/+/": "\xfb\xff\xbf", "b-_-_": "\xfb\xff\xbf", "bAQ": "\x01", "bAQ==": "\x01", "bAQI": "\x01\x02", "bAQI=": "\x01\x02",
	} {
		if got, err := engineio.ParsePacket([]byte(text)); err != nil || string(got.Data) != want {
			t.Errorf("%q: got %q, %v", text, got.Data, err)
		}
	}
}

func TestMalformedPackets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "7", "9", "abc", "-", " 4x", "\x00", "é", "B", "b!", "bA", "bA===", "bAQ=", "b====", "bA=Q=", "bAQID\nBA==", "b+_+_", "bAQ==AQ==",
	} {
		if p, err := engineio.ParsePacket([]byte(text)); !errors.Is(err, engineio.ErrPacket) {
			t.Errorf("%q was taken as %+v (%v)", text, p, err)
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	for _, seed := range []string{"0{}", "1", "2probe", "3", "4hello", "5", "6", "bAQIDBA==", "bAQI", "b-_", "abc", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := engineio.ParsePacket(text)
		if err != nil {
			return
		}
		again, err := engineio.ParsePacket(p.AppendText(nil))
		if err != nil || again.Type != p.Type || again.Binary != p.Binary || !bytes.Equal(again.Data, p.Data) {
			t.Fatalf("%q: %+v came back as %+v, %v", text, p, again, err)
		}
		if !p.Binary && !bytes.Equal(p.AppendText(nil), text) {
			t.Fatalf("%q was encoded as %q", text, p.AppendText(nil))
		}
	})
}

func TestFramesCountWhatTheyHold(t *testing.T) {
	t.Parallel()
	one := engineio.NewTextString("a")
	if one.Size() != 4 || one.Packets() != 1 {
		t.Errorf("got %d bytes, %d packets", one.Size(), one.Packets())
	}
	built, err := engineio.NewTextFunc(0, func(dst []byte) ([]byte, error) { return append(dst, make([]byte, 70_000)...), nil })
	if err != nil || built.Size() != 70_011 {
		t.Errorf("got %d bytes, %v", built.Size(), err)
	}
	both := engineio.Batch(one, built, engineio.NewBinary([]byte{1}))
	if both.Size() != 4+70_011+3 || both.Packets() != 3 {
		t.Errorf("got %d bytes, %d packets", both.Size(), both.Packets())
	}
	if engineio.Batch(one) != one {
		t.Error("a batch of one is a copy")
	}
	broken := errors.New("broken")
	if _, err := engineio.NewTextFunc(0, func([]byte) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
