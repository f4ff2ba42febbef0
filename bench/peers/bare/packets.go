package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// command is what the events of the bench's load carry.
type command struct {
	ID              string          `json:"id"`
	RoomID          string          `json:"roomId"`
	Content         json.RawMessage `json:"content"`
	ClientMessageID json.RawMessage `json:"clientMessageId"`
}

// handle does what a packet asks for. False ends the connection.
func (b *broadcaster) handle(c *client, packet []byte) bool {
	switch {
	case bytes.Equal(packet, []byte("3")):
		return true
	case bytes.HasPrefix(packet, []byte("40")):
		c.write(frame([]byte(`40{"sid":"bare"}`)))
		return true
	case bytes.HasPrefix(packet, []byte("42")):
		return b.event(c, packet[2:])
	default:
		return false
	}
}

func (b *broadcaster) event(c *client, packet []byte) bool {
	start := bytes.IndexByte(packet, '[')
	if start < 0 {
		return false
	}
	var (
		ack  = packet[:start]
		name string
		cmd  command
	)
	if json.Unmarshal(packet[start:], &[]any{&name, &cmd}) != nil {
		return false
	}
	switch name {
	case "create-room":
		b.join(c, cmd.ID)
	case "join-room":
		b.join(c, cmd.RoomID)
	case "send-message":
		b.room(cmd.RoomID).tell(func(seq int64) []byte { return frame(newMessage(&cmd, seq)) })
	}
	if len(ack) > 0 {
		c.write(frame(fmt.Appendf(nil, `43%s[{"success":true,"data":{}}]`, ack)))
	}
	return true
}

func (b *broadcaster) join(c *client, id string) {
	r := b.room(id)
	r.join(c)
	c.rooms = append(c.rooms, r)
}

// newMessage is the push, with the members that Parley's has.
func newMessage(cmd *command, seq int64) []byte {
	return fmt.Appendf(nil, `42["new-message",{"id":"%d","roomId":%q,"seq":%[1]d,"sender":{"id":"bare","username":"bare","displayName":"bare","avatarUrl":""},`+
		`"content":%[3]s,"attachments":[],"replyTo":null,"mentions":[],"reactions":{},"pinned":false,"editedAt":null,"deletedAt":null,`+
		`"at":"%[4]s","position":"%[1]d","clientMessageId":%[5]s}]`,
		seq, cmd.RoomID, orNull(cmd.Content), time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), orNull(cmd.ClientMessageID))
}

func orNull(value json.RawMessage) json.RawMessage {
	if len(value) == 0 {
		return json.RawMessage("null")
	}
	return value
}
