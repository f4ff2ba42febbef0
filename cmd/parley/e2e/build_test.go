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
		program.err = compile(program.path)
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// compile builds the program with the race detector.
func compile(path string, flags ...string) error {
	arguments := append([]string{"build", "-race", "-o", path}, flags...)
	if output, err := exec.Command("go", append(arguments, "parley/cmd/parley")...).CombinedOutput(); err != nil {
		return fmt.Errorf("build parley: %w\n%s", err, output)
	}
	return nil
}

// slots bound how many tests run nodes at the same time, whatever -parallel says: each runs several servers, and what
// they measure includes time. Those that mostly wait have slots of their own: they leave the machine to others.
var slots, idleSlots = make(chan struct{}, 3), make(chan struct{}, 3)

// inParallel is t.Parallel for a test that starts nodes.
func inParallel(t *testing.T) {
	t.Helper()
	t.Parallel()
	occupy(t, slots)
}

// inParallelIdly is inParallel for a test that mostly waits for time to pass.
func inParallelIdly(t *testing.T) {
	t.Helper()
	t.Parallel()
	occupy(t, idleSlots)
}

func occupy(t *testing.T, slots chan struct{}) {
	t.Helper()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
}
