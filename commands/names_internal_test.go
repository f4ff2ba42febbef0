package commands

import (
	"reflect"
	"slices"
	"testing"

	"parley/eventstore/memory"
)

// What is observed has the names that were announced.
func TestNames(t *testing.T) {
	t.Parallel()
	menu, err := New(Deps{Log: memory.New(memory.Config{})}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, value := range reflect.ValueOf(menu).Elem().Fields() {
		if value.Kind() != reflect.Interface || value.IsNil() {
			continue
		}
		made := reflect.Indirect(value.Elem())
		if inner := made.FieldByName("inner"); inner.IsValid() { // a gatherer has one
			made = reflect.Indirect(inner)
		}
		if name := made.FieldByName("name"); name.IsValid() {
			names = append(names, name.String())
		}
	}
	if want := Names(); len(want) == 0 || !slices.Equal(names, want) {
		t.Errorf("they are called\n%q\nand announced as\n%q", names, want)
	}
}
