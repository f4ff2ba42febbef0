// Package docs holds the documents that are not beside the code. What they say of the code is checked here.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the documents name exists.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	code := tests(t)
	documents, err := filepath.Glob("*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("found %v, %v", documents, err)
	}
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`((?:Test|test|Fuzz)[A-Z]\\w+)`").FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(code, "func "+name[1]+"(") {
				t.Errorf("%s names %s, which does not exist", document, name[1])
			}
		}
		if document != "security.md" {
			continue
		}
		for _, title := range regexp.MustCompile(`(?m)(?:[|,]|^) ?"([a-z][^"|]+)"`).FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(code, title[1]) {
				t.Errorf("%s quotes %q, which no test is called", document, title[1])
			}
		}
	}
}

// tests is the text of all tests.
func tests(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".local" || entry.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".test.mjs"):
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
