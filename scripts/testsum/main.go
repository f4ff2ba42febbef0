// Command testsum reads the output of `go test -json` and tells what a person
// wants to know: a line for each package, what took longest, the output of what
// failed, and the totals. Skipped tests count as failures, because a test that did not run
// proves nothing.
//
//	go test -json ./... | testsum -totals FILE -again FILE
//
// The first file gets "PASSED FAILED". The second one gets a line "PACKAGE PATTERN" for each package with failed tests that
// may be tried again, alone: a few whose limits of time a busy machine may have broken. Data races, panics, leaks, skipped
// tests and builds that fail are no such thing, and one of them rules out all. The exit code is 1 when anything failed.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// tailLines is how much of one failure's output is shown, from its end.
const tailLines = 120

func main() {
	totals := flag.String("totals", "", "file that gets the numbers of passed and failed tests")
	again := flag.String("again", "", "file that gets what may be tried again")
	flag.Parse()
	code, err := run(os.Stdin, os.Stdout, *totals, *again)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		code = 1
	}
	os.Exit(code)
}

func run(in io.Reader, out io.Writer, totals, again string) (int, error) {
	s := newSummary(out)
	if err := s.read(in); err != nil {
		return 1, err
	}
	s.finish()
	if totals != "" {
		if err := os.WriteFile(totals, fmt.Appendf(nil, "%d %d\n", s.passed, len(s.failed)), 0o600); err != nil {
			return 1, err
		}
	}
	if again != "" {
		if err := os.WriteFile(again, []byte(strings.Join(s.again(), "")), 0o600); err != nil {
			return 1, err
		}
	}
	if len(s.failed) > 0 {
		return 1, nil
	}
	return 0, nil
}

// event is a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action     string  `json:"Action"`
	Package    string  `json:"Package"`
	ImportPath string  `json:"ImportPath"` // instead of Package, for the build
	Test       string  `json:"Test"`
	Output     string  `json:"Output"`
	Elapsed    float64 `json:"Elapsed"`
}

func (e event) key() string {
	if e.Test == "" {
		return e.Package + e.ImportPath
	}
	return e.Package + " " + e.Test
}

type summary struct {
	out     io.Writer
	output  map[string][]string // by key, until its end is known
	passed  int
	failed  []failure
	slow    []timed // top-level tests that took slowFrom or longer
	perPkg  map[string]int
	started map[string]string // tests that have not ended, and their package
}

// slowFrom is what makes a test worth naming, in seconds, and slowMost how many are named.
const (
	slowFrom = 10
	slowMost = 12
)

// timed is a test and the seconds from its start to its end, in which it may have waited for others.
type timed struct {
	what    string
	seconds float64
}

type failure struct {
	what string
	text []string
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[string][]string{}, perPkg: map[string]int{}, started: map[string]string{}}
}

func (s *summary) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil {
				s.take(e)
			} else {
				fmt.Fprint(s.out, line) // the go command itself, about a bad flag or go.mod
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the test output: %w", err)
		}
	}
}

func (s *summary) take(e event) {
	switch e.Action {
	case "output", "build-output":
		s.output[e.key()] = append(s.output[e.key()], e.Output)
	case "run":
		s.started[e.key()] = e.Package
	case "build-fail":
		s.fail(e, e.ImportPath+" (build)")
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e)
		}
	}
}

func (s *summary) endTest(e event) {
	delete(s.started, e.key())
	if e.Elapsed >= slowFrom && !strings.Contains(e.Test, "/") {
		s.slow = append(s.slow, timed{e.key(), e.Elapsed})
	}
	switch e.Action {
	case "pass":
		s.passed++
		s.perPkg[e.Package]++
		delete(s.output, e.key())
	case "fail":
		s.fail(e, e.key())
	case "skip":
		s.fail(e, e.key()+" (skipped)")
	}
}

