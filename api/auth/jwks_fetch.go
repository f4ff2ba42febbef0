package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxJWKS bounds the answer, in bytes; real ones have a few thousand.
const maxJWKS = 256 << 10

// newJWKSClient keeps no connections: it is used once an hour.
func newJWKSClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 16 << 10,
		},
		// Where the keys come from is configured, and nobody else's to say.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch asks for the keys. maxAge is how long the answer says that it is fresh; RefreshEvery if it does not.
func (j *JWKS) fetch(ctx context.Context) (set *keySet, maxAge time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, j.cfg.URL, nil)
	if err != nil {
		return nil, 0, withoutURL(err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := j.client.Do(request)
	if err != nil {
		return nil, 0, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxJWKS+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the answer: %w", withoutURL(err))
	}
	if len(body) > maxJWKS {
		return nil, 0, fmt.Errorf("the answer has more than %d bytes", maxJWKS)
	}
	if set, err = parseKeySet(body); err != nil {
		return nil, 0, err
	}
	return set, freshFor(response.Header.Get("Cache-Control"), j.cfg.RefreshEvery), nil
}

// withoutURL leaves out the URL, which may hold what is not for logs.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// freshFor reads a Cache-Control header.
func freshFor(header string, otherwise time.Duration) time.Duration {
	for directive := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return otherwise
}
