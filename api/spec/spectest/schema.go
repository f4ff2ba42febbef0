// Package spectest makes the descriptions of the interfaces (package spec) out of the Go types that go over the
// wire, and checks what really went over the wire against them. Only tests use it: the descriptions are files,
// and the test that makes them fails when they are not what the code says.
package spectest

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Object is a JSON object.
type Object = map[string]any

// Schemas makes JSON Schemas (2020-12) of Go types. Structs with a name become components that others refer to.
type Schemas struct {
	// known are types whose JSON says more than reflection can see.
	known      map[reflect.Type]Object
	components Object
	names      map[reflect.Type]string
	named      map[string]reflect.Type
	comments   *comments
}

// New makes Schemas. known describes types that encode themselves, and strings that are one of a few.
func New(known map[reflect.Type]Object) *Schemas {
	return &Schemas{known: known, components: Object{}, names: map[reflect.Type]string{}, named: map[string]reflect.Type{}, comments: newComments()}
}

// Components are the schemas of all named structs that were met, by name.
func (s *Schemas) Components() Object { return s.components }

// Name says what the component of a type is called; without it that is the type's own name.
func (s *Schemas) Name(t reflect.Type, name string) { s.names[t] = name }

// Answer is the schema of what the server says with a value of the type: fields that may be left out are those with
// omitempty or omitzero, pointers without are null at times.
func (s *Schemas) Answer(t reflect.Type) Object { return s.of(t, false) }

// Request is the schema of what a client says: what is required is what the tag validate says.
// Structs within it are no components: of an answer they may require more.
func (s *Schemas) Request(t reflect.Type) Object {
	if t.Kind() != reflect.Struct {
		return s.of(t, true)
	}
	return s.component(t, true)
}

func (s *Schemas) of(t reflect.Type, request bool) Object {
	if known, ok := s.known[t]; ok {
		return known
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		return Object{}
	}
	if t.Kind() == reflect.Pointer {
		return orNull(s.of(t.Elem(), request))
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		panic(fmt.Sprintf("%s encodes itself and is not known", t))
	}
	switch t.Kind() {
	case reflect.Bool:
		return Object{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint64:
		return Object{"type": "integer"}
	case reflect.Float64:
		return Object{"type": "number"}
	case reflect.String:
		return Object{"type": "string"}
	case reflect.Slice:
		return Object{"type": "array", "items": s.of(t.Elem(), request)}
	case reflect.Map:
		return Object{"type": "object", "additionalProperties": s.of(t.Elem(), request)}
	case reflect.Struct:
		if request {
			return s.fieldsOf(t, request)
		}
		return s.component(t, request)
	case reflect.Interface:
		return Object{}
	default:
		panic(fmt.Sprintf("no schema for %s", t))
	}
}

// orNull is a schema that takes null as well.
func orNull(schema Object) Object {
	if kind, ok := schema["type"].(string); ok {
		nullable := maps.Clone(schema)
		nullable["type"] = []any{kind, "null"}
		return nullable
	}
	return Object{"anyOf": []any{schema, Object{"type": "null"}}}
}

// component is where the schema of a struct is found, or the schema of one without a name.
func (s *Schemas) component(t reflect.Type, request bool) Object {
	name := s.nameOf(t)
	if name == "" {
		return s.fieldsOf(t, request)
	}
	ref := Object{"$ref": "#/components/schemas/" + name}
	if _, done := s.components[name]; done {
		if s.named[name] != t {
			panic(fmt.Sprintf("%s and %s are both called %s", s.named[name], t, name))
		}
		return ref
	}
	s.named[name] = t
	s.components[name] = nil // for types that hold themselves
	schema := s.fieldsOf(t, request)
	if text := s.comments.of(t, ""); text != "" {
		schema["description"] = text
	}
	s.components[name] = schema
	return ref
}

// nameOf is what the component of a struct is called; "" for none.
func (s *Schemas) nameOf(t reflect.Type) string {
	if name, ok := s.names[t]; ok {
		return name
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	if name == "" {
		return ""
	}
	if t.Name() != name { // List[wire.User] is a UserList
		inner := t.Name()[strings.LastIndexAny(t.Name(), "./")+1 : len(t.Name())-1]
		name = inner + strings.ToUpper(name[:1]) + name[1:]
	}
	runes := []rune(name)
	runes[0] = unicode.ToUpper(runes[0])
	return string(runes)
}

func (s *Schemas) fieldsOf(t reflect.Type, request bool) Object {
	properties, required := Object{}, []any{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" || !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("%s.%s has no JSON name", t, f.Name))
		}
		leftOut := strings.Contains(options, "omit")
		kind := f.Type
		if kind.Kind() == reflect.Pointer && (leftOut || request) {
			kind = kind.Elem() // it is left out, not null
		}
		schema := s.of(kind, request)
		if text := s.comments.of(owner(t, f.Index), f.Name); text != "" {
			schema = described(schema, text)
		}
		properties[name] = schema
		if request && isRequired(f.Tag.Get("validate")) || !request && !leftOut {
			required = append(required, name)
		}
	}
	schema := Object{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// owner is the struct that a promoted field is declared in.
func owner(t reflect.Type, index []int) reflect.Type {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return t
}

func isRequired(rules string) bool {
	first, _, _ := strings.Cut(rules, ",")
	return first == "required"
}

// described is the schema with a description of its own.
func described(schema Object, text string) Object {
	own := maps.Clone(schema)
	own["description"] = text
	return own
}

// Body is the schema of a request without the fields that are said elsewhere, in the path. It is no component.
func (s *Schemas) Body(t reflect.Type, without ...string) Object {
	schema := s.fieldsOf(t, true)
	properties, _ := schema["properties"].(Object)
	for _, name := range without {
		delete(properties, name)
	}
	required, _ := schema["required"].([]any)
	required = slices.DeleteFunc(required, func(name any) bool { return properties[fmt.Sprint(name)] == nil })
	if delete(schema, "required"); len(required) > 0 {
		schema["required"] = required
	}
	return schema
}
