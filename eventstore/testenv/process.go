package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	startTries   = 5
	pollEvery    = 20 * time.Millisecond
)

// process is a server program and all of its children.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // file with its output
	done chan struct{} // closed when it has ended and was reaped
}

// launch starts a program as the service user, with its output in a file.
func launch(log, name string, args ...string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	attr, err := serviceAttr()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: filepath.Base(name), cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is of no interest: it was told to
		close(p.done)
	}()
	return p, nil
}

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// awaitReady calls ready until it succeeds; it ends early when the process does.
func (p *process) awaitReady(ready func() error) error {
	deadline := time.After(startTimeout)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while it started: %s", p.name, p.lastOutput())
		case <-deadline:
			return fmt.Errorf("%s is not ready after %s: %w", p.name, startTimeout, err)
		case <-tick.C:
		}
	}
}

func (p *process) lastOutput() string {
	output, _ := os.ReadFile(p.log)
	return string(bytes.TrimSpace(output[max(0, len(output)-1000):]))
}

// kill ends the process and its children at once, as a power cut would, and returns when all are gone.
func (p *process) kill() error {
	if !p.running() {
		return nil
	}
	family := p.family(syscall.SIGSTOP) // stopped, it cannot notice that children die, nor start new ones
	signalAll(family, syscall.SIGKILL)
	return p.awaitGone(family)
}

// stop asks the process to end and waits for it.
func (p *process) stop(sig syscall.Signal) error {
	if !p.running() {
		return nil
	}
	p.signalFamily(syscall.SIGCONT) // a paused one would not hear it
	_ = p.cmd.Process.Signal(sig)
	return p.awaitGone(nil)
}

// signalFamily sends a signal to the process and its children.
func (p *process) signalFamily(sig syscall.Signal) {
	if p.running() {
		signalAll(p.family(sig), sig)
	}
}

// family sends sig to the process, then lists it and its children.
// Postgres gives each child a process group of its own, so a group is no help.
func (p *process) family(sig syscall.Signal) []int {
	pid := p.cmd.Process.Pid
	_ = syscall.Kill(pid, sig)
	family := []int{pid}
	output, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return family
	}
	for line := range strings.Lines(string(output)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(fields[0]); err == nil {
				family = append(family, child)
			}
		}
	}
	return family
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig)
	}
}

// awaitGone waits for the process and its listed children.
func (p *process) awaitGone(family []int) error {
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s (pid %d) did not end within %s", p.name, p.cmd.Process.Pid, stopTimeout)
	}
	deadline := time.Now().Add(stopTimeout)
	for _, pid := range family { // children, which somebody else reaps
		for isRunning(pid) {
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: child %d did not end within %s", p.name, pid, stopTimeout)
			}
			time.Sleep(pollEvery)
		}
	}
	return nil
}

// isRunning is false for a process that is gone or only waits to be reaped.
func isRunning(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && len(state) > 0 && state[0] != 'Z'
}

// serviceUser is the user that servers run as: oneself, or postgres when one is root.
func serviceUser() (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid(), nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("root cannot run Postgres, and there is no user to run it as: %w", err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err != nil {
		return 0, 0, fmt.Errorf("user postgres: %w", err)
	}
	gid, err = strconv.Atoi(u.Gid)
	if err != nil {
		return 0, 0, fmt.Errorf("user postgres: %w", err)
	}
	return uid, gid, nil
}

func serviceAttr() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	endWithParent(attr)
	if os.Geteuid() != 0 {
		return attr, nil
	}
	uid, gid, err := serviceUser()
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, nil
}

// serviceDir makes a folder of the service user, removed when the test ends.
// It is not tb.TempDir: that may lie where only we can go.
func serviceDir(tb testing.TB) string {
	tb.Helper()
	uid, gid, err := serviceUser()
	if err != nil {
		tb.Fatal(err)
	}
	parent := ""
	for _, parent = range []string{os.TempDir(), "/var/tmp", "/tmp"} {
		if uid == os.Geteuid() || openToAll(parent) {
			break
		}
	}
	dir, err := os.MkdirTemp(parent, "parley-")
	if err != nil {
		tb.Fatalf("make a folder for a server: %v", err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("remove a server's folder: %v", err)
		}
	})
	if err := os.Chown(dir, uid, gid); err != nil {
		tb.Fatalf("hand the folder over: %v", err)
	}
	return dir
}

// openToAll tells whether every user may enter the folder and all above it.
func openToAll(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// freePort picks one below those that systems hand out to outgoing connections,
// so that a server that is down for a while finds its port free again.
func freePort() (int, error) {
	for range 50 {
		port := 10_000 + rand.IntN(10_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("found no free port")
}
