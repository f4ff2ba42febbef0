package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	pingInterval = 25 * time.Second
	maxPacket    = 1 << 20
)

// broadcaster has the rooms and the connections.
type broadcaster struct {
	upgrader websocket.Upgrader

	mu      sync.Mutex
	rooms   map[string]*room
	clients map[*client]struct{}
}

// newBroadcaster makes one that sends heartbeats until ctx ends.
func newBroadcaster(ctx context.Context) *broadcaster {
	b := &broadcaster{
		// Small buffers, as nobody sends much: with the zero values a connection would keep those of net/http, 8 KB.
		upgrader: websocket.Upgrader{ReadBufferSize: 512, WriteBufferPool: &sync.Pool{}},
		rooms:    map[string]*room{},
		clients:  map[*client]struct{}{},
	}
	go b.beat(ctx)
	return b
}

func (b *broadcaster) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/socket.io/", b.accept)
	return mux
}

// accept lets net/http's goroutine go with its stack: a fresh one reads, in a fraction of the memory.
func (b *broadcaster) accept(w http.ResponseWriter, r *http.Request) {
	ws, err := b.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	ws.SetReadLimit(maxPacket)
	c := newClient(ws)
	b.mu.Lock()
	b.clients[c] = struct{}{}
	b.mu.Unlock()
	c.write(frame([]byte(`0{"sid":"bare","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)))
	go b.read(c)
}

// read serves a connection until it ends.
func (b *broadcaster) read(c *client) {
	defer b.forget(c)
	for {
		_, packet, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		if !b.handle(c, packet) {
			return
		}
	}
}

func (b *broadcaster) forget(c *client) {
	_ = c.ws.Close()
	b.mu.Lock()
	delete(b.clients, c)
	b.mu.Unlock()
	for _, r := range c.rooms {
		r.leave(c)
	}
}

// room finds or makes one.
func (b *broadcaster) room(id string) *room {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.rooms[id]
	if r == nil {
		r = &room{}
		b.rooms[id] = r
	}
	return r
}

// beat sends the heartbeats that Engine.IO's clients expect.
func (b *broadcaster) beat(ctx context.Context) {
	ping := frame([]byte("2"))
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.mu.Lock()
			for c := range b.clients {
				c.write(ping)
			}
			b.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}
