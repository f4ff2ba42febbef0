package erase_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/erase"
	"parley/domain/event"
)

var update = flag.Bool("update", false, "write golden files that are missing; existing ones never change")

// recorded is the sample of a type that the event package keeps, caused by a user.
func recorded(t *testing.T, typ, by string) event.Recorded {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "event", "testdata", typ+".v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return event.Recorded{
		Type: typ, SchemaVersion: 1, Data: bytes.TrimSpace(data),
		Metadata: event.Metadata{UserID: by, CorrelationID: "from a client", CausationID: "too", Node: "n1"}.Encode(),
	}
}

// What is left of each event once Ann has been erased. Nothing that must go may come back with another build.
func TestWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			r := recorded(t, typ, "ann")
			data, metadata, changed, err := erase.Blanked(r, "ann")
			if err != nil || !changed {
				t.Fatalf("changed %t, %v", changed, err)
			}
			if diff := cmp.Diff(string(golden(t, typ, data)), string(data)); diff != "" {
				t.Errorf("other bytes (-golden +now):\n%s", diff)
			}
			if want := `{"userId":"ann","node":"n1"}`; string(metadata) != want {
				t.Errorf("metadata %s, want %s", metadata, want)
			}
			if !strings.HasPrefix(typ, "Room") && !strings.HasPrefix(typ, "Reaction") && typ != event.TypeMemberJoined &&
				typ != event.TypeMemberLeft && typ != event.TypeMemberRoleChanged {
				for _, trace := range []string{"Ann", "שלום", "x.test", "c-1", "spam"} {
					if bytes.Contains(data, []byte(trace)) {
						t.Errorf("%q is left in %s", trace, data)
					}
				}
			}
			r.Data, r.Metadata = data, metadata
			if again, _, changed, err := erase.Blanked(r, "ann"); changed || err != nil || !bytes.Equal(again, data) {
				t.Errorf("the second time: changed %t, %v", changed, err)
			}
		})
	}
}

func TestOthersStay(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		r := recorded(t, typ, "ann")
		data, metadata, changed, err := erase.Blanked(r, "root")
		if err != nil || changed || !bytes.Equal(data, r.Data) || !bytes.Equal(metadata, r.Metadata) {
			t.Errorf("%s: changed %t, %v: %s %s", typ, changed, err, data, metadata)
		}
	}
}

// The members of a room share one event, and so do those who read it.
func TestOnlyOneMemberIsBlanked(t *testing.T) {
	t.Parallel()
	r := recorded(t, event.TypeRoomCreated, "").Decoded()
	before, err := r.Payload()
	if err != nil {
		t.Fatal(err)
	}
	created, ok := before.(event.RoomCreated)
	if !ok {
		t.Fatalf("a %T", before)
	}
	less, touched := erase.Blank(created, "mia")
	if !touched || created.Members[1].Username == "" {
		t.Fatalf("touched %t, and the event that was given is %+v", touched, created)
	}
	if left, ok := less.(event.RoomCreated); !ok || left.Members[0] != created.Members[0] || left.Members[1].Username != "" {
		t.Errorf("left %+v", less)
	}
}

func TestUnknownEventsAreRefused(t *testing.T) {
	t.Parallel()
	r := recorded(t, event.TypeMessageSent, "ann")
	r.Type = "MessageSungAloud"
	if _, _, _, err := erase.Blanked(r, "ann"); err == nil {
		t.Error("no error")
	}
}

func golden(t *testing.T, typ string, now json.RawMessage) []byte {
	t.Helper()
	path := filepath.Join("testdata", typ+".json")
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(bytes.Clone(now), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return now
	}
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	return bytes.TrimSuffix(data, []byte("\n"))
}
