package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells how far a tool is: on a terminal in one line that changes, elsewhere in a line now and then.
type progress struct {
	out      io.Writer
	what     string
	total    int64 // 0: not known
	terminal bool
	start    time.Time
	told     time.Time
	shown    bool
}

// A terminal is told often, a file seldom.
const (
	tellTerminal = 200 * time.Millisecond
	tellFile     = 5 * time.Second
)

func newProgress(out io.Writer, what string, total int64) *progress {
	p := &progress{out: out, what: what, total: total, start: time.Now()}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	p.told = p.start
	return p
}

// at says how many events are done.
func (p *progress) at(done int64) {
	every := tellFile
	if p.terminal {
		every = tellTerminal
	}
	now := time.Now()
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	p.show(p.line(done, now.Sub(p.start)))
}

// show tells a line now.
func (p *progress) show(line string) {
	if !p.terminal {
		fmt.Fprintln(p.out, line)
		return
	}
	p.shown = true
	fmt.Fprintf(p.out, "\r%s\x1b[K", line)
}

func (p *progress) line(done int64, took time.Duration) string {
	rate := float64(done) / max(took.Seconds(), 1e-9)
	if p.total <= 0 {
		return fmt.Sprintf("%s: %d events, %.0f events/s", p.what, done, rate)
	}
	left := time.Duration(float64(max(p.total-done, 0)) / max(rate, 1) * float64(time.Second))
	return fmt.Sprintf("%s: %.1f%%, %d of %d events, %.0f events/s, %s left",
		p.what, 100*float64(min(done, p.total))/float64(p.total), done, p.total, rate, left.Round(time.Second))
}

// end clears the line of a terminal.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
