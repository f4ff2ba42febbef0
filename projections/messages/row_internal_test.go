package messages

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReactionsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`{}`,
		`{ "👍" : ["ada"] }`,
		`{ "👍" : ["ada", "bob"], "🎉" : ["ada"], "x" : ["eve", "ada", "bob"] }`,
		`{"👍":["ada","bob"],"🎉":["ada"]}`,
		`{ ":" : [":", "a:b"], ", [" : ["{", "] }", "", " : "] }`,
		`{ "a\"b" : ["x\\", "y"], "\u0001" : ["z"] }`,
	} {
		var want map[string][]string
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			t.Fatal(err)
		}
		got, err := decodeReactions(json.RawMessage(data))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", data, err, diff)
		}
	}
	if got, err := decodeReactions(nil); err != nil || got == nil || len(got) > 0 {
		t.Errorf("NULL: %v, %v, want none", got, err)
	}
}
