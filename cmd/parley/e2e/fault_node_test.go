package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// A node that loses its power loses nothing that it acknowledged. Its clients come back and
// repeat what they don't know about; the other node's clients notice nothing.
func TestNodeKilledDuringSends(t *testing.T) {
	inParallel(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	victim, witness := startNode(t, "victim", shared), startNode(t, "witness", shared)

	l := startLoad(t, witness)
	reader := l.read(witness)
	l.write(victim, 2)
	l.write(witness, 1)
	l.strike("kill -9 of the node", requestsFailed, func() {
		victim.Kill()
		l.more("messages at the other node", 50)
		victim.Restart()
	})
	l.more("messages after the restart", 200)
	l.finish()

	history := l.history(witness)
	l.ledger.settled(t, history)
	heard(t, "the reader at the other node", reader.upTo(t, len(history)), history)
	heard(t, "the REST reader of the restarted node", l.history(victim), history)
	soundLog(t, shared["DATABASE_URL"])
}

// A node that is asked to end tells its clients, answers or hangs up, keeps what it
// acknowledged, and is gone in time.
func TestNodeDrains(t *testing.T) {
	inParallel(t)
	const limit = 8 * time.Second
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	n := startNode(t, "draining", shared.with(settings{"SHUTDOWN_TIMEOUT": limit.String()}))

	l := startLoad(t, n)
	reader := l.read(n)
	l.write(n, 3)
	var drained int64 // the log's head when the node was gone
	l.strike("SIGTERM", requestsFlying, func() {
		began := time.Now()
		n.Terminate()
		if code := n.AwaitExit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		took := time.Since(began)
		t.Logf("drained in %s", took.Round(time.Millisecond))
		if took > limit {
			t.Errorf("drained in %s, which is more than SHUTDOWN_TIMEOUT, %s", took, limit)
		}
		drained = logHead(t, shared["DATABASE_URL"])
		n.Restart()
	})
	l.more("messages after the restart", 200)
	l.finish()

	if reader.saw("server-draining") == 0 {
		t.Error("no server-draining before the connection closed")
	}
	history := l.history(n)
	l.ledger.settled(t, history)
	for _, e := range l.ledger.entries { // what it took it answers; what it did not take it does not store
		if e.unknown > 0 && e.position <= drained {
			t.Errorf("the draining node stored %q at %d and did not say so", e.content, e.position)
		}
	}
	<-reader.socket.done
	got := reader.got
	heard(t, "the reader, until the node was gone", got, history[:min(len(got), len(history))])
	for code := range l.ledger.codes {
		if code != "UNAVAILABLE" {
			t.Errorf("a draining node refused with %s", code)
		}
	}
	soundLog(t, shared["DATABASE_URL"])
}

// A node that freezes, perhaps in the middle of an append, holds the others up for a moment
// at most. When it wakes, its clients are where the others are.
func TestNodePausedDuringSends(t *testing.T) {
	inParallel(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	frozen, witness := startNode(t, "frozen", shared), startNode(t, "witness", shared)

	l := startLoad(t, witness)
	near, far := l.read(witness), l.read(frozen)
	l.write(frozen, 1)
	l.write(witness, 2)
	l.strike("SIGSTOP of a node", requestsFlying, func() {
		frozen.Pause()
		defer frozen.Resume()
		began := time.Now()
		l.more("messages while the other node is frozen", 200)
		if took := time.Since(began); took > 2*patience {
			t.Errorf("200 messages took %s while the other node was frozen", took)
		}
	})
	l.more("messages after it woke up", 200)
	l.finish()

	history := l.history(witness)
	l.ledger.settled(t, history)
	heard(t, "the reader at the node that ran on", near.upTo(t, len(history)), history)
	heard(t, "the reader at the node that was frozen", far.upTo(t, len(history)), history)
}

// awaitReadiness waits until /readyz answers with a status, and returns its body.
func (n *node) awaitReadiness(t testing.TB, status int) string {
	t.Helper()
	deadline := time.Now().Add(settle)
	for {
		got, body, err := get(t.Context(), n.URL+"/readyz")
		if err == nil && got == status {
			return string(body)
		}
		if time.Now().After(deadline) {
			t.Errorf("/readyz of node %s: %d %s %v, want %d", n.name, got, body, err, status)
			return string(body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// alive checks that the process says it lives, whatever it stands on.
func (n *node) alive(t testing.TB) {
	t.Helper()
	if status, body, err := get(t.Context(), n.URL+"/healthz"); err != nil || status != http.StatusOK {
		t.Errorf("/healthz of node %s: %d %s %v", n.name, status, body, err)
	}
}
