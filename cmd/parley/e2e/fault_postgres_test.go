package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// patience is how long a command may stay unanswered when Postgres is away: 6 s, and some
// for a busy machine.
const patience = 8 * time.Second

// Without Postgres nothing is accepted and nobody waits for ever; with it everything goes
// on, in the same processes and on the same connections.
func TestPostgresKilledDuringSends(t *testing.T) {
	inParallel(t)
	postgres := testenv.StartPostgres(t)
	shared := backends(postgres.DSN, testenv.StartRedis(t).URL)
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)

	l := startLoad(t, one)
	first, second := l.read(one), l.read(two)
	l.write(one, 2)
	l.write(two, 1)
	l.strike("kill -9 of Postgres", requestsFailed, func() {
		postgres.Kill()
		refused := l.ledger.count().refused
		l.ledger.await(t, "refusals", settle, func(t tally) bool { return t.refused >= refused+12 })
		for _, n := range []*node{one, two} {
			n.alive(t)
			if body := n.awaitReadiness(t, http.StatusServiceUnavailable); !strings.Contains(strings.ToLower(body), "postgres") {
				t.Errorf("/readyz of node %s does not name Postgres: %s", n.name, body)
			}
		}
		unavailable(t, one, l.room)
		postgres.Start()
	})
	l.more("messages after Postgres came back", 200)
	l.finish()
	l.verifyOutage(t, one, first, second)
	soundLog(t, postgres.DSN)
}

// A Postgres that hangs is as bad as one that is gone, and no worse.
func TestPostgresPausedDuringSends(t *testing.T) {
	inParallelIdly(t)
	postgres := testenv.StartPostgres(t)
	n := startNode(t, "hanging", backends(postgres.DSN, testenv.StartRedis(t).URL))

	l := startLoad(t, n)
	reader := l.read(n)
	l.write(n, 2)
	l.strike("SIGSTOP of Postgres", requestsFailed, func() {
		postgres.Pause()
		defer postgres.Resume()
		refused := l.ledger.count().refused
		l.ledger.await(t, "refusals", settle, func(t tally) bool { return t.refused > refused })
		n.alive(t)
	})
	l.more("messages after Postgres woke up", 100)
	l.finish()
	l.verifyOutage(t, n, reader)
	soundLog(t, postgres.DSN)
}

func (l *load) verifyOutage(t *testing.T, home *node, readers ...*reader) {
	t.Helper()
	home.awaitReadiness(t, http.StatusOK)
	history := l.history(home)
	l.ledger.settled(t, history)
	for _, r := range readers {
		heard(t, "a reader", r.upTo(t, len(history)), history)
	}
	if l.ledger.slowest > patience {
		t.Errorf("a command was answered after %s", l.ledger.slowest)
	}
	for code := range l.ledger.codes {
		if code != "UNAVAILABLE" {
			t.Errorf("without Postgres a send was refused with %s", code)
		}
	}
}

// unavailable checks what REST says meanwhile.
func unavailable(t *testing.T, n *node, room string) {
	t.Helper()
	c := n.bearing(t, tokenOf("host"))
	began := time.Now()
	c.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "x"}).problem(http.StatusServiceUnavailable, "UNAVAILABLE")
	c.call("GET", "/api/v1/rooms/"+room+"/messages", nil).problem(http.StatusServiceUnavailable, "UNAVAILABLE")
	if took := time.Since(began); took > 2*patience {
		t.Errorf("REST took %s to say that it can't", took)
	}
}
