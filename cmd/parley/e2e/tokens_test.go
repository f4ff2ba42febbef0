package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// leave is how long a socket may outlive the right to it, on any node.
const leave = 5 * time.Second

// Who is logged out or deactivated leaves every node in time, whether or not Redis carries the news;
// who comes in later stays.
func TestRevokedUsersLeaveAllNodes(t *testing.T) {
	inParallelIdly(t)
	broker := testenv.StartRedis(t)
	shared := backends(testenv.DSN(t), broker.URL)
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	w := revocations{t: t, one: one, two: two, env: shared.with(settings{"JWT_SECRET": jwtSecret})}

	for _, away := range []bool{false, true} {
		if away {
			broker.Kill()
		}
		w.logoutOfOneLogin()
		w.logoutEverywhere()
		w.reuseOfARefreshToken()
		w.deactivation()
		w.commandLine()
	}
}

type revocations struct {
	t        *testing.T
	one, two *node
	env      settings
}

func (w revocations) register(name string) grant {
	w.t.Helper()
	return granted(w.one.anonymous(w.t).call("POST", "/api/v1/auth/register", object{"username": name, "password": password}), http.StatusCreated)
}

func (w revocations) login(name string) grant {
	w.t.Helper()
	return granted(w.two.anonymous(w.t).call("POST", "/api/v1/auth/login", object{"username": name, "password": password}), http.StatusOK)
}

// refused checks that neither door nor REST takes the token, on any node. What a node has believed it
// may believe for some seconds.
func (w revocations) refused(token string, codes ...string) {
	w.t.Helper()
	for _, n := range []*node{w.one, w.two} {
		a := n.bearing(w.t, token).call("GET", "/api/v1/users/me", nil).want(http.StatusUnauthorized, http.StatusForbidden)
		a.problem(a.status, codes[0])
		_, err := dial(w.t.Context(), n.URL, token, nil)
		if err == nil || !strings.Contains(err.Error(), codes[0]) {
			w.t.Errorf("connect to node %s: %v, want %s", n.name, err, codes[0])
		}
	}
}

func (w revocations) logoutOfOneLogin() {
	name := unique("ann")
	first := w.register(name)
	second := w.login(name)
	gone, stays := linger(w.t, w.two, first.access), linger(w.t, w.two, second.access)
	defer stays.close()
	w.one.bearing(w.t, first.access).call("POST", "/api/v1/auth/logout", object{}).want(http.StatusOK, http.StatusNoContent)
	gone.wantRemoved(w.t, "the socket of a login that ended")
	w.refused(first.access, "UNAUTHENTICATED")
	stays.wantAlive(w.t, "the socket of another login")
}

func (w revocations) logoutEverywhere() {
	name := unique("bob")
	first := w.register(name)
	second := w.login(name)
	foreign := token(object{"userId": first.userID, "iat": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix()})
	var gone []*lingerer
	for _, n := range []*node{w.one, w.two} {
		for _, access := range []string{first.access, second.access, foreign} {
			gone = append(gone, linger(w.t, n, access))
		}
	}
	poller := lingerByPolling(w.t, w.two, second.access)
	w.one.bearing(w.t, first.access).call("POST", "/api/v1/auth/logout", object{"all": true}).want(http.StatusOK, http.StatusNoContent)
	again := w.login(name)
	stays := linger(w.t, w.two, again.access)
	defer stays.close()
	for _, s := range gone {
		s.wantRemoved(w.t, "a socket of a user who logged out everywhere")
	}
	poller.wantRemoved(w.t)
	for _, access := range []string{first.access, second.access, foreign} {
		w.refused(access, "UNAUTHENTICATED")
	}
	stays.wantAlive(w.t, "the socket of who logged in again")
}

func (w revocations) reuseOfARefreshToken() {
	first := w.register(unique("eve"))
	refresh := object{"refreshToken": first.refresh}
	next := granted(w.one.anonymous(w.t).call("POST", "/api/v1/auth/refresh", refresh), http.StatusOK)
	gone := []*lingerer{linger(w.t, w.two, first.access), linger(w.t, w.two, next.access)}
	w.one.anonymous(w.t).call("POST", "/api/v1/auth/refresh", refresh).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	for _, s := range gone {
		s.wantRemoved(w.t, "a socket of a login whose refresh token came twice")
	}
	w.refused(next.access, "UNAUTHENTICATED")
}

func (w revocations) deactivation() {
	user := w.register(unique("dan"))
	gone := []*lingerer{linger(w.t, w.one, user.access), linger(w.t, w.two, user.access)}
	w.one.as(w.t, unique("root"), "admin").call("POST", "/api/v1/users/"+user.userID+"/deactivate", nil).done()
	for _, s := range gone {
		s.wantRemoved(w.t, "a socket of a deactivated user")
	}
	w.refused(user.access, "INVALID_USER")
}