func (s *summary) endPackage(e event) {
	unfinished := s.takeUnfinished(e.Package)
	tests := s.perPkg[e.Package]
	switch {
	case e.Action == "skip" || e.Action == "pass" && tests == 0 && !s.mentioned(e.Package):
		// no tests in it
	case e.Action == "pass":
		fmt.Fprintf(s.out, "ok    %-40s %4d passed %7.1fs\n", e.Package, tests, e.Elapsed)
	default:
		fmt.Fprintf(s.out, "FAIL  %-40s %4d passed %7.1fs\n", e.Package, tests, e.Elapsed)
		if len(unfinished) > 0 || !s.mentioned(e.Package) {
			what := e.Package
			if len(unfinished) > 0 {
				what += " (ended while running " + strings.Join(unfinished, ", ") + ")"
			}
			s.fail(e, what)
		}
	}
	delete(s.output, e.key())
}

// takeUnfinished removes and returns the tests of a package that never ended: it crashed or ran out of time.
func (s *summary) takeUnfinished(pkg string) []string {
	var names []string
	for key, owner := range s.started {
		if owner == pkg {
			names = append(names, strings.TrimPrefix(key, pkg+" "))
			delete(s.started, key)
		}
	}
	slices.Sort(names)
	return names
}

// mentioned tells whether a failure of the package is known already.
func (s *summary) mentioned(pkg string) bool {
	return slices.ContainsFunc(s.failed, func(f failure) bool {
		return f.what == pkg || strings.HasPrefix(f.what, pkg+" ")
	})
}

func (s *summary) fail(e event, what string) {
	s.failed = append(s.failed, failure{what: what, text: s.output[e.key()]})
	delete(s.output, e.key())
}

func (s *summary) finish() {
	slices.SortFunc(s.slow, func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, t := range s.slow[:min(len(s.slow), slowMost)] {
		fmt.Fprintf(s.out, "slow  %-60s %7.1fs\n", t.what, t.seconds)
	}
	for _, f := range s.innermostLast() {
		fmt.Fprintf(s.out, "\n--- failed: %s\n", f.what)
		if cut := len(f.text) - tailLines; cut > 0 {
			fmt.Fprintf(s.out, "    (%d lines before these)\n", cut)
			f.text = f.text[cut:]
		}
		fmt.Fprint(s.out, strings.Join(f.text, ""))
	}
}

// innermostLast is the failures with those first that only failed because a subtest did: what a log
// cut to its end still shows is then the cause.
func (s *summary) innermostLast() []failure {
	var outer, inner []failure
	for _, f := range s.failed {
		isAround := func(other failure) bool { return strings.HasPrefix(other.what, f.what+"/") }
		if slices.ContainsFunc(s.failed, isAround) {
			outer = append(outer, f)
		} else {
			inner = append(inner, f)
		}
	}
	return append(outer, inner...)
}

// againMost is how many failed tests are few.
const againMost = 6

// again is what may be tried again, a line for each package.
func (s *summary) again() (lines []string) {
	tests := map[string][]string{}
	count := 0
	for _, f := range s.failed {
		pkg, test, isTest := strings.Cut(f.what, " ")
		if !isTest || strings.HasPrefix(test, "(") || strings.Contains(test, " ") || f.serious() {
			return nil
		}
		test, _, _ = strings.Cut(test, "/")
		if !slices.Contains(tests[pkg], test) {
			tests[pkg] = append(tests[pkg], test)
			count++
		}
	}
	if count > againMost {
		return nil
	}
	for pkg, names := range tests {
		lines = append(lines, fmt.Sprintf("%s ^(%s)$\n", pkg, strings.Join(names, "|")))
	}
	slices.Sort(lines)
	return lines
}

// serious tells of what no busy machine excuses.
func (f failure) serious() bool {
	return slices.ContainsFunc(f.text, func(line string) bool {
		return strings.Contains(line, "DATA RACE") || strings.HasPrefix(line, "panic:") || strings.Contains(line, "goleak:")
	})
}
