package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"parley/bench/load"
)

// result is what a run of `parley bench` measured.
type result = load.Result

// sources are local addresses to connect from: one has but 28,000 ports, and a port rests for a minute after use.
var sources = []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}

// generate runs the generator of load against servers of one chat.
func (b *bench) generate(ctx context.Context, scenario string, servers []*server, flags ...string) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	var out, diagnostics bytes.Buffer
	cmd := b.generator(ctx, scenario, servers, flags...)
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("parley bench %s: %w: %s", scenario, err, tail(diagnostics.String()))
	}
	r := new(result)
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, fmt.Errorf("parley bench %s: %w", scenario, err)
	}
	return r, nil
}

func (b *bench) generator(ctx context.Context, scenario string, servers []*server, flags ...string) *exec.Cmd {
	args := append([]string{"bench", scenario, "--json", "-"}, flags...)
	for _, s := range servers {
		args = append(args, "--url", "http://"+s.addr, "--pid", strconv.Itoa(s.cmd.Process.Pid))
	}
	for _, source := range sources {
		args = append(args, "--source", source)
	}
	cmd := exec.CommandContext(ctx, b.binary, args...) //nolint:gosec // the program that is measured
	cmd.Env = append(os.Environ(), "JWT_SECRET="+benchSecret)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// occupy fills so many rooms of a server with people who say next to nothing, until leave is called.
func (b *bench) occupy(ctx context.Context, s *server, rooms, roomSize int) (leave func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := b.generator(ctx, "send", []*server{s}, flagOf("clients", rooms*roomSize), flagOf("room-size", roomSize), "--rate=1", "--duration=30m")
	said, err := cmd.StderrPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	var (
		there = make(chan struct{})
		left  = make(chan struct{})
	)
	go func() {
		defer close(left)
		awaitMeasure(said, there)
		_ = cmd.Wait() // it is interrupted, which it calls a failure
	}()
	leave = func() { cancel(); <-left }
	select {
	case <-there:
		return leave, nil
	case <-left:
		cancel()
		return nil, errors.New("the generator did not fill the rooms")
	}
}

// awaitMeasure reads the generator's progress to its end, and closes there when setup is over.
func awaitMeasure(said io.Reader, there chan<- struct{}) {
	lines := bufio.NewScanner(said)
	for told := false; lines.Scan(); {
		if !told && strings.Contains(lines.Text(), ": measure") {
			close(there)
			told = true
		}
	}
}

// tail is the last line of a text.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// flagOf is a flag of the generator.
func flagOf[T int | float64 | time.Duration](name string, value T) string {
	return fmt.Sprintf("--%s=%v", name, value)
}