// commandLine does the same in a process of its own, which no node knows of.
func (w revocations) commandLine() {
	for _, c := range []struct {
		args []string
		code string
	}{
		{[]string{"deactivate"}, "INVALID_USER"},
		{[]string{"logout"}, "UNAUTHENTICATED"},
		{[]string{"password"}, "UNAUTHENTICATED"},
		{[]string{"roles", "--role", "analyst"}, "UNAUTHENTICATED"},
	} {
		name := unique("cli")
		user := w.register(name)
		gone := []*lingerer{linger(w.t, w.one, user.access), linger(w.t, w.two, user.access)}
		args := append([]string{"user", c.args[0], name}, c.args[1:]...)
		cli(w.t, w.env, args...).want(w.t, 0)
		for _, s := range gone {
			s.wantRemoved(w.t, "a socket after parley user "+c.args[0])
		}
		w.refused(user.access, c.code)
	}
}

// A socket is told before its token ends, and goes on if it brings another in time.
func TestSocketsEndWithTheirTokens(t *testing.T) {
	inParallelIdly(t)
	n := startNode(t, "only", backends(testenv.DSN(t), testenv.StartRedis(t).URL).with(settings{"LOG_LEVEL": "debug"}))
	user := unique("ann")
	lives := func(d time.Duration) (string, time.Time) {
		end := time.Now().Add(d).Truncate(time.Second)
		return token(object{"userId": user, "username": user, "exp": end.Unix()}), end
	}
	short, end := lives(6 * time.Second)
	ends, extends := linger(t, n, short), linger(t, n, short)
	defer extends.close()
	polls := lingerByPolling(t, n, short)
	plain := dialPlain(t, n, "", bearer(short))

	var told struct {
		ExpiresAt   time.Time `json:"expiresAt"`
		ExpiresInMs int64     `json:"expiresInMs"`
	}
	if err := json.Unmarshal(ends.await(t, "token-expiring"), &told); err != nil {
		t.Fatal(err)
	}
	if !told.ExpiresAt.Equal(end) || told.ExpiresInMs <= 0 || told.ExpiresInMs > 6000 {
		t.Errorf("told %+v, want the end at %s", told, end)
	}

	longer, later := lives(time.Hour)
	other := token(object{"userId": unique("bob"), "username": "bob", "exp": later.Unix()})
	for refused, code := range map[string]string{other: "INVALID_USER", longer + "x": "UNAUTHENTICATED"} {
		if a := extends.ask(t, "refresh-token", object{"token": refused}); a.Success || a.Code != code {
			t.Errorf("refresh-token: %+v, want %s", a, code)
		}
	}
	answered := extends.ask(t, "refresh-token", object{"token": longer})
	var renewed struct {
		ExpiresAt time.Time `json:"expiresAt"`
	}
	if err := json.Unmarshal(answered.Data, &renewed); err != nil || !renewed.ExpiresAt.Equal(later) {
		t.Errorf("refresh-token: %+v, %v, want %s", answered, err, later)
	}

	ends.wantRemovedBy(t, "the socket of a token that is over", end.Add(leave))
	if ends.when.Before(end) {
		t.Errorf("closed %s before the end", end.Sub(ends.when))
	}
	polls.wantRemoved(t)
	extends.wantAlive(t, "the socket with another token")

	plain.event("token-expiring")
	plain.wantEnd(4401, "")
}

// A batch of commands is answered as each would be alone.
func TestBatchUpdate(t *testing.T) {
	inParallel(t)
	n := startNode(t, "only", backends(testenv.DSN(t), testenv.StartRedis(t).URL))
	alice := n.as(t, unique("alice"))
	room := alice.createRoom("public", "batches")
	s := linger(t, n, alice.token)
	defer s.close()
	send := func(content string) object {
		return object{"event": "send-message", "data": object{"roomId": room, "content": content}}
	}
	answered := s.ask(t, "batch-update", []any{
		object{"event": "join-room", "data": room}, send("one"), send("two"), object{"event": "dance"}, send(""), send("three"), 7,
	})
	var acks []ack
	if err := json.Unmarshal(answered.Data, &acks); err != nil || !answered.Success || len(acks) != 7 {
		t.Fatalf("batch-update: %+v, %v", answered, err)
	}
	for i, code := range []string{"", "", "", "UNKNOWN_EVENT", "INVALID_PAYLOAD", "", "INVALID_PAYLOAD"} {
		if acks[i].Success != (code == "") || acks[i].Code != code {
			t.Errorf("ack %d: %+v, want %q", i, acks[i], code)
		}
	}
	for i, content := range []string{"one", "two", "three"} {
		var pushed message
		if err := json.Unmarshal(s.await(t, "new-message"), &pushed); err != nil || pushed.Content != content || pushed.Seq != int64(i+1) {
			t.Errorf("push %d: %+v, %v", i, pushed, err)
		}
	}
	if a := s.ask(t, "batch-update", make([]object, 101)); a.Success || a.Code != "INVALID_PAYLOAD" {
		t.Errorf("101 commands: %+v", a)
	}
}

