package main

import (
	"context"
	"fmt"
	"io"
	"net"

	"parley/api/auth"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

// The demo: three people and a room. The password is no secret, so --demo is for one's
// own machine.
const (
	demoPassword = "parley-demo" //nolint:gosec // it is printed for everybody to use
	demoRoom     = "general"
)

func demoUsers() []string { return []string{"alice", "bob", "carol"} }

// demo makes what is missing and prints how to connect. Doing it again changes nothing.
func (n *node) demo(ctx context.Context, out io.Writer) error {
	var people []domain.Principal
	for _, name := range demoUsers() {
		p, err := n.demoUser(ctx, name)
		if err != nil {
			return fmt.Errorf("demo user %s: %w", name, err)
		}
		people = append(people, p)
	}
	if err := n.demoRoom(ctx, people); err != nil {
		return fmt.Errorf("demo room: %w", err)
	}
	return n.printHint(out)
}

func (n *node) demoUser(ctx context.Context, name string) (domain.Principal, error) {
	account, err := n.accounts.CreateAccount(ctx, auth.Registration{Username: name, Password: demoPassword})
	if domain.CodeOf(err) == domain.CodeConflict {
		account, err = n.accounts.FindAccount(ctx, name)
	}
	return domain.Principal{UserID: account.UserID, Username: name}, err
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
	_, err = fmt.Fprintf(out, `
Parley is running at http://localhost:%[1]s   (Ctrl-C stops it)
Demo users %[2]v, password %[3]q, all in the room %[4]q.

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

`, port, demoUsers(), demoPassword, demoRoom)
	return err
}
