package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"parley/domain/event"
	"parley/eventstore"
	"parley/eventstore/postgres"
	"parley/eventstore/testenv"
)

// say appends events of a command of a user.
func say(t *testing.T, store *postgres.Store, by string, events ...event.Event) event.Position {
	t.Helper()
	var a eventstore.Append
	meta := event.Metadata{UserID: by, CorrelationID: "request of " + by, Node: "n"}.Encode()
	for _, e := range events {
		id := event.DeriveID("test", fmt.Sprint(e))
		if sent, ok := e.(event.MessageSent); ok {
			id, _ = event.ParseID(sent.MessageID)
		}
		n, err := event.Encode(id, meta, e)
		if err != nil {
			t.Fatal(err)
		}
		a.Events = append(a.Events, n)
	}
	result, err := store.Append(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return result.Last()
}

// talk has Ann and Bob talk, and both erased afterwards; it returns the erasures.
func talk(t *testing.T, store *postgres.Store) (ann, bob event.Position) {
	t.Helper()
	say(t, store, "ann", event.UserRegistered{UserID: "ann", Username: "AnnS", DisplayName: "Ann Secret"})
	say(t, store, "bob", event.UserRegistered{UserID: "bob", Username: "BobS", DisplayName: "Bob Secret"})
	say(t, store, "ann", event.RoomCreated{RoomID: "r", Name: "Room", Members: []event.Member{
		{UserID: "ann", Username: "AnnS", Role: event.RoleOwner}, {UserID: "bob", Username: "BobS", Role: event.RoleMember},
	}})
	for i := range 30 {
		by := []string{"ann", "bob", "mia"}[i%3]
		say(t, store, by, event.MessageSent{Message: event.Message{
			RoomID: "r", MessageID: event.DeriveID("m", strconv.Itoa(i)).String(), Content: fmt.Sprintf("says %s %d", by, i),
			Sender: event.Sender{ID: by, Username: strings.ToUpper(by)}, Mentions: []string{"ann"},
		}})
	}
	ann = say(t, store, "root", event.UserErased{UserID: "ann", By: "root"})
	bob = say(t, store, "root", event.UserErased{UserID: "bob", By: "root"})
	return ann, bob
}

func sweep(t *testing.T, store *postgres.Store, at event.Position) {
	t.Helper()
	list, err := store.Erasures(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	for e := list[0]; e.Swept < e.Position; {
		if e, err = store.Sweep(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func text(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	var all string
	err := pool.QueryRow(t.Context(), `SELECT string_agg(e::text, E'\n' ORDER BY position) FROM log.events e`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSweepLeavesNothingAndTheChain(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	store := run(t, pool, postgres.Config{})
	ann, bob := talk(t, store)
	before := mustProve(t, pool)
	var group errgroup.Group // at once, on the same rows
	for _, at := range []event.Position{ann, bob, ann} {
		group.Go(func() error { sweep(t, store, at); return nil })
	}
	_ = group.Wait()
	if head := mustProve(t, pool); head != before {
		t.Errorf("the head is %v, before it was %v", head, before)
	}
	left := text(t, pool)
	for _, trace := range []string{"AnnS", "BobS", "Secret", "says ann", "says bob", "ANN", "BOB", "request of ann", "request of bob"} {
		if strings.Contains(left, trace) {
			t.Errorf("%q is left", trace)
		}
	}
	for _, stays := range []string{"says mia 2", "MIA", "request of mia", "Room"} {
		if !strings.Contains(left, stays) {
			t.Errorf("%q is gone", stays)
		}
	}
	if list, err := store.Erasures(t.Context(), 0); err != nil || len(list) != 2 || list[0].Swept != ann || list[1].UserID != "bob" {
		t.Errorf("erasures %+v, %v", list, err)
	}
	if _, err := store.Erasures(t.Context(), 1); !errors.Is(err, postgres.ErrNoErasure) {
		t.Errorf("no erasure: %v", err)
	}
}

func TestSweepIsOneTransaction(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	store := run(t, pool, postgres.Config{})
	ann, _ := talk(t, store)
	list, err := store.Erasures(t.Context(), ann)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Sweep(ended, list[0]); err == nil {
		t.Error("swept though the context had ended")
	}
	mustProve(t, pool)
	sweep(t, store, ann)
	mustProve(t, pool)
}

func TestProofOfWhatWasErased(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"content comes back":     `UPDATE log.events SET data = replace(data::text, '"content":""', '"content":"x"')::json WHERE position = 4`,
		"another byte":           `UPDATE log.events SET data = replace(data::text, '["ann"]', '["ana"]')::json WHERE position = 4`,
		"digests that were kept": `UPDATE log.erased SET data_digest = sha256(data_digest) WHERE position = 4`,
		"nobody asked for it":    `UPDATE log.erased SET by_position = 35 WHERE position = 4`,
		"asked for before":       `UPDATE log.erased SET by_position = 3 WHERE position = 4`,
		"digests forgotten":      `DELETE FROM log.erased WHERE position = 4`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testenv.Pool(t)
			store := run(t, pool, postgres.Config{})
			ann, _ := talk(t, store)
			sweep(t, store, ann)
			mustProve(t, pool)
			if _, err := pool.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			if _, err := prove(t, pool); err == nil || !strings.Contains(err.Error(), "position 4: ") {
				t.Errorf("proved: %v", err)
			}
		})
	}
}