// lingerer is a client that stays until it is thrown out, and knows how that was done.
type lingerer struct {
	*socket
	seen chan event

	mu      sync.Mutex
	removed bool // by packet 41
	when    time.Time
}

type event struct {
	name string
	data json.RawMessage
}

func linger(t *testing.T, n *node, token string) *lingerer {
	t.Helper()
	conn, err := open(t.Context(), n.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := connect(conn, object{"token": token}); err != nil {
		_ = conn.Close()
		t.Fatalf("connect to node %s: %v", n.name, err)
	}
	l := &lingerer{seen: make(chan event, 1000)}
	l.socket = &socket{conn: conn, done: make(chan struct{}), pending: map[int]func(ack, error){}, onEvent: func(e told) {
		l.seen <- event{e.name, e.data}
	}}
	go l.stay()
	return l
}

// stay is socket.read that notices a removal.
func (l *lingerer) stay() {
	defer l.fail()
	for {
		_, frame, err := l.conn.ReadMessage()
		if err != nil {
			return
		}
		switch packet := string(frame); {
		case packet == "2":
			l.write("3")
		case packet == "41":
			l.mu.Lock()
			l.removed, l.when = true, time.Now()
			l.mu.Unlock()
		case strings.HasPrefix(packet, "42"):
			l.event(packet[2:])
		case strings.HasPrefix(packet, "43"):
			l.answer(packet[2:])
		}
	}
}

func (l *lingerer) ask(t *testing.T, name string, payload any) ack {
	t.Helper()
	a, err := l.socket.ask(t.Context(), name, payload)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// await returns the payload of the next event of that name.
func (l *lingerer) await(t *testing.T, name string) json.RawMessage {
	t.Helper()
	timeout := time.After(settle)
	for {
		select {
		case e := <-l.seen:
			if e.name == name {
				return e.data
			}
		case <-timeout:
			t.Fatalf("no %s", name)
		}
	}
}

func (l *lingerer) wantRemoved(t *testing.T, what string) {
	t.Helper()
	l.wantRemovedBy(t, what, time.Now().Add(leave))
}

func (l *lingerer) wantRemovedBy(t *testing.T, what string, deadline time.Time) {
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(time.Until(deadline)):
		t.Errorf("%s stays open", what)
		l.close()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.removed {
		t.Errorf("%s was closed, and not removed", what)
	}
}

func (l *lingerer) wantAlive(t *testing.T, what string) {
	t.Helper()
	if a := l.ask(t, "leave-room", "nowhere"); a.Code != "ROOM_NOT_FOUND" {
		t.Errorf("%s: %+v", what, a)
	}
}

// pollingLingerer is a lingerer that has only long-polling.
type pollingLingerer struct {
	url  string
	done chan struct{}

	removed bool // set before done is closed
}

func lingerByPolling(t *testing.T, n *node, token string) *pollingLingerer {
	t.Helper()
	l := &pollingLingerer{url: n.URL + "/socket.io/?EIO=4&transport=polling", done: make(chan struct{})}
	_, handshake := l.ask(t, http.MethodGet, "")
	var opened struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(handshake, "0")), &opened); err != nil {
		t.Fatalf("handshake %q: %v", handshake, err)
	}
	l.url += "&sid=" + opened.SID
	l.ask(t, http.MethodPost, `40{"token":"`+token+`"}`)
	go func() {
		defer close(l.done)
		for {
			status, payload := l.ask(t, http.MethodGet, "")
			if status != http.StatusOK {
				return
			}
			for packet := range strings.SplitSeq(payload, "\x1e") {
				switch packet {
				case "2":
					l.ask(t, http.MethodPost, "3")
				case "41":
					l.removed = true
				}
			}
		}
	}()
	return l
}

// ask makes one request; 0 is the status of one that failed.
func (l *pollingLingerer) ask(t *testing.T, method, body string) (status int, payload string) {
	request, err := http.NewRequestWithContext(t.Context(), method, l.url, strings.NewReader(body))
	if err != nil {
		return 0, ""
	}
	response, err := web.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(raw)
}

func (l *pollingLingerer) wantRemoved(t *testing.T) {
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(2 * leave):
		t.Fatal("the polling socket stays open")
	}
	if !l.removed {
		t.Error("the polling socket was closed, and not removed")
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if status, body := l.ask(t, method, "2"); status != http.StatusBadRequest {
			t.Errorf("%s after the removal: %d %s, want 400", method, status, body)
		}
	}
}
