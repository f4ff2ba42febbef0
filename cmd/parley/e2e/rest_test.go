package e2e_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// object is any JSON object.
type object = map[string]any

// web is the HTTP client of all tests. Without kept connections it leaves nothing behind.
var web = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 10 * time.Second},
	Timeout:   20 * time.Second,
}

// token makes a JWT as an identity provider would: HS256 over the claims.
func token(claims object) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // claims are literals of the tests
	}
	signed := header + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha256.New, []byte(jwtSecret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// tokenOf is a good token of a user, who need not exist yet.
func tokenOf(userID string, roles ...string) string {
	return token(object{"userId": userID, "username": userID, "roles": roles, "exp": time.Now().Add(time.Hour).Unix()})
}

// caller is one user's REST client of one node.
type caller struct {
	t     testing.TB
	base  string
	user  string
	token string
}

// as makes a caller for a user, whom the node provisions if need be.
func (n *node) as(t testing.TB, userID string, roles ...string) caller {
	t.Helper()
	c := caller{t: t, base: n.URL, user: userID, token: tokenOf(userID, roles...)}
	deadline := time.Now().Add(settle)
	answer := c.call("GET", "/api/v1/users/me", nil)
	for answer.status == http.StatusServiceUnavailable && time.Now().Before(deadline) { // on a slow machine: try again
		answer = c.call("GET", "/api/v1/users/me", nil)
	}
	answer.want(http.StatusOK)
	return c
}

// anonymous makes a caller without a token.
func (n *node) anonymous(t testing.TB) caller {
	t.Helper()
	return caller{t: t, base: n.URL}
}

// bearing makes a caller with any token.
func (n *node) bearing(t testing.TB, token string) caller {
	t.Helper()
	return caller{t: t, base: n.URL, token: token}
}

// at is the same user at another node.
func (c caller) at(n *node) caller {
	c.base = n.URL
	return c
}

// answer is what a node answered.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	raw    []byte
}

// call asks for something; body is sent as JSON unless nil, a []byte as it is. Headers come in pairs.
func (c caller) call(method, path string, body any, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(c.t.Context(), method, path, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c caller) try(ctx context.Context, method, path string, body any, headers ...string) (answer, error) {
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := web.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{t: c.t, what: method + " " + path, status: response.StatusCode, header: response.Header, raw: raw}, nil
}

// get asks without any token.
func get(ctx context.Context, url string) (status int, body []byte, err error) {
	a, err := caller{}.try(ctx, http.MethodGet, url, nil)
	return a.status, a.raw, err
}

// want checks the status.
func (a answer) want(statuses ...int) answer {
	a.t.Helper()
	if slices.Contains(statuses, a.status) {
		return a
	}
	a.t.Fatalf("%s: status %d, want %v: %s", a.what, a.status, statuses, a.raw)
	return a
}

// done checks that a write was accepted and says where it was recorded.
func (a answer) done() answer {
	a.t.Helper()
	a.want(http.StatusOK, http.StatusCreated, http.StatusNoContent)
	if p := a.header.Get("Parley-Position"); !isPosition(p) {
		a.t.Errorf("%s: Parley-Position %q is not a position", a.what, p)
	}
	return a
}

// position is where a write was recorded.
func (a answer) position() string { return a.header.Get("Parley-Position") }

// object is the body.
func (a answer) object() object {
	a.t.Helper()
	var o object
	if err := json.Unmarshal(a.raw, &o); err != nil {
		a.t.Fatalf("%s: status %d with a body that is no JSON object: %v\n%.500s", a.what, a.status, err, a.raw)
	}
	return o
}

// items is the list of a body.
func (a answer) items() []object {
	a.t.Helper()
	list, ok := a.want(http.StatusOK).object()["items"].([]any)
	if !ok {
		a.t.Fatalf("%s: no items in %.500s", a.what, a.raw)
	}
	items := make([]object, len(list))
	for i, item := range list {
		items[i], _ = item.(object)
	}
	return items
}

// problem checks a refusal: the status, RFC 9457's form, and the code ("" takes any).
func (a answer) problem(status int, code string) object {
	a.t.Helper()
	a.want(status)
	if media := a.header.Get("Content-Type"); !strings.HasPrefix(media, "application/problem+json") {
		a.t.Errorf("%s: Content-Type %q of a %d, want application/problem+json", a.what, media, a.status)
	}
	body := a.object()
	if got, _ := body["code"].(string); code != "" && got != code || got == "" {
		a.t.Errorf("%s: code %q, want %q: %s", a.what, got, code, a.raw)
	}
	if got, _ := body["status"].(float64); int(got) != status {
		a.t.Errorf("%s: member status %v of a %d", a.what, body["status"], status)
	}
	if title, _ := body["title"].(string); title == "" {
		a.t.Errorf("%s: a problem without a title: %s", a.what, a.raw)
	}
	return body
}

// createRoom opens a room and returns its id.
func (c caller) createRoom(kind, name string, members ...string) string {
	c.t.Helper()
	room := c.call("POST", "/api/v1/rooms", object{"name": name, "type": kind, "memberIds": members}).want(http.StatusCreated).object()
	return text(room, "id")
}

// fresh reads so that everything up to position is seen.
func (c caller) fresh(path, position string) answer {
	c.t.Helper()
	return c.call("GET", path, nil, "Parley-Min-Position", position)
}

// history reads all messages of a room, a page at a time, when the views have reached position.
func (c caller) history(roomID, position string) []message {
	c.t.Helper()
	var all []message
	after := int64(0)
	for {
		query := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {"200"}}
		a := c.awaitFresh("/api/v1/rooms/"+roomID+"/messages?"+query.Encode(), position)
		var page struct {
			Items        []message `json:"items"`
			HasMoreAfter bool      `json:"hasMoreAfter"`
		}
		if err := json.Unmarshal(a.raw, &page); err != nil {
			c.t.Fatalf("%s: %v", a.what, err)
		}
		all = append(all, page.Items...)
		if !page.HasMoreAfter {
			return all
		}
		if len(page.Items) == 0 {
			c.t.Fatalf("%s: hasMoreAfter with an empty page", a.what)
		}
		after = page.Items[len(page.Items)-1].Seq
	}
}

// awaitFresh is fresh with patience: views may be far behind after a fault.
func (c caller) awaitFresh(path, position string) answer {
	c.t.Helper()
	var a answer
	for range 8 {
		if a = c.fresh(path, position); a.status != http.StatusServiceUnavailable {
			break
		}
	}
	return a.want(http.StatusOK)
}

// message is as much of a message as the ledger needs.
type message struct {
	ID              string `json:"id"`
	Seq             int64  `json:"seq"`
	Position        string `json:"position"`
	Content         string `json:"content"`
	ClientMessageID string `json:"clientMessageId"`
	Sender          struct {
		ID string `json:"id"`
	} `json:"sender"`
}

// text reads a string member of an object, "" if it is none.
func text(o object, key string) string {
	s, _ := o[key].(string)
	return s
}

// isPosition tells whether s is a decimal number above 0.
func isPosition(s string) bool { return toPosition(s) > 0 }

// toPosition reads a decimal string, 0 if it is none.
func toPosition(s string) int64 {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || s != strconv.FormatUint(n, 10) {
		return 0
	}
	return int64(n)
}

// unique makes a name that no other test uses.
func unique(prefix string) string { return fmt.Sprintf("%s-%x", prefix, time.Now().UnixNano()) }
