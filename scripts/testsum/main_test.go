package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTotals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in, totals, says string
		code                   int
	}{
		{
			name: "passed tests and subtests count",
			in: `{"Action":"run","Package":"p","Test":"A"}
{"Action":"pass","Package":"p","Test":"A/sub"}
{"Action":"pass","Package":"p","Test":"A"}
{"Action":"pass","Package":"p","Elapsed":1.5}`,
			totals: "2 0", says: "ok    p",
		},
		{
			name: "what takes long is named, the longest first, and its parts are not",
			in: `{"Action":"pass","Package":"p","Test":"A/sub","Elapsed":44}
{"Action":"pass","Package":"p","Test":"Quick","Elapsed":1}
{"Action":"pass","Package":"p","Test":"B","Elapsed":11}
{"Action":"pass","Package":"p","Test":"A","Elapsed":45}
{"Action":"pass","Package":"p","Elapsed":46}`,
			totals: "4 0", says: "45.0s\nslow  p B",
		},
		{
			name:   "a package without tests is neither",
			in:     `{"Action":"skip","Package":"p"}`,
			totals: "0 0",
		},
		{
			name: "a failed test is shown with its output, and its package counts no second time",
			in: `{"Action":"output","Package":"p","Test":"A","Output":"want 1\n"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"fail","Package":"p"}`,
			totals: "0 1", says: "want 1", code: 1,
		},
		{
			name: "the cause comes last, after what only failed because of it",
			in: `{"Action":"output","Package":"p","Test":"A/sub","Output":"want 1\n"}
{"Action":"fail","Package":"p","Test":"A/sub"}
{"Action":"output","Package":"p","Test":"A","Output":"a long log\n"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"fail","Package":"p"}`,
			totals: "0 2", says: "a long log\n\n--- failed: p A/sub\nwant 1", code: 1,
		},
		{
			name: "a skipped test has failed",
			in: `{"Action":"skip","Package":"p","Test":"A"}
{"Action":"pass","Package":"p"}`,
			totals: "0 1", says: "p A (skipped)", code: 1,
		},
		{
			name: "a package that does not build has failed once",
			in: `{"Action":"build-output","ImportPath":"p","Output":"syntax error\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p"}`,
			totals: "0 1", says: "syntax error", code: 1,
		},
		{
			name: "a crash names the tests that never ended",
			in: `{"Action":"run","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Output":"panic: out of time\n"}
{"Action":"fail","Package":"p"}`,
			totals: "0 1", says: "ended while running A", code: 1,
		},
		{
			name: "what is no JSON is passed on",
			in:   "go: bad flag\n", totals: "0 0", says: "go: bad flag",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "totals")
			var out strings.Builder
			code, err := run(strings.NewReader(test.in), &out, file, "")
			if err != nil || code != test.code {
				t.Fatalf("code %d, want %d, error %v", code, test.code, err)
			}
			if got, _ := os.ReadFile(file); strings.TrimSpace(string(got)) != test.totals {
				t.Errorf("totals %q, want %q", got, test.totals)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("it does not say %q:\n%s", test.says, out.String())
			}
		})
	}
}

func TestAgain(t *testing.T) {
	t.Parallel()
	const a = `{"Action":"fail","Package":"p","Test":"A/sub"}
{"Action":"fail","Package":"p","Test":"A"}
`
	for _, test := range []struct{ name, in, want string }{
		{"nothing when all is well", `{"Action":"pass","Package":"p","Test":"A"}`, ""},
		{"a few, each whole", a + `{"Action":"fail","Package":"p","Test":"B"}
{"Action":"fail","Package":"p"}
{"Action":"fail","Package":"q","Test":"C"}`, "p ^(A|B)$\nq ^(C)$\n"},
		{"not with a data race", a + `{"Action":"output","Package":"q","Test":"C","Output":"WARNING: DATA RACE\n"}
{"Action":"fail","Package":"q","Test":"C"}`, ""},
		{"not with a panic", a + `{"Action":"run","Package":"q","Test":"C"}
{"Action":"fail","Package":"q"}`, ""},
		{"not when a package leaks", a + `{"Action":"output","Package":"q","Output":"goleak: Errors\n"}
{"Action":"fail","Package":"q"}`, ""},
		{"not with a skipped test", a + `{"Action":"skip","Package":"p","Test":"B"}`, ""},
		{"not when it does not build", a + `{"Action":"build-fail","ImportPath":"q"}`, ""},
		{"not when it is many", a + `{"Action":"fail","Package":"p","Test":"B"}
{"Action":"fail","Package":"p","Test":"C"}
{"Action":"fail","Package":"p","Test":"D"}
{"Action":"fail","Package":"p","Test":"E"}
{"Action":"fail","Package":"p","Test":"F"}
{"Action":"fail","Package":"p","Test":"G"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "again")
			if _, err := run(strings.NewReader(test.in), io.Discard, "", file); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(file); string(got) != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
