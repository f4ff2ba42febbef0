package main

import (
	"context"
	"fmt"
)

const (
	comeback = "reconnect"
	// stormRoom is large, which spares the Node peer: it looks through what all rooms have missed for each client.
	stormRoom = 500
)

// comingBack names the work: so many clients.
func comingBack(clients int) string {
	return fmt.Sprintf("%s clients, %d missed messages each", grouped(float64(clients)), stormMissed)
}

// benchReconnect lets all clients go, tells each room what they will have missed, and lets all come back at once: once, since
// thousands of clients are as many measurements, and it takes Node a minute.
func benchReconnect(ctx context.Context, b *bench) ([]row, error) {
	w := work{comeback, comingBack(b.sockets), "reconnect", []string{flagOf("clients", b.sockets), flagOf("room-size", stormRoom), flagOf("missed", stormMissed)}}
	for _, who := range []string{nodePeer, parley} {
		if err := b.reconnectOnce(ctx, w, who); err != nil {
			return nil, err
		}
	}
	return b.reconnectRows(), nil
}

func (b *bench) reconnectOnce(ctx context.Context, w work, who string) error {
	var env []string
	if who == nodePeer {
		env = append(env, "STATE_RECOVERY=true")
	}
	s, err := b.startPeer(ctx, who, env...)
	if err != nil {
		return err
	}
	defer s.stop()
	_, err = b.do(ctx, w, who, s)
	return err
}

func seconds(r *result) float64 { return r.Seconds }
func missedOf(r *result) int64  { return r.Missed }

func (b *bench) reconnectRows() []row {
	ours, node := b.journal.rounds(comeback, comingBack(b.sockets), parley), b.journal.rounds(comeback, comingBack(b.sockets), nodePeer)
	return []row{
		atMost("reconnect storm, "+comingBack(b.sockets)+": until all have caught up, over Node's", ratio(ours, node, seconds), 0.25,
			fmt.Sprintf("%.2f s over %.2f s", middle(ours, seconds), middle(node, seconds)), "at most 0.25 times"),
		none("missed messages of the storm that were lost, repeated or reordered", sum(ours, amiss),
			fmt.Sprintf("Node lost %s of %s", grouped(float64(sum(node, lost))), grouped(float64(sum(node, missedOf)))), "none"),
	}
}
