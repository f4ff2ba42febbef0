package gateway

import (
	"context"
	"encoding/json"

	"parley/commands"
)

// entry is one command of the table: its name as clients know it, and what runs it.
type entry struct {
	name string
	run  runner
}

// runner runs a command and sees to it that call.done is called once.
type runner func(ctx context.Context, c *call, payload json.RawMessage)

// entries is everything that a client may say.
func (g *Gateway) entries() map[string]entry {
	m := g.menu
	byName := map[string]runner{
		"create-room":      awaited(g, decode[commands.CreateRoom], g.createRoom),
		"update-room":      awaited(g, decode[commands.UpdateRoom], use(m.UpdateRoom)),
		"archive-room":     awaited(g, roomRef, use(m.ArchiveRoom)),
		"join-room":        awaited(g, roomRef, g.joinRoom),
		"join-rooms":       awaited(g, roomList, g.joinRooms),
		"leave-room":       awaited(g, roomRef, use(m.LeaveRoom)),
		"unsubscribe-room": awaited(g, roomRef, g.unsubscribeRoom),
		"add-member":       awaited(g, decode[commands.AddMember], use(m.AddMember)),
		"remove-member":    awaited(g, decode[commands.RemoveMember], use(m.RemoveMember)),
		"set-role":         awaited(g, decode[commands.SetRole], use(m.SetRole)),

		"update-presence": pipelined(decode[commands.UpdatePresence], m.UpdatePresence),
		"watch-presence":  awaited(g, userList, g.watchPresence),
		"typing-start":    awaited(g, roomRef, g.typingStart),
		"typing-stop":     awaited(g, roomRef, g.typingStop),

		syncName:        awaited(g, decode[syncRequest], g.sync),
		"refresh-token": awaited(g, decode[refreshToken], g.refresh),
		batchUpdateName: g.batchUpdate,

		"send-message":   pipelined(decode[commands.SendMessage], m.SendMessage),
		"edit-message":   pipelined(decode[commands.EditMessage], m.EditMessage),
		"delete-message": pipelined(decode[commands.DeleteMessage], m.DeleteMessage),

		"add-reaction":    pipelined(decode[commands.React], m.AddReaction),
		"remove-reaction": pipelined(decode[commands.React], m.RemoveReaction),
		"pin-message":     pipelined(decode[commands.MessageRef], m.PinMessage),
		"unpin-message":   pipelined(decode[commands.MessageRef], m.UnpinMessage),
		"mark-read":       pipelined(decode[commands.Mark], m.MarkRead),
		"mark-delivered":  pipelined(decode[commands.Mark], m.MarkDelivered),
	}
	table := make(map[string]entry, len(byName)+3)
	for name, run := range byName {
		table[name] = entry{name, run}
	}
	for other, name := range spellings() {
		table[other] = table[name]
	}
	return table
}

// spellings are other names that clients may use.
func spellings() map[string]string {
	return map[string]string{
		"room:join":    "join-room",
		"room:leave":   "leave-room",
		"message:send": "send-message",
		"message:read": "mark-read",

		"presence:update": "update-presence",
		"typing:start":    "typing-start",
		"typing:stop":     "typing-stop",
	}
}

// pipelined runs a use case without waiting for it.
func pipelined[C, R any](read func(json.RawMessage) (C, error), uc commands.UseCase[C, R]) runner {
	return func(ctx context.Context, c *call, payload json.RawMessage) {
		request, err := read(payload)
		if err != nil {
			c.done(nil, err)
			return
		}
		uc.Submit(ctx, c.session.actor(c), request, func(result R, err error) { c.done(result, err) })
	}
}

// awaited runs something and waits for it, for Config.CommandTimeout at most.
func awaited[C any](
	g *Gateway, read func(json.RawMessage) (C, error), do func(ctx context.Context, c *call, request C),
) runner {
	return func(ctx context.Context, c *call, payload json.RawMessage) {
		request, err := read(payload)
		if err != nil {
			c.done(nil, err)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, g.cfg.CommandTimeout)
		defer cancel()
		do(ctx, c, request)
	}
}

// use is a use case that has no effect on what the session hears.
func use[C, R any](uc commands.UseCase[C, R]) func(context.Context, *call, C) {
	return func(ctx context.Context, c *call, request C) {
		result, err := uc.Do(ctx, c.session.actor(c), request)
		c.done(result, err)
	}
}

func roomRef(payload json.RawMessage) (commands.RoomRef, error) {
	return decodeBare[commands.RoomRef](payload, "roomId", '"')
}

func roomList(payload json.RawMessage) (joinRooms, error) {
	return decodeBare[joinRooms](payload, "roomIds", '[')
}
