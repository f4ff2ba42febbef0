package spectest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Same fails when a document is not what the file says. With update it writes the file.
func Same(tb testing.TB, file string, document Object, update bool) {
	tb.Helper()
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		tb.Fatal(err)
	}
	if update {
		if err := os.WriteFile(file, made.Bytes(), 0o600); err != nil {
			tb.Fatal(err)
		}
		return
	}
	written, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	want, got := strings.Split(made.String(), "\n"), strings.Split(string(written), "\n")
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			tb.Fatalf("%s line %d is %q, and the code says %q: go test -update", file, i+1, got[i], want[i])
		}
	}
	if len(want) != len(got) {
		tb.Fatalf("%s has %d lines, and the code says %d: go test -update", file, len(got), len(want))
	}
}

// Document checks values against the schemas in a description. Unlike for a client, which has to
// take what is new, a field that is not described is wrong.
//
// It is safe for concurrent use.
type Document struct {
	root Object

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

const documentURL = "https://parley.invalid/document"

// Read reads a description.
func Read(data []byte) (*Document, error) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	root, ok := parsed.(Object)
	if !ok {
		return nil, fmt.Errorf("the description is a %T", parsed)
	}
	strict(root)
	d := &Document{root: root, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	return d, d.compiler.AddResource(documentURL, root)
}

// strict forbids what is not described.
func strict(value any) {
	switch value := value.(type) {
	case Object:
		if _, ok := value["properties"].(Object); ok && value["additionalProperties"] == nil {
			value["additionalProperties"] = false
		}
		for _, inner := range value {
			strict(inner)
		}
	case []any:
		for _, inner := range value {
			strict(inner)
		}
	}
}

// Has says whether there is something at the path.
func (d *Document) Has(path ...string) bool {
	var at any = d.root
	for _, step := range path {
		object, ok := at.(Object)
		if !ok || object[step] == nil {
			return false
		}
		at = object[step]
	}
	return true
}

// Fits checks a JSON value against the schema at a path.
func (d *Document) Fits(data []byte, path ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	steps := make([]string, len(path))
	for i, step := range path {
		steps[i] = escape.Replace(step)
	}
	pointer := "/" + strings.Join(steps, "/")
	schema := d.compiled[pointer]
	if schema == nil {
		if schema, err = d.compiler.Compile(documentURL + "#" + pointer); err != nil {
			return fmt.Errorf("compile the schema at %s: %w", pointer, err)
		}
		d.compiled[pointer] = schema
	}
	return schema.Validate(value)
}

// Template is the path of an OpenAPI document that a path is one of, the one with the fewest parameters; "" for none.
func (d *Document) Template(path string) string {
	paths, _ := d.root["paths"].(Object)
	best, fewest := "", 1<<10
	for template := range paths {
		if n := strings.Count(template, "{"); fits(template, path) && n < fewest {
			best, fewest = template, n
		}
	}
	return best
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}
