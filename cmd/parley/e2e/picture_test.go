package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// picture is what a client shows of some rooms: fetched once, and from then on changed by nothing but the events that
// the client is told. It knows the wire contract alone.
type picture struct {
	me string

	Rooms    map[string]object            // with what is unread
	Members  map[string]map[string]object // by room and user
	Receipts map[string]map[string]object // by room and user
	Messages map[string]map[string]object // by room and seq
	Presence map[string]object            // by user

	former  map[string]map[string]object    // receipts of who has left, and may come back, by room and user
	cursors map[string]float64              // up to where nothing is unread, by room
	told    map[string]object               // the last unread-changed, by room
	typing  map[string]map[string]time.Time // until when, by room and user
}

// photograph fetches a picture as of a position at least.
func photograph(ctx context.Context, c caller, position string, rooms, users []string) (*picture, error) {
	p := &picture{
		me: c.user, Rooms: map[string]object{}, Members: map[string]map[string]object{}, Receipts: map[string]map[string]object{},
		Messages: map[string]map[string]object{}, Presence: map[string]object{},
		former: map[string]map[string]object{}, cursors: map[string]float64{}, told: map[string]object{}, typing: map[string]map[string]time.Time{},
	}
	r := fetcher{ctx, c, position}
	list, err := r.by("id", "/rooms")
	if err != nil {
		return nil, err
	}
	for _, id := range rooms {
		room := list[id]
		if room == nil {
			return nil, fmt.Errorf("GET /rooms of %s does not list %s", c.user, id)
		}
		p.Rooms[id], p.cursors[id] = room, number(room, "readSeq")
		for path, into := range map[string]map[string]map[string]object{"members": p.Members, "receipts": p.Receipts, "messages": p.Messages} {
			key := "userId"
			if path == "messages" {
				key = "seq"
			}
			if into[id], err = r.by(key, "/rooms/"+url.PathEscape(id)+"/"+path); err != nil {
				return nil, err
			}
		}
	}
	if len(users) > 0 {
		p.Presence, err = r.by("userId", "/presence?userIds="+strings.Join(users, ","))
	}
	return p, err
}

// fetcher reads lists as of a position.
type fetcher struct {
	ctx      context.Context
	caller   caller
	position string
}

// by is a whole list by a key of its items. Messages are paged by seq, everything else by cursor.
func (r fetcher) by(key, path string) (map[string]object, error) {
	all, next := map[string]object{}, url.Values{"limit": {"200"}}
	for {
		glue := "?"
		if strings.Contains(path, "?") {
			glue = "&"
		}
		a, err := r.page(path + glue + next.Encode())
		if err != nil {
			return nil, err
		}
		body := a.object()
		items, _ := body["items"].([]any)
		for i, item := range items {
			o, _ := item.(object)
			if all[fmt.Sprint(o[key])] = o; i == 0 {
				next.Set("before", fmt.Sprint(o[key]))
			}
		}
		next.Set("cursor", text(body, "nextCursor"))
		switch {
		case body["hasMoreBefore"] == true:
			next.Del("cursor")
		case next.Get("cursor") == "":
			return all, nil
		default:
			next.Del("before")
		}
	}
}

// page asks again when the views are too far behind.
func (r fetcher) page(path string) (answer, error) {
	for {
		a, err := r.caller.try(r.ctx, "GET", "/api/v1"+path, nil, "Parley-Min-Position", r.position)
		switch {
		case err != nil:
			return a, err
		case a.status == http.StatusOK:
			return a, nil
		case a.status != http.StatusServiceUnavailable || r.ctx.Err() != nil:
			return a, fmt.Errorf("%s as %s: %d %s", a.what, r.caller.user, a.status, a.raw)
		}
	}
}

func number(o object, key string) float64 {
	n, _ := o[key].(float64)
	return n
}

// take changes the picture by what an event says. Rooms that it does not show it ignores.
func (p *picture) take(n note) {
	d := maps.Clone(n.data)
	room := text(d, "roomId")
	if p.Rooms[room] == nil && n.name != "presence-changed" {
		return
	}
	switch n.name {
	case "new-message":
		p.say(d)
	case "message-edited":
		d["thread"] = p.message(d, "seq")["thread"]
		if d["thread"] == nil {
			delete(d, "thread")
		}
		p.Messages[room][fmt.Sprint(d["seq"])] = d
	case "message-deleted":
		p.mark(d, object{"content": "", "attachments": []any{}, "deletedAt": d["at"]})
	case "reaction-added", "reaction-removed":
		p.react(d, n.name == "reaction-added")
	case "message-pinned", "message-unpinned":
		p.mark(d, object{"pinned": n.name == "message-pinned"})
	case "message-read":
		p.reach(d, text(d, "userId"), true)
	case "message-delivered":
		p.reach(d, text(d, "userId"), false)
	case "unread-changed":
		p.told[room] = d
	case "room-updated", "room-archived":
		for _, key := range []string{"name", "topic", "archivedAt", "memberCount", "position"} {
			p.Rooms[room][key] = d[key]
		}
	case "user-joined":
		p.joined(d)
	case "user-left":
		p.left(d)
	case "member-updated":
		p.count(d, 0)
		p.Members[room][text(d, "userId")] = object{"userId": d["userId"], "username": d["username"], "role": d["role"], "joinedAt": d["joinedAt"]}
	case "presence-changed":
		delete(d, "at")
		p.Presence[text(d, "userId")] = d
	case "typing-started", "typing-stopped":
		p.signs(room, d)
	}
}

func (p *picture) message(d object, key string) object {
	return p.Messages[text(d, "roomId")][fmt.Sprint(d[key])]
}

