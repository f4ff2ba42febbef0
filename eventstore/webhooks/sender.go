package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/domain/event"
)

// refusal is why a delivery was not taken, in words that give nothing away but the status.
type refusal struct {
	text string
	// retryAfter is what the receiver asks for, 0 for nothing.
	retryAfter time.Duration
	// gone: the receiver wants nothing any more.
	gone bool
}

func (r *refusal) Error() string { return r.text }

// delivery is what goes out at once.
type delivery struct {
	// id stands for exactly these events.
	id     string
	url    string
	secret []byte
	body   []byte
}

// deliveryID is the same for the same events of the same revision of a webhook.
func deliveryID(name string, revision int64, events []event.Recorded) string {
	first, last := events[0].Position, events[len(events)-1].Position
	return "msg_" + event.DeriveID("webhook", name, strconv.FormatInt(revision, 10), first.String(), last.String()).String()
}

// bodyOf is what a receiver gets.
func bodyOf(name string, events []event.Recorded) []byte {
	size := 64 + len(name)
	for i := range events {
		size += 256 + len(events[i].Data) + len(events[i].Metadata) + len(events[i].Stream)
	}
	b := append(make([]byte, 0, size), `{"webhook":"`+name+`","events":[`...) // names hold nothing to escape
	for i := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = event.AppendEnvelope(b, &events[i])
	}
	return append(b, `]}`...)
}

// sender makes deliveries. It is safe for concurrent use.
type sender struct {
	client  *http.Client
	timeout time.Duration
}

const (
	dialTimeout = 5 * time.Second
	maxHeader   = 64 << 10
	// maxAnswer is what is read of a body, so that the connection can be used again.
	maxAnswer = 64 << 10
	userAgent = "Parley-Webhooks/1"
)

func newSender(cfg Config) *sender {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !cfg.AllowPrivate {
		dialer.Control = guard
	}
	return &sender{timeout: cfg.Timeout, client: &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would dial for us, unguarded
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTimeout,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (s *sender) close() { s.client.CloseIdleConnections() }

// send makes a delivery. It returns nil when it was taken, a *refusal when it was not, and the context's error when that
// ended.
func (s *sender) send(ctx context.Context, d delivery) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := s.request(bounded, d)
	if err != nil {
		return &refusal{text: "the request could not be made"}
	}
	response, err := s.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &refusal{text: reason(err)}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // the status says it all
	return judge(response)
}

func (s *sender) request(ctx context.Context, d delivery) (*http.Request, error) {
	signer, err := standardwebhooks.NewWebhookRaw(d.secret)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	signature, err := signer.Sign(d.id, now, d.body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(d.body))
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", userAgent)
	h.Set(standardwebhooks.HeaderWebhookID, d.id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return request, nil
}

func judge(response *http.Response) error {
	status := response.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	r := &refusal{text: fmt.Sprintf("answered %d %s", status, http.StatusText(status)), gone: status == http.StatusGone}
	if status >= 300 && status < 400 {
		r.text += ", and redirects are not followed"
	}
	r.retryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	return r
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// reason is an error of the client without the URL, which may hold a secret of the receiver.
func reason(err error) string {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		if wrapped.Timeout() {
			return "no answer in time"
		}
		err = wrapped.Err
	}
	if errors.Is(err, errTarget) {
		return errTarget.Error()
	}
	text := err.Error()
	return text[:min(len(text), maxReason)]
}

const maxReason = 300
