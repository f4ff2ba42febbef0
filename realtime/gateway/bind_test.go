package gateway_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/realtime/gateway"
)

func TestPayloads(t *testing.T) {
	t.Parallel()
	session, _ := newStand(t, gateway.Config{}).enter(t, "ann")
	for _, tc := range []struct{ name, event, payload, want string }{
		{"object", "archive-room", `{"roomId":"r"}`, ""},
		{"bare room", "archive-room", `"r"`, ""},
		{"bare room of another command", "unsubscribe-room", `"r"`, ""},
		{"other spelling", "room:leave", `{"roomId":"r"}`, ""},
		{"unknown members", "archive-room", `{"roomId":"r","more":[1,{"x":null}]}`, ""},
		{"missing", "archive-room", ``, invalid("payload", "must be an object")},
		{"null", "archive-room", `null`, invalid("payload", "must be an object")},
		{"number", "archive-room", `5`, invalid("payload", "must be an object")},
		{"array", "archive-room", `["r"]`, invalid("payload", "must be an object")},
		{"bare string where an object is needed", "send-message", `"r"`, invalid("payload", "must be an object")},
		{"wrong type", "archive-room", `{"roomId":5}`, invalid("roomId", "must be a string")},
		{"wrong list", "send-message", `{"roomId":"r","mentions":"ann"}`, invalid("mentions", "must be an array")},
		{"wrong element", "send-message", `{"roomId":"r","mentions":[5]}`, invalid("mentions", "must be a string")},
		{"wrong inside", "send-message", `{"attachments":[{"size":1.5}]}`, invalid("attachments.size", "must be a whole number")},
		{"object as list element", "send-message", `{"attachments":["x"]}`, invalid("attachments", "must be an object")},
		{"bare list of rooms", "join-rooms", `["secret"]`, ""},
		{"list of rooms", "join-rooms", `{"roomIds":["secret"]}`, ""},
		{"no rooms", "join-rooms", `[]`, invalid("roomIds", "must name 1 to 100 rooms")},
		{"wrong rooms", "join-rooms", `[1]`, invalid("roomIds", "must be a string")},
		{"bad id", "unsubscribe-room", `"a b"`, invalid("roomId", "must be an id")},
		{
			"unknown event", "no-such-thing", `{}`,
			`{"success":false,"error":"unknown event \"no-such-thing\"","code":"UNKNOWN_EVENT"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, session, tc.event, tc.payload)
			if tc.want == "" {
				var a struct{ Success bool }
				if json.Unmarshal([]byte(got), &a) != nil || !a.Success {
					t.Errorf("got %s, want success", got)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func invalid(field, problem string) string {
	return `{"success":false,"error":"` + field + " " + problem +
		`","code":"INVALID_PAYLOAD","fields":{"` + field + `":"` + problem + `"}}`
}

// Whatever a client sends, it gets one answer, and that is JSON.
func FuzzPayload(f *testing.F) {
	session, _ := newStand(f, gateway.Config{Rate: -1}).enter(f, "ann")
	names := []string{
		"create-room", "update-room", "archive-room", "join-room", "join-rooms", "leave-room", "unsubscribe-room",
		"add-member", "remove-member", "set-role", "send-message", "edit-message", "delete-message", "what",
	}
	for i := range names {
		f.Add(uint8(i), `{"roomId":"r","id":"r","content":"x","mentions":["a"],"attachments":[{"size":1}]}`)
	}
	f.Add(uint8(3), `"r"`)
	f.Add(uint8(4), `["a","b","a"]`)
	f.Add(uint8(4), `{"roomIds":{"a":1}}`)
	f.Add(uint8(0), `{"memberIds":[null,"x"],"name":"\ud800"}`)
	f.Fuzz(func(t *testing.T, which uint8, payload string) {
		name := names[int(which)%len(names)]
		got := ask(t, session, name, payload)
		var a struct {
			Success *bool
			Code    string
		}
		if err := json.Unmarshal([]byte(got), &a); err != nil || a.Success == nil || *a.Success != (a.Code == "") {
			t.Errorf("%s %q: answer %s (%v)", name, payload, got, err)
		}
	})
}
