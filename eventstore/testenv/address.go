package testenv

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// address finds a shared server: by the variable PARLEY_TEST_<name>, else by <name> in the env file.
func address(tb testing.TB, name string) string {
	tb.Helper()
	if url := os.Getenv("PARLEY_TEST_" + name); url != "" {
		return url
	}
	file := filepath.Join(localDir(tb), "env")
	url, err := readEnv(file, name)
	if err != nil {
		tb.Fatalf("no test server: run `make services` or set PARLEY_TEST_%s (%v)", name, err)
	}
	return url
}

func localDir(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("PARLEY_LOCAL"); dir != "" {
		return dir
	}
	return filepath.Join(moduleRoot(tb), ".local")
}

// moduleRoot walks up from the test's folder to the one with go.mod.
func moduleRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatalf("find the module: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("find the module: no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

var errNotInFile = errors.New("the file does not name it")

// readEnv reads one value of a file of `export NAME='value'` lines.
func readEnv(file, name string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if key == name {
			return strings.Trim(value, `'"`), nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", errNotInFile
}
