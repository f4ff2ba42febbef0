package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

var errClosed = errors.New("the connection closed before the answer came")

// socket is a client over WebSocket, of Socket.IO or of the plain door, that does nothing on its own: no reconnect,
// no buffer, no retry. What it was not answered it does not know.
type socket struct {
	conn  *websocket.Conn
	plain bool
	done  chan struct{} // closed when the connection is gone and all callbacks have run
	id    string        // that the server gave it
	pid   string        // and by which it finds it again, "" if it gave none

	writing sync.Mutex

	mu      sync.Mutex
	nextID  int
	pending map[int]func(ack, error)
	onEvent func(told)
	closed  bool
}

// told is one event as it came.
type told struct {
	name string
	data json.RawMessage   // its first argument
	rest []json.RawMessage // and the others
}

// ack is the answer to a command.
type ack struct {
	Success      bool            `json:"success"`
	Data         json.RawMessage `json:"data"`
	Error        string          `json:"error"`
	Code         string          `json:"code"`
	RetryAfterMs int             `json:"retryAfterMs"`
	Fields       object          `json:"fields"`
}

// dial connects and returns when the server has accepted the token. onEvent gets every
// event, in order, on one goroutine; it may be nil.
func dial(ctx context.Context, base, token string, onEvent func(string, json.RawMessage)) (*socket, error) {
	var take func(told)
	if onEvent != nil {
		take = func(e told) { onEvent(e.name, e.data) }
	}
	return dialAs(ctx, base, object{"token": token}, take)
}

// dialAs is dial with all that a client may say of itself.
func dialAs(ctx context.Context, base string, auth object, onEvent func(told)) (*socket, error) {
	conn, err := open(ctx, base)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, done: make(chan struct{}), pending: map[int]func(ack, error){}, onEvent: onEvent}
	reply, early, err := enter(conn, auth)
	if err == nil {
		err = s.accept(reply)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	go s.read(early)
	return s, nil
}

// accept takes what the server says of the connection.
func (s *socket) accept(reply string) error {
	var named struct{ SID, PID string }
	if err := json.Unmarshal([]byte(reply), &named); err != nil {
		return fmt.Errorf("connect: answered with %.100q: %w", reply, err)
	}
	s.id, s.pid = named.SID, named.PID
	return nil
}

// open makes an Engine.IO connection, which belongs to nobody yet.
func open(ctx context.Context, base string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second}
	conn, response, err := dialer.DialContext(ctx, socketURL(base), nil)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", base, err)
	}
	_ = response.Body.Close()
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	frame, err := readFrame(conn)
	if err == nil && !strings.HasPrefix(frame, "0{") {
		err = fmt.Errorf("unexpected %.100q", frame)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("handshake with %s: %w", base, err)
	}
	return conn, nil
}

func socketURL(base string) string {
	return "ws" + strings.TrimPrefix(base, "http") + "/socket.io/?EIO=4&transport=websocket"
}

// refusedError is a connect_error, with its payload.
type refusedError struct{ payload string }

func (e refusedError) Error() string { return "refused: " + e.payload }

// connect asks to be let in.
func connect(conn *websocket.Conn, auth object) error {
	_, _, err := enter(conn, auth)
	return err
}

// enter is connect that returns what the server answers, and the frames that came before.
func enter(conn *websocket.Conn, auth object) (reply string, early []string, err error) {
	credentials, err := json.Marshal(auth)
	if err != nil {
		return "", nil, err
	}
	if err := conn.WriteMessage(websocket.TextMessage, append([]byte("40"), credentials...)); err != nil {
		return "", nil, fmt.Errorf("connect: %w", err)
	}
	for {
		frame, err := readFrame(conn)
		switch {
		case err != nil:
			return "", nil, fmt.Errorf("connect: %w", err)
		case strings.HasPrefix(frame, "40"):
			return frame[2:], early, conn.SetReadDeadline(time.Time{})
		case strings.HasPrefix(frame, "44"):
			return "", nil, refusedError{frame[2:]}
		default:
			early = append(early, frame)
		}
	}
}

func readFrame(conn *websocket.Conn) (string, error) {
	_, frame, err := conn.ReadMessage()
	return string(frame), err
}

func (s *socket) read(early []string) {
	defer s.fail()
	for _, frame := range early {
		s.take(frame)
	}
	for {
		frame, err := readFrame(s.conn)
		if err != nil {
			return
		}
		s.take(frame)
	}
}

