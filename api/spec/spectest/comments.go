package spectest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// comments finds what the source says about types and fields.
type comments struct {
	root  string                       // the module
	found map[string]map[string]string // by package, "Type" and "Type.Field"
}

func newComments() *comments {
	return &comments{root: moduleRoot(), found: map[string]map[string]string{}}
}

// moduleRoot walks up from the test's folder to the one with go.mod; a build may not say where its sources were.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			panic("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

// of is the comment of a field, or of the type itself when field is "". It is one line.
func (c *comments) of(t reflect.Type, field string) string {
	path, ours := strings.CutPrefix(t.PkgPath(), "parley/")
	if !ours || t.Name() == "" {
		return ""
	}
	if c.found[path] == nil {
		c.found[path] = c.read(filepath.Join(c.root, filepath.FromSlash(path)))
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	if field != "" {
		name += "." + field
	}
	return c.found[path][name]
}

func (c *comments) read(dir string) map[string]string {
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.TYPE {
				collect(gen, found)
			}
		}
	}
	return found
}

func collect(gen *ast.GenDecl, found map[string]string) {
	for _, spec := range gen.Specs {
		typ, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		about := typ.Doc
		if !gen.Lparen.IsValid() { // what stands above a group is about all of it
			about = gen.Doc
		}
		found[typ.Name.Name] = line(about)
		body, ok := typ.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, field := range body.Fields.List {
			for _, name := range field.Names {
				if found[typ.Name.Name+"."+name.Name] = line(field.Doc); field.Doc == nil {
					found[typ.Name.Name+"."+name.Name] = line(field.Comment)
				}
			}
		}
	}
}

func line(group *ast.CommentGroup) string { return strings.Join(strings.Fields(group.Text()), " ") }

// Constants are the values of the string constants of a package whose names begin so.
func Constants(tb testing.TB, path, prefix string) []string {
	tb.Helper()
	dir := filepath.Join(newComments().root, filepath.FromSlash(path))
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var values []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			tb.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, prefix) {
				if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
					values = append(values, strings.Trim(value.Value, `"`))
				}
			}
			return true
		})
	}
	if len(values) == 0 {
		tb.Fatalf("%s has no constants %s…", path, prefix)
	}
	return values
}
