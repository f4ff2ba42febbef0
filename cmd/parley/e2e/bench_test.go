package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"parley/eventstore/testenv"
)

// The load generator brings each of its scenarios to an end on a real node, and finds nothing wrong.
func TestBench(t *testing.T) {
	inParallel(t)
	shared := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	one, two := startNode(t, "one", shared), startNode(t, "two", shared)
	for name, args := range map[string]string{
		"fanout":    "--clients 20 --room-size 10 --duration 300ms --warmup 100ms --pid " + strconv.Itoa(one.cmd.Process.Pid),
		"send":      "--clients 10 --door ws --rate 100 --duration 300ms --warmup 0s",
		"mixed":     "--clients 20 --rate 200 --duration 300ms --warmup 0s",
		"connect":   "--clients 20 --room-size 10 --concurrency 8",
		"reconnect": "--clients 20 --room-size 10 --missed 5 --url " + two.URL,
		"history":   "--clients 4 --messages 20 --page 10 --duration 300ms --warmup 0s",
		"order":     "--duration 300ms --warmup 100ms --url " + two.URL,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "result.json")
			args := append([]string{"bench", name, "--strict", "--drain", "30s", "--json", path, "--url", one.URL}, strings.Fields(args)...)
			out := cli(t, settings{"JWT_SECRET": jwtSecret}, args...).want(t, 0).stdout
			if !strings.HasPrefix(out, name) {
				t.Errorf("the table is %q", out)
			}
			var r struct {
				Delivered, Connections, CaughtUp, Requests int64

				Seconds float64
				Errors  map[string]int64
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			delete(r.Errors, "UNAVAILABLE") // the machine is busy
			if r.Delivered+r.Connections+r.CaughtUp+r.Requests == 0 || len(r.Errors) > 0 || r.Seconds <= 0 {
				t.Errorf("%s", text)
			}
		})
	}
}
