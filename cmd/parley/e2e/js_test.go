package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

const (
	jsTimeout = 3 * time.Minute // for one file of JavaScript tests
	jsAtATime = 3
)

// The official client against two nodes of one deployment, of which the first lets in only
// users that exist. Both log all they can, so that a secret in the log would be found.
func TestOfficialClient(t *testing.T) {
	inParallel(t)
	packages(t)
	database, broker := testenv.DSN(t), testenv.StartRedis(t).URL
	shared := backends(database, broker).with(settings{"LOG_LEVEL": "debug", "PRESENCE_GRACE": "1", "TYPING_TTL": "4"})
	strict := startNode(t, "strict", shared.with(settings{"AUTO_PROVISION": "false"}))
	open := startNode(t, "open", shared)

	t.Run("together", func(t *testing.T) {
		slots := make(chan struct{}, jsAtATime)
		run := func(name, transport, file string) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				occupy(t, slots)
				runJSBy(t, transport, file, strict.URL, open.URL)
			})
		}
		for _, file := range []string{"transports", "batch", "presence", "typing", "connect", "chat", "rooms", "members", "messages", "races", "marks"} {
			run(file, "websocket", file+".test.mjs")
		}
		run("chat by polling", "polling", "chat.test.mjs")
		run("chat by upgrade", "upgrade", "chat.test.mjs")
	})
	if streamed(t, broker) == 0 {
		t.Error("nothing went through Redis Streams")
	}
	soundLog(t, database)
}

// The official client against nodes with tight limits, each a deployment of its own.
func TestOfficialClientMeetsLimits(t *testing.T) {
	inParallel(t)
	packages(t)
	redis := testenv.StartRedisCluster(t) // where nothing is counted for keys of two servers at once
	pair := func(name string, limits settings) (one, two *node) {
		shared := backends(testenv.DSN(t), redis).with(limits)
		return startNode(t, name, shared), startNode(t, name+" too", shared)
	}
	tight, tight2 := pair("tight", settings{
		"SOCKET_RATE_LIMIT_MESSAGES": "5", "SOCKET_RATE_LIMIT_WINDOW": "8", "MAX_ROOMS_PER_SOCKET": "3",
	})
	few, few2 := pair("few", settings{"SOCKET_MAX_CONNECTIONS_PER_IP": "2"})
	runJS(t, "limits.test.mjs", tight.URL, tight2.URL, few.URL, few2.URL)
}

// The official client where Redis is a cluster, in which no command and no script may have keys of two servers.
func TestRedisCluster(t *testing.T) {
	inParallel(t)
	packages(t)
	shared := backends(testenv.DSN(t), testenv.StartRedisCluster(t)).with(settings{"PRESENCE_GRACE": "1", "TYPING_TTL": "4"})
	strict := startNode(t, "strict", shared.with(settings{"AUTO_PROVISION": "false"}))
	open := startNode(t, "open", shared)
	for _, file := range []string{"chat", "presence", "typing"} {
		runJS(t, file+".test.mjs", strict.URL, open.URL)
	}
	for _, n := range []*node{strict, open} {
		if at := regexp.MustCompile("CROSSSLOT|MOVED|level=(WARN|ERROR).*redis").FindString(n.log.String()); at != "" {
			t.Errorf("node %s says %s", n.name, at)
		}
	}
}

// A client that is left to itself finds the node that took the place of the drained one.
func TestOfficialClientReconnects(t *testing.T) {
	inParallel(t)
	packages(t)
	n := startNode(t, "draining", backends(testenv.DSN(t), testenv.StartRedis(t).URL))
	host := n.as(t, "host")
	n.as(t, "guest")
	room := host.createRoom("public", "reconnect")
	guest := startGuest(t, n.URL, tokenOf("guest"), room)

	say := func(content string) {
		t.Helper()
		host.call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": content}).done()
		guest.await("heard", func(e object) bool { return text(e, "content") == content })
	}
	guest.await("joined", nil)
	say("before")
	for i := range 2 {
		n.Terminate()
		if code := n.AwaitExit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if e := guest.await("draining", nil); e["reconnectInMs"] == nil {
			t.Errorf("server-draining does not say when to come back: %v", e)
		}
		// Any reason but "io server disconnect", after which the client would stay away.
		if e := guest.await("disconnected", nil); e["active"] != true {
			t.Errorf("the client gave up: %v", e)
		}
		n.Restart()
		if e := guest.await("joined", nil); e["success"] != true || e["connection"] != float64(i+2) {
			t.Errorf("it came back as %v", e)
		}
		say("after drain " + string(rune('1'+i)))
	}
}

