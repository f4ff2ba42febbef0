package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"parley/api"
	"parley/api/auth"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

// The demo: three people, who looks after the node, and a room. The password is no secret: it is on the page. So --demo is
// for one's own machine.
const (
	demoPassword = "parley-demo" //nolint:gosec // it is printed for everybody to use
	demoRoom     = "general"
)

// demoUsers are none without --demo.
func (s *settings) demoUsers() []api.DemoUser {
	if !s.demo {
		return nil
	}
	user := func(name string, roles ...domain.Role) api.DemoUser {
		return api.DemoUser{Username: name, Password: demoPassword, Roles: append([]domain.Role{}, roles...)}
	}
	return []api.DemoUser{user("alice"), user("bob"), user("carol"), user("olivia", domain.RoleAdmin)}
}

// demo makes what is missing and prints how to connect. Doing it again changes nothing.
func (n *node) demo(ctx context.Context, out io.Writer) error {
	var people []domain.Principal
	for _, u := range n.settings.demoUsers() {
		p, err := n.demoUser(ctx, u)
		if err != nil {
			return fmt.Errorf("demo user %s: %w", u.Username, err)
		}
		people = append(people, p)
	}
	if err := n.demoRoom(ctx, people); err != nil {
		return fmt.Errorf("demo room: %w", err)
	}
	return n.printHint(out)
}

func (n *node) demoUser(ctx context.Context, u api.DemoUser) (domain.Principal, error) {
	account, err := n.accounts.CreateAccount(ctx, auth.Registration{Username: u.Username, Password: u.Password, Roles: u.Roles})
	if domain.CodeOf(err) == domain.CodeConflict {
		account, err = n.accounts.FindAccount(ctx, u.Username)
	}
	return domain.Principal{UserID: account.UserID, Username: u.Username}, err
}

func (n *node) demoRoom(ctx context.Context, people []domain.Principal) error {
	owner := commands.Actor{Principal: people[0]}
	var members []string
	for _, p := range people[1:] {
		members = append(members, p.UserID)
	}
	_, err := n.commands.CreateRoom.Do(ctx, owner, commands.CreateRoom{
		ID: demoRoom, Name: "General", Type: event.RoomPublic, Topic: "Say hello", MemberIDs: members,
	})
	if domain.CodeOf(err) == domain.CodeRoomExists {
		return nil
	}
	if err != nil {
		return err
	}
	for i, text := range []string{"Welcome to Parley.", "Every message here is an event in Postgres.", "And it survives Redis."} {
		_, err := n.commands.SendMessage.Do(ctx, commands.Actor{Principal: people[i]}, commands.SendMessage{
			RoomID: demoRoom, Content: text, ClientMessageID: fmt.Sprintf("demo-%d", i),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// printHint says how to get in. It prints no token: logging in makes one.
func (n *node) printHint(out io.Writer) error {
	_, port, err := net.SplitHostPort(n.settings.listenAddr())
	if err != nil {
		return err
	}
	var names []string
	for _, u := range n.settings.demoUsers() {
		names = append(names, u.Username)
	}
	_, err = fmt.Fprintf(out, `
Parley is running: open http://localhost:%[1]s   (Ctrl-C stops it)
Demo users %[2]s, password %[3]q, all in the room %[4]q.
Operations: http://localhost:%[1]s/ops as %[5]s, who is an administrator.

Get a token (15 minutes):
  TOKEN=$(curl -s localhost:%[1]s/api/v1/auth/login -H 'Content-Type: application/json' \
    -d '{"username":"alice","password":"%[3]s"}' | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')
Read the room:
  curl -s -H "Authorization: Bearer $TOKEN" localhost:%[1]s/api/v1/rooms/%[4]s/messages
Talk in it with the official client (npm install socket.io-client; save as chat.mjs; TOKEN=… node chat.mjs):
  import { io } from "socket.io-client";
  const socket = io("http://localhost:%[1]s", { auth: { token: process.env.TOKEN } });
  socket.on("new-message", (m) => console.log(m.seq, m.sender.username + ":", m.content));
  socket.on("connect_error", (e) => console.log(e.message, e.data));
  socket.on("connect", async () => {
    console.log(await socket.emitWithAck("join-room", { roomId: "%[4]s" }));
    console.log(await socket.emitWithAck("send-message", { roomId: "%[4]s", content: "Hello!" }));
  });

`, port, strings.Join(names, ", "), demoPassword, demoRoom, names[len(names)-1])
	return err
}
