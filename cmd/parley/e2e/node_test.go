package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	jwtSecret = "an end-to-end test secret of more than 32 bytes"
	password  = "correct horse battery staple" // of every local account; must appear in no log

	readyTimeout = 90 * time.Second // the race detector, two cores, and others on them
	exitTimeout  = 30 * time.Second
	logTail      = 12_000 // bytes of a node's log that a failed test shows
)

// settings are environment variables.
type settings map[string]string

// backends are the settings that nodes of one deployment share.
func backends(database, redis string) settings {
	return settings{"DATABASE_URL": database, "REDIS_URL": redis}
}

// with returns a copy with more settings, those of more first.
func (s settings) with(more settings) settings {
	all := maps.Clone(s)
	maps.Copy(all, more)
	return all
}

// node is one `parley serve`.
type node struct {
	t    testing.TB
	name string
	port int
	// URL is where it listens: http://127.0.0.1:port.
	URL  string
	env  []string
	args []string
	dir  string
	// program is the build that runs, the shared one unless a test says otherwise.
	program string

	log     journal
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process was reaped
	hurried bool          // it was killed: how it ended says nothing
}

// startNode starts a node and returns when it is ready. It is stopped when the test ends,
// and must then exit 0 without a data race, a panic or a secret in its log.
func startNode(t testing.TB, name string, env settings) *node {
	t.Helper()
	n := newNode(t, name, env)
	n.start()
	n.awaitReady()
	return n
}

func newNode(t testing.TB, name string, env settings) *node {
	t.Helper()
	n := &node{t: t, name: name, port: freePort(t), dir: t.TempDir()}
	n.URL = "http://127.0.0.1:" + strconv.Itoa(n.port)
	defaults := settings{
		"SOCKET_PORT":                   strconv.Itoa(n.port),
		"JWT_SECRET":                    jwtSecret,
		"AUTO_PROVISION":                "true",
		"SOCKET_MAX_CONNECTIONS_PER_IP": "0",
		"SOCKET_RATE_LIMIT_MESSAGES":    "0",
		"SHUTDOWN_TIMEOUT":              "10s",
		"LOG_LEVEL":                     "info",
	}
	n.env = environment(defaults.with(env))
	t.Cleanup(n.finish)
	return n
}

// environment is what a process gets: nothing of ours but what it needs to run at all. A program with the race detector
// would sleep for a second before it ends, and most of what runs here ends when it has nothing left to do.
func environment(s settings) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GORACE=atexit_sleep_ms=20"}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		env = append(env, name+"="+s[name])
	}
	return env
}

func (n *node) start() {
	n.t.Helper()
	if n.program == "" {
		n.program = parley(n.t)
	}
	n.cmd = exec.Command(n.program, append([]string{"serve"}, n.args...)...)
	n.cmd.Env, n.cmd.Dir, n.cmd.SysProcAttr = n.env, n.dir, ownProcess()
	n.cmd.Stdout, n.cmd.Stderr = &n.log, &n.log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("start node %s: %v", n.name, err)
	}
	n.hurried = false
	n.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(exited)
	}(n.cmd, n.exited)
}

// awaitReady returns when /readyz answers 200.
func (n *node) awaitReady() {
	n.t.Helper()
	err := n.await(func(ctx context.Context) error {
		status, body, err := get(ctx, n.URL+"/readyz")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("/readyz: %d %s", status, body)
		}
		return nil
	})
	if err != nil {
		n.t.Fatalf("node %s: %v\n%s", n.name, err, n.log.tail())
	}
}

func (n *node) await(check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(n.t.Context(), readyTimeout)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-n.exited:
			return fmt.Errorf("ended with %s while it was awaited", n.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("not ready in time: %w", err)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// Kill ends the process at once, as a power cut would.
func (n *node) Kill() {
	n.t.Helper()
	n.hurried = true
	n.signal(syscall.SIGKILL)
	<-n.exited
}

// Pause freezes the process: connections stay open, nothing answers.
func (n *node) Pause() { n.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (n *node) Resume() { n.signal(syscall.SIGCONT) }

// Terminate asks the process to drain and returns at once.
func (n *node) Terminate() { n.signal(syscall.SIGTERM) }

// Restart starts a node that has ended again, at the same address, and awaits it.
func (n *node) Restart() {
	n.t.Helper()
	n.start()
	n.awaitReady()
}

func (n *node) signal(sig syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.t.Errorf("signal node %s: %v", n.name, err)
	}
}

// AwaitExit waits for a process that was told to end and says how it did.
func (n *node) AwaitExit() (code int) {
	n.t.Helper()
	select {
	case <-n.exited:
	case <-time.After(exitTimeout):
		n.t.Errorf("node %s did not end within %s of SIGTERM", n.name, exitTimeout)
		n.Kill()
	}
	return n.cmd.ProcessState.ExitCode()
}

// finish stops the node and looks at what it leaves behind.
func (n *node) finish() {
	if n.cmd == nil {
		return
	}
	select {
	case <-n.exited:
	default:
		n.Resume()
		n.Terminate()
	}
	if code := n.AwaitExit(); code != 0 && !n.hurried {
		n.t.Errorf("node %s exited with %d", n.name, code)
	}
	log := n.log.String()
	for what, sign := range map[string]string{
		"a data race": "WARNING: DATA RACE", "a panic": "panic:", "a token": "eyJhbGci", "a password": password, "the JWT secret": jwtSecret,
	} {
		if at := strings.Index(log, sign); at >= 0 {
			n.t.Errorf("node %s has %s in its log:\n%s", n.name, what, log[max(0, at-500):min(len(log), at+4000)])
		}
	}
	if n.t.Failed() {
		n.t.Logf("end of the log of node %s:\n%s", n.name, n.log.tail())
	}
}

// journal collects what a process prints.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write is called by the process's output.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) tail() string {
	text := j.String()
	return text[max(0, len(text)-logTail):]
}

// freePort picks one below those that systems hand out to outgoing connections, so that a
// node that is down for a while finds its port free again.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		port := 20_000 + rand.IntN(10_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("found no free port")
	return 0
}
