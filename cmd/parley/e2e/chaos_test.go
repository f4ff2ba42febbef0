//go:build chaos

package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestChaosCrowd has 50 clients for two minutes: CHAOS_CLIENTS, CHAOS_DURATION. CHAOS_SEED repeats the
// choices of an earlier run.
func TestChaosCrowd(t *testing.T) {
	packages(t)
	u := chaos(t)
	u.length = setting(t, "CHAOS_DURATION", u.length, time.ParseDuration)
	u.mustBeSurvived(t)
}

// TestChaosCrowdFindsLosses points the same at a build that does not recover anything: it must see that.
func TestChaosCrowdFindsLosses(t *testing.T) {
	packages(t)
	u := chaos(t)
	u.program, u.length, u.recovery = filepath.Join(t.TempDir(), "parley"), 20*time.Second, 5*time.Second
	if err := compile(u.program, "-tags", "norecovery"); err != nil {
		t.Fatal(err)
	}
	r := u.run(t)
	t.Log(r)
	for _, kind := range r.kinds {
		if r.by[kind].missed == 0 {
			t.Errorf("nothing is recovered, and no client of kind %q is said to have missed anything", kind)
		}
	}
	if r.sum.repeated+r.sum.reordered+r.sum.unexpected > 0 {
		t.Error("nothing is repeated, and yet it is said to be")
	}
}

func chaos(t *testing.T) unrest {
	t.Helper()
	return unrest{
		seed: setting(t, "CHAOS_SEED", uint64(time.Now().UnixNano()), func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }),
		// 50 clients hear about 30 messages/s each, and one loses its connection every 80 ms.
		clients: setting(t, "CHAOS_CLIENTS", 50, strconv.Atoi), rooms: 5, pace: time.Second,
		length: 2 * time.Minute, every: 80 * time.Millisecond, blows: 3 * time.Second, recovery: time.Minute,
	}
}

// setting reads an environment variable.
func setting[T any](t *testing.T, name string, standard T, parse func(string) (T, error)) T {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return standard
	}
	parsed, err := parse(value)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return parsed
}
