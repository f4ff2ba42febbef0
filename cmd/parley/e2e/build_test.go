package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// program is the one build of ./cmd/parley that all tests share.
var program build

type build struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// parley returns the path of the program, built with the race detector by the first caller.
func parley(t testing.TB) string {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "parley-e2e-"); program.err != nil { //nolint:usetesting // it serves all tests
			return
		}
		program.path = filepath.Join(program.dir, "parley")
		output, err := exec.Command("go", "build", "-race", "-o", program.path, "parley/cmd/parley").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("build parley: %w\n%s", err, output)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// slots bounds how many tests run nodes at the same time, whatever -parallel says:
// each runs several servers, and what they measure includes time.
var slots = make(chan struct{}, 2)

// inParallel is t.Parallel for a test that starts nodes.
func inParallel(t *testing.T) {
	t.Helper()
	t.Parallel()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
}
