package commands_test

import (
	"reflect"
	"testing"
	"time"

	"parley/commands"
	"parley/eventstore/memory"
)

func TestTheMenuIsComplete(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(memory.Config{}), commands.Config{})
	menu := reflect.ValueOf(*k.Commands)
	entries := 0
	for i := range menu.NumField() {
		field := menu.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		entries++
		if menu.Field(i).IsNil() {
			t.Errorf("%s is nil", field.Name)
		}
	}
	if entries < 16 {
		t.Errorf("the menu has %d entries", entries)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	log := memory.New(memory.Config{})
	for name, tt := range map[string]struct {
		deps commands.Deps
		cfg  commands.Config
	}{
		"no log":                {},
		"a negative length":     {commands.Deps{Log: log}, commands.Config{MaxMessageLength: -1}},
		"a negative rate":       {commands.Deps{Log: log}, commands.Config{RateLimitMessages: -1}},
		"a negative window":     {commands.Deps{Log: log}, commands.Config{RateLimitWindow: -time.Second}},
		"a negative cache size": {commands.Deps{Log: log}, commands.Config{CachedRooms: -1}},
	} {
		if _, err := commands.New(tt.deps, tt.cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