var npm sync.Once

// packages installs the official client, once for each state of package-lock.json.
func packages(t *testing.T) {
	t.Helper()
	npm.Do(func() {
		wanted, err := os.ReadFile("package-lock.json")
		if err != nil {
			t.Fatal(err)
		}
		stamp := filepath.Join("node_modules", ".installed")
		if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, wanted) {
			return
		}
		if output, err := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, output)
		}
		if err := os.WriteFile(stamp, wanted, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(filepath.Join("node_modules", "socket.io-client")); err != nil {
		t.Fatalf("the official client is not installed: %v", err)
	}
}

// runJS runs a file of node:test tests and reports each as a subtest.
func runJS(t *testing.T, file string, urls ...string) {
	t.Helper()
	runJSBy(t, "websocket", file, urls...)
}

// runJSBy is runJS with clients that connect by polling, websocket or upgrade.
func runJSBy(t *testing.T, transport, file string, urls ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), jsTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test-reporter=tap", file) // without --test: in this process, not in one below it
	cmd.Env = environment(settings{"URLS": strings.Join(urls, ","), "JWT_SECRET": jwtSecret, "TRANSPORT": transport})
	cmd.WaitDelay = 5 * time.Second
	output, err := cmd.CombinedOutput()
	reportTAP(t, file, output, err)
}

// reportTAP reports each test of a program's TAP stream as a subtest; err is how the program ended.
func reportTAP(t *testing.T, program string, output []byte, err error) {
	t.Helper()
	results := parseTAP(output)
	if len(results) == 0 {
		t.Fatalf("%s ran no tests: %v\n%s", program, err, output)
	}
	failed := false
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) {
			if !r.ok {
				failed = true
				t.Error(r.detail)
			}
		})
	}
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || !failed) {
		t.Errorf("%s: %v\n%s", program, err, output)
	}
}

// tapResult is one test of a TAP stream.
type tapResult struct {
	name   string
	ok     bool
	detail string
}

// parseTAP reads the tests at the top level of a TAP stream, each with the block that follows it.
func parseTAP(output []byte) []tapResult {
	var results []tapResult
	for line := range strings.Lines(string(output)) {
		line = strings.TrimRight(line, "\n")
		status, rest, found := strings.Cut(line, "ok ")
		switch {
		case found && (status == "" || status == "not "):
			_, name, _ := strings.Cut(rest, " - ")
			results = append(results, tapResult{name: strings.ReplaceAll(name, `\#`, "#"), ok: status == ""})
		case len(results) > 0 && strings.HasPrefix(line, "  "):
			results[len(results)-1].detail += line[2:] + "\n"
		}
	}
	return results
}

// guest is a reconnect.mjs under way.
type guest struct {
	t      *testing.T
	events chan object
}

func startGuest(t *testing.T, args ...string) *guest {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{"reconnect.mjs"}, args...)...)
	cmd.Env = environment(nil)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, events: make(chan object, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		g.read(output)
	}()
	t.Cleanup(func() {
		_ = input.Close()
		<-read
		_ = cmd.Wait() // it may have been killed: the test's context is over
	})
	return g
}

func (g *guest) read(output io.Reader) {
	defer close(g.events)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var e object
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			g.events <- e
		}
	}
}

// await returns the next event of that name that fits; others before it are dropped.
func (g *guest) await(name string, fits func(object) bool) object {
	g.t.Helper()
	deadline := time.After(settle)
	for {
		select {
		case e, ok := <-g.events:
			if !ok {
				g.t.Fatalf("the client ended before it said %s", name)
			}
			if text(e, "event") == name && (fits == nil || fits(e)) {
				return e
			}
		case <-deadline:
			g.t.Fatalf("the client said no %s within %s", name, settle)
		}
	}
}