// say adds a message, moves the sender's cursors, and counts an answer on what is answered.
func (p *picture) say(d object) {
	room, sender := text(d, "roomId"), d["sender"].(object)
	p.Messages[room][fmt.Sprint(d["seq"])] = d
	p.reach(d, text(sender, "id"), true)
	for seq, m := range p.Messages[room] {
		if d["replyTo"] == nil || m["id"] != d["replyTo"] {
			continue
		}
		m = maps.Clone(m)
		thread, _ := m["thread"].(object)
		m["thread"] = object{"replyCount": number(thread, "replyCount") + 1, "lastReplySeq": d["seq"], "lastReplyAt": d["at"]}
		p.Messages[room][seq] = m
	}
}

// mark changes a message.
func (p *picture) mark(d, change object) {
	m := maps.Clone(p.message(d, "seq"))
	maps.Copy(m, change)
	m["position"] = d["position"]
	p.Messages[text(d, "roomId")][fmt.Sprint(d["seq"])] = m
}

func (p *picture) react(d object, added bool) {
	emoji := text(d, "emoji")
	all, _ := p.message(d, "seq")["reactions"].(object)
	all = maps.Clone(all)
	by, _ := all[emoji].([]any)
	if added {
		by = append(slices.Clone(by), d["userId"])
	} else {
		by = slices.DeleteFunc(slices.Clone(by), func(id any) bool { return id == d["userId"] })
	}
	if all[emoji] = by; len(by) == 0 {
		delete(all, emoji)
	}
	p.mark(d, object{"reactions": all})
}

// reach moves the cursors of a user to a message.
func (p *picture) reach(d object, user string, read bool) {
	room, seq := text(d, "roomId"), number(d, "seq")
	r := maps.Clone(p.Receipts[room][user])
	if r == nil {
		r = noReceipt(user)
	}
	if read && seq > number(r, "readSeq") {
		r["readSeq"], r["readAt"] = seq, d["at"]
	}
	if seq > number(r, "deliveredSeq") {
		r["deliveredSeq"], r["deliveredAt"] = seq, d["at"]
	}
	p.Receipts[room][user] = r
	if read && user == p.me {
		p.cursors[room] = max(p.cursors[room], seq)
	}
}

func (p *picture) count(d object, change float64) {
	room := p.Rooms[text(d, "roomId")]
	room["memberCount"], room["position"] = number(room, "memberCount")+change, d["position"]
}

// joined brings in who has read what it had read when it was here before.
func (p *picture) joined(d object) {
	room, user := text(d, "roomId"), text(d, "userId")
	p.count(d, +1)
	p.Members[room][user] = object{"userId": user, "username": d["username"], "role": d["role"], "joinedAt": d["at"]}
	if p.Receipts[room][user] = p.former[room][user]; p.Receipts[room][user] == nil {
		p.Receipts[room][user] = noReceipt(user)
	}
}

func noReceipt(user string) object {
	return object{"userId": user, "readSeq": 0.0, "deliveredSeq": 0.0, "readAt": nil, "deliveredAt": nil}
}

func (p *picture) left(d object) {
	room, user := text(d, "roomId"), text(d, "userId")
	if user == p.me {
		p.forget(room)
		return
	}
	p.count(d, -1)
	if p.former[room] == nil {
		p.former[room] = map[string]object{}
	}
	p.former[room][user] = p.Receipts[room][user]
	delete(p.Members[room], user)
	delete(p.Receipts[room], user)
}

// forget takes a room out of the picture.
func (p *picture) forget(room string) {
	delete(p.Rooms, room)
	delete(p.Members, room)
	delete(p.Receipts, room)
	delete(p.Messages, room)
}

// add takes a room over from another picture.
func (p *picture) add(o *picture, room string) {
	p.Rooms[room], p.Members[room], p.Receipts[room], p.Messages[room] = o.Rooms[room], o.Members[room], o.Receipts[room], o.Messages[room]
	p.cursors[room] = o.cursors[room]
}

func (p *picture) signs(room string, d object) {
	if p.typing[room] == nil {
		p.typing[room] = map[string]time.Time{}
	}
	until, _ := time.Parse(time.RFC3339, text(d, "expiresAt")) // a stop has none
	p.typing[room][text(d, "userId")] = until
}

// typists are those who are typing at this moment.
func (p *picture) typists(room string) (users []string) {
	for user, until := range p.typing[room] {
		if time.Now().Before(until) {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users
}

// settle works out what follows from messages and cursors: what is unread, and what was said last.
func (p *picture) settle() {
	for id, room := range p.Rooms {
		unread, mentions, last := 0.0, 0.0, 0.0
		for _, m := range p.Messages[id] {
			last = max(last, number(m, "seq"))
			sender, _ := m["sender"].(object)
			if number(m, "seq") <= p.cursors[id] || m["deletedAt"] != nil || sender["id"] == p.me {
				continue
			}
			unread++
			if mentioned, _ := m["mentions"].([]any); slices.Contains(mentioned, any(p.me)) {
				mentions++
			}
		}
		room["unreadCount"], room["mentionCount"], room["readSeq"], room["lastSeq"] = unread, mentions, p.cursors[id], last
		if room["lastMessage"] = nil; last > 0 {
			shown := maps.Clone(p.Messages[id][fmt.Sprint(last)])
			delete(shown, "thread") // of pages alone
			room["lastMessage"] = shown
		}
	}
}

// shown is the picture as JSON, line by line.
func (p *picture) shown() []string {
	shown, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return []string{err.Error()}
	}
	return strings.Split(string(shown), "\n")
}
