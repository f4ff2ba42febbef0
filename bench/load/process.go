package load

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what processes have used, by /proc.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

func (o *Options) usage() ([]usage, error) {
	all := make([]usage, len(o.PIDs))
	for i, pid := range o.PIDs {
		cpu, err := ProcessorTime(pid)
		if err != nil {
			return nil, fmt.Errorf("measure process %d: %w", pid, err)
		}
		rss, err := ResidentBytes(pid)
		if err != nil {
			return nil, fmt.Errorf("measure process %d: %w", pid, err)
		}
		all[i] = usage{cpu, rss}
	}
	return all, nil
}

func resident(all []usage) (bytes int64) {
	for _, u := range all {
		bytes += u.rss
	}
	return bytes
}

// ProcessorTime is what a process has used: user and system time. The kernel counts in hundredths of a second whatever its own clock is.
func ProcessorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The command's name, in parentheses, may contain anything.
	_, rest, _ := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	fields := strings.Fields(string(rest))
	const user, system, tick = 11, 12, 10 * time.Millisecond // of the fields after the name
	if len(fields) <= system {
		return 0, errors.New("no times in /proc")
	}
	var ticks int64
	for _, field := range []int{user, system} {
		n, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// ResidentBytes is what a process has of the machine's memory.
func ResidentBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb * 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

func processName(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}
