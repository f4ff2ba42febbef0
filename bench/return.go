package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"parley/bench/load"
)

// visit is a connection of a client that may have been there before.
type visit struct {
	conn *websocket.Conn
	// cursor is where it stands: what is told next is after it.
	cursor string
}

var errRefused = errors.New("refused")

// arrive connects and returns when the event session has come. auth is what the client says beside its token.
func (s *server) arrive(ctx context.Context, user string, auth map[string]any) (*visit, error) {
	token, err := token(user)
	if err != nil {
		return nil, err
	}
	credentials := map[string]any{"token": token}
	maps.Copy(credentials, auth)
	hello, err := json.Marshal(credentials)
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{ReadBufferSize: 4096, WriteBufferSize: 1024, HandshakeTimeout: 20 * time.Second}
	conn, resp, err := dialer.DialContext(ctx, "ws://"+s.addr+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	v := &visit{conn: conn}
	if err = conn.WriteMessage(websocket.TextMessage, append([]byte("40"), hello...)); err == nil {
		err = v.greeted()
	}
	if err != nil {
		v.leave()
		return nil, err
	}
	return v, nil
}

func (v *visit) leave() { _ = v.conn.Close() }

// greeted reads up to the event session.
func (v *visit) greeted() error {
	for {
		packet, err := v.read()
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(packet, []byte(`42["session"`)):
			v.cursor = load.Member(packet, "position")
			return nil
		case bytes.HasPrefix(packet, []byte("44")):
			return fmt.Errorf("%w: %s", errRefused, packet)
		}
	}
}

// message reads up to the next new message and returns its packet.
func (v *visit) message() ([]byte, error) {
	for {
		packet, err := v.read()
		switch {
		case err != nil:
			return nil, err
		case bytes.HasPrefix(packet, []byte(`42["new-message"`)):
			v.cursor = load.Member(packet, "position")
			return packet, nil
		case bytes.HasPrefix(packet, []byte(`42["resync-required"`)):
			return nil, errors.New("a resync is required")
		}
	}
}

// read returns the next packet and answers heartbeats meanwhile.
func (v *visit) read() ([]byte, error) {
	for {
		_, packet, err := v.conn.ReadMessage()
		if err != nil || string(packet) != "2" {
			return packet, err
		}
		if err := v.conn.WriteMessage(websocket.TextMessage, []byte("3")); err != nil {
			return nil, err
		}
	}
}

// messages reads so many, and fails unless their numbers follow one another.
func (v *visit) messages(count int) error {
	last := 0
	for i := range count {
		packet, err := v.message()
		if err != nil {
			return fmt.Errorf("after %d of %d messages: %w", i, count, err)
		}
		seq, err := strconv.Atoi(load.Member(packet, "seq"))
		if err != nil || i > 0 && seq != last+1 {
			return fmt.Errorf("message %q follows on %d", load.Member(packet, "seq"), last)
		}
		last = seq
	}
	return nil
}

// cpu is the processor time of the server's process.
func (s *server) cpu() (time.Duration, error) { return load.ProcessorTime(s.cmd.Process.Pid) }
