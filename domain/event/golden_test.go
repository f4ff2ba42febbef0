package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/domain/event"
)

var update = flag.Bool("update", false, "write golden files that are missing; existing ones never change")

// Stored bytes are for ever: a type that must change gets a new schema version, a new
// golden file, and an upcaster, and its old files stay readable.
func TestStoredBytesNeverChange(t *testing.T) {
	t.Parallel()
	all := samples()
	for _, typ := range event.Types() {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			sample, ok := all[typ]
			if !ok {
				t.Fatal("there is no sample of this type")
			}
			stored, err := event.Encode(event.ID{1}, nil, sample)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(stored.Data) || bytes.ContainsAny(stored.Data, "\n") {
				t.Fatalf("not one line of JSON: %s", stored.Data)
			}
			want := golden(t, fmt.Sprintf("%s.v%d.json", typ, stored.SchemaVersion), stored.Data)
			if diff := cmp.Diff(string(want), string(stored.Data)); diff != "" {
				t.Errorf("other bytes (-golden +now):\n%s", diff)
			}
			decoded, err := event.Decode(typ, stored.SchemaVersion, want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sample, decoded); diff != "" {
				t.Errorf("decoded to another event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEverySchemaVersionStaysReadable(t *testing.T) {
	t.Parallel()
	for _, typ := range event.Types() {
		for version := 1; version <= event.SchemaVersion(typ); version++ {
			data, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("%s.v%d.json", typ, version)))
			if err != nil {
				t.Errorf("no golden file: %v", err)
				continue
			}
			if _, err := event.Decode(typ, version, bytes.TrimSpace(data)); err != nil {
				t.Errorf("%s version %d: %v", typ, version, err)
			}
		}
	}
}

func golden(t *testing.T, name string, now []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
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
