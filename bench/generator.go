package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	args := append([]string{"bench", scenario, "--json", "-"}, flags...)
	for _, s := range servers {
		args = append(args, "--url", "http://"+s.addr, "--pid", strconv.Itoa(s.cmd.Process.Pid))
	}
	for _, source := range sources {
		args = append(args, "--source", source)
	}
	var out, diagnostics bytes.Buffer
	cmd := exec.CommandContext(ctx, b.binary, args...) //nolint:gosec // the program that is measured
	cmd.Env = append(os.Environ(), "JWT_SECRET="+benchSecret)
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("parley bench %s: %w: %s", scenario, err, tail(diagnostics.String()))
	}
	r := new(result)
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, fmt.Errorf("parley bench %s: %w", scenario, err)
	}
	return r, nil
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
