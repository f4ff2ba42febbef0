package engineio_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"runtime/metrics"
	"testing"
	"time"

	"parley/realtime/engineio"
)

// script is a connection that brings what it holds, in pieces of the sizes that cut says, and takes anything.
type script struct {
	net.Conn
	rest []byte
	cut  func(most int) int
}

func (c *script) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:c.cut(len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

func (c *script) Write(p []byte) (int, error)      { return len(p), nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

func whole(most int) int { return most }

// allocated is how many bytes this process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Whatever bytes come, and however they are cut, they are read to the same end, and cost no more than
// messages may. What is well-formed arrives as it was sent.
func FuzzFrames(f *testing.F) {
	const most = 5000
	s := engineio.NewServer(engineio.Config{MaxPayload: most, MaxPings: 1 << 30}, nil)
	long := bytes.Repeat([]byte("long "), 500)
	for i, frames := range [][]byte{
		clientFrame(0x81, "4hello", 0x12345678),
		clientFrame(0x82, string(long), 1),
		append(clientFrame(0x89, "ping", 2), clientFrame(0x88, "\x03\xe8bye", 3)...),
		append(append(clientFrame(0x01, "4he", 4), clientFrame(0x8a, "", 5)...), clientFrame(0x80, "llo", 6)...),
		clientFrame(0xc1, pack(string(long)), 7),
		append(clientFrame(0x41, pack(string(long))[:5], 8), clientFrame(0x80, pack(string(long))[5:], 9)...),
		clientFrame(0xc2, pack(string(make([]byte, 1<<20))), 10),
		clientFrame(0xc1, "\x33\xc9\x48\xcd\xc9\xc9\x07\x00\x00", 11),
		clientFrame(0xc1, "\xff\xff", 12),
		[]byte("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"),
		[]byte("\x81\xfe\x00\x05\x00\x00\x00\x004"),
		[]byte("\x09\x80\x00\x00\x00\x00"),
		[]byte("\xf1\x02ab"),
	} {
		f.Add(frames, uint64(i), i%2 == 0)
		f.Add(frames, uint64(i), i%2 == 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, compressed bool) {
		random := rand.New(rand.NewPCG(seed, 0))
		upTo := func(most int) int { return 1 + random.IntN(most) }
		before := allocated()
		got, reason, code := engineio.ReadMessages(s, &script{rest: data, cut: whole}, compressed)
		cost := allocated() - before // with some of what was not counted before
		if bound := uint64(2<<20 + 8*len(data) + 4*most*(len(got)+1)); cost > bound {
			t.Errorf("%d bytes in %d messages cost %d, at most %d were expected", len(data), len(got), cost, bound)
		}
		for _, m := range got {
			if len(m.Data) > most {
				t.Errorf("a message has %d bytes", len(m.Data))
			}
		}
		again, reason2, code2 := engineio.ReadMessages(s, &script{rest: data, cut: upTo}, compressed)
		same(t, again, got)
		if reason != reason2 || code != code2 {
			t.Errorf("ended by %q, %d; in pieces by %q, %d", reason, code, reason2, code2)
		}

		sent := []engineio.Message{{Data: data[:min(len(data), most)]}, {Binary: true, Data: long}}
		var wire []byte
		for _, m := range sent {
			wire = appendMessage(wire, m, random, compressed && random.IntN(2) == 0)
		}
		got, reason, _ = engineio.ReadMessages(s, &script{rest: wire, cut: upTo}, compressed)
		same(t, got, sent)
		if reason != engineio.TransportClose {
			t.Errorf("ended by %q", reason)
		}
	})
}

func same(t *testing.T, got, want []engineio.Message) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Binary != want[i].Binary || !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("message %d is %.100q, want %.100q", i, got[i].Data, want[i].Data)
		}
	}
}

// appendMessage appends a message in fragments, with control frames between them.
func appendMessage(wire []byte, m engineio.Message, random *rand.Rand, compress bool) []byte {
	first, rest := byte(0x1), string(m.Data)
	if m.Binary {
		first = 0x2
	}
	if compress {
		first, rest = first|0x40, pack(rest)
	}
	for {
		n := random.IntN(len(rest) + 1)
		if n == len(rest) || random.IntN(4) == 0 {
			return append(wire, clientFrame(first|0x80, rest, random.Uint32())...)
		}
		wire = append(wire, clientFrame(first, rest[:n], random.Uint32())...)
		wire = append(wire, clientFrame([]byte{0x89, 0x8a}[random.IntN(2)], "still here", random.Uint32())...)
		first, rest = 0, rest[n:]
	}
}