func (s *socket) take(frame string) {
	switch {
	case s.plain:
		s.takePlain(frame)
	case frame == "2":
		s.write("3")
	case strings.HasPrefix(frame, "42"):
		s.event(frame[2:])
	case strings.HasPrefix(frame, "43"):
		s.answer(frame[2:])
	}
}

func (s *socket) event(packet string) {
	var parts []json.RawMessage
	var name string
	if json.Unmarshal([]byte(packet), &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &name) != nil {
		return
	}
	if s.onEvent != nil {
		s.onEvent(told{name: name, data: parts[1], rest: parts[2:]})
	}
}

func (s *socket) answer(packet string) {
	start := strings.IndexByte(packet, '[')
	if start < 0 {
		return
	}
	id, err := strconv.Atoi(packet[:start])
	if err != nil {
		return
	}
	done := s.asked(id)
	if done == nil {
		return
	}
	var answers []ack
	if err := json.Unmarshal([]byte(packet[start:]), &answers); err != nil || len(answers) != 1 {
		done(ack{}, fmt.Errorf("not an ack: %.200s", packet))
		return
	}
	done(answers[0], nil)
}

// asked is who waits for an answer, once.
func (s *socket) asked(id int) func(ack, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := s.pending[id]
	delete(s.pending, id)
	return done
}

// fail tells everyone who still waits.
func (s *socket) fail() {
	_ = s.conn.Close()
	s.mu.Lock()
	s.closed = true
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	for _, done := range pending {
		done(ack{}, errClosed)
	}
	close(s.done)
}

// emit sends a command; done is called once with the answer, or errClosed.
func (s *socket) emit(name string, payload any, done func(ack, error)) {
	data, err := json.Marshal(payload)
	if err != nil {
		done(ack{}, err)
		return
	}
	if s.plain {
		s.await(done, func(id int) string { return fmt.Sprintf(`{"id":%d,"event":%q,"data":%s}`, id, name, data) })
	} else {
		s.emitRaw(fmt.Appendf(nil, "[%q,%s]", name, data), done)
	}
}

// emitRaw sends a packet whose JSON array is made by hand.
func (s *socket) emitRaw(body []byte, done func(ack, error)) {
	s.await(done, func(id int) string { return "42" + strconv.Itoa(id) + string(body) })
}

// await sends what is to be answered under an id.
func (s *socket) await(done func(ack, error), frame func(id int) string) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		done(ack{}, errClosed)
		return
	}
	s.nextID++
	id := s.nextID
	s.pending[id] = done
	s.mu.Unlock()
	s.write(frame(id))
}

// write sends a frame; one that fails ends the connection, which the reader notices.
func (s *socket) write(frame string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if err := s.conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		_ = s.conn.Close()
	}
}

// ask is emit that waits for the answer.
func (s *socket) ask(ctx context.Context, name string, payload any) (ack, error) {
	type outcome struct {
		ack ack
		err error
	}
	answered := make(chan outcome, 1)
	s.emit(name, payload, func(a ack, err error) { answered <- outcome{a, err} })
	select {
	case o := <-answered:
		return o.ack, o.err
	case <-ctx.Done():
		return ack{}, fmt.Errorf("%s: %w", name, ctx.Err())
	}
}

// must is ask for a command that has to succeed.
func (s *socket) must(ctx context.Context, name string, payload any) (object, error) {
	a, err := s.ask(ctx, name, payload)
	if err != nil {
		return nil, err
	}
	if !a.Success {
		return nil, fmt.Errorf("%s: %s: %s", name, a.Code, a.Error)
	}
	var data object
	if err := json.Unmarshal(a.Data, &data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// gone tells whether the connection has ended.
func (s *socket) gone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// close ends the connection and waits until nothing of it is left.
func (s *socket) close() {
	_ = s.conn.Close()
	<-s.done
}

// upgrade tries to open a WebSocket with some headers and returns the status of the answer.
func upgrade(ctx context.Context, base string, header http.Header) (status int, err error) {
	conn, response, err := websocket.DefaultDialer.DialContext(ctx, socketURL(base), header)
	if response != nil {
		status = response.StatusCode
		_ = response.Body.Close()
	}
	if err == nil {
		_ = conn.Close()
	}
	if errors.Is(err, websocket.ErrBadHandshake) {
		err = nil
	}
	return status, err
}
