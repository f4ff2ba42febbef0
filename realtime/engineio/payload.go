package engineio

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	separator      = 0x1e // between the packets of a polling body
	maxPollPackets = 16   // the official Python client drops a connection that sends more at once
)

// appendPayload appends the frame's packets in their polling form: as text, binary ones in base64,
// each behind a separator unless it is the first in dst. WebSocket control frames have no such form.
func appendPayload(dst []byte, f *Frame) []byte {
	for rest := f.bytes(true); len(rest) > 0; {
		op, head, size := parseHeader(rest)
		if op == opText {
			dst = append(separate(dst), rest[head:head+size]...)
		}
		rest = rest[head+size:]
	}
	return dst
}

func separate(dst []byte) []byte {
	if len(dst) == 0 {
		return dst
	}
	return append(dst, separator)
}

// split cuts a frame behind its first n packets. There are more than n.
func (f *Frame) split(n int) (first, rest *Frame) {
	at := 0
	for range n {
		_, head, size := parseHeader(f.wire[at:])
		at += head + size
	}
	return &Frame{wire: f.wire[:at:at], packets: n, binary: f.binary},
		&Frame{wire: f.wire[at:], packets: f.packets - n, binary: f.binary}
}

// payload acts on the packets of a POST, in order. What stands before a bad packet has been acted on.
func (s *Session) payload(body []byte) *refusal {
	if !s.isOpen() {
		return errSession
	}
	separators := bytes.Count(body, []byte{separator})
	if separators >= s.server.cfg.MaxPackets {
		s.shut(TransportError, closePolicy)
		return errRequest
	}
	for text := range bytes.SplitSeq(body, []byte{separator}) {
		p, err := ParsePacket(text)
		if err != nil || !utf8.Valid(p.Data) && !p.Binary {
			s.shut(ParseError, closeProtocolError)
			return errRequest
		}
		if separators > 0 { // one message must not keep all others in memory
			p.Data = bytes.Clone(p.Data)
		}
		if !s.receive(p) {
			if p.Type == Ping {
				return errRequest
			}
			return nil
		}
	}
	return nil
}

var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails for unknown levels alone
	return z
}}

// writePayload answers a poll. It returns only when the response has left this process, or failed to.
func writePayload(w http.ResponseWriter, r *http.Request, body []byte, cfg *Config) error {
	control := http.NewResponseController(w)
	// Not every writer has deadlines or needs flushing: both errors mean no more than that.
	_ = control.SetWriteDeadline(time.Now().Add(cfg.WriteTimeout))
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	h := w.Header()
	if cfg.CompressAbove > 0 && len(body) > cfg.CompressAbove && acceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
		body = compress(body)
	}
	writeHead(w, http.StatusOK, "text/plain; charset=UTF-8", len(body))
	//nolint:gosec // G705: text/plain with nosniff, and the client's own messages
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func writeHead(w http.ResponseWriter, status int, contentType string, size int) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(size))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	z, _ := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(&out)
	_, _ = z.Write(body) // a bytes.Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// acceptsGzip says whether gzip is named and not refused with q=0.
func acceptsGzip(h http.Header) bool {
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		_, q, weighed := strings.Cut(params, "=")
		if !weighed {
			return true
		}
		weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return err == nil && weight > 0
	}
	return false
}
