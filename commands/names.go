package commands

import (
	"reflect"
	"strings"
	"unicode"
)

// Names lists the use cases of the menu as Deps.Observe is told of them.
func Names() []string {
	var names []string
	for field := range reflect.TypeFor[Commands]().Fields() {
		if field.IsExported() && strings.HasPrefix(field.Type.Name(), "UseCase[") {
			names = append(names, spelled(field.Name))
		}
	}
	return names
}

// spelled makes "send-message" of "SendMessage".
func spelled(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
