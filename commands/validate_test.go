package commands_test

import (
	"slices"
	"strings"
	"testing"

	"parley/commands"
	"parley/domain"
	"parley/domain/event"
)

func TestPayloads(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{MaxMessageLength: 10})
	id := k.open(event.RoomPublic)
	message := k.say("ann", id, "hi").ID
	send := func(c commands.SendMessage) func() error {
		return func() error {
			if c.RoomID == "" {
				c.RoomID = id
			}
			_, err := k.SendMessage.Do(t.Context(), as("ann"), c)
			return err
		}
	}
	create := func(c commands.CreateRoom) func() error {
		return func() error { _, err := k.CreateRoom.Do(t.Context(), as("ann"), c); return err }
	}
	register := func(c commands.RegisterUser) func() error {
		return func() error { _, err := k.RegisterUser.Do(t.Context(), as(c.UserID), c); return err }
	}
	profile := func(c commands.ChangeProfile) func() error {
		return func() error { _, err := k.ChangeProfile.Do(t.Context(), as("ann"), c); return err }
	}
	update := func(c commands.UpdateRoom) func() error {
		c.RoomID = id
		return func() error { _, err := k.UpdateRoom.Do(t.Context(), as("ann"), c); return err }
	}
	long := strings.Repeat
	for name, tt := range map[string]struct {
		ask    func() error
		code   domain.Code
		fields []string
	}{
		"a message":                     {send(commands.SendMessage{Content: "hi"}), "", nil},
		"an answer":                     {send(commands.SendMessage{Content: "hi", ReplyTo: message}), "", nil},
		"as long as may be":             {send(commands.SendMessage{Content: long("👍", 10)}), "", nil},
		"control characters are free":   {send(commands.SendMessage{Content: "0123456789\x00\x01"}), "", nil},
		"one character more":            {send(commands.SendMessage{Content: long("👍", 11)}), domain.CodeContentTooLong, nil},
		"no content":                    {send(commands.SendMessage{}), domain.CodeInvalidPayload, []string{"content"}},
		"nothing but control":           {send(commands.SendMessage{Content: "\x00\r"}), domain.CodeInvalidPayload, []string{"content"}},
		"invalid UTF-8":                 {send(commands.SendMessage{Content: "a\xff"}), domain.CodeInvalidPayload, []string{"content"}},
		"a bad room id":                 {send(commands.SendMessage{RoomID: "a b", Content: "hi"}), domain.CodeInvalidPayload, []string{"roomId"}},
		"a bad answer":                  {send(commands.SendMessage{Content: "hi", ReplyTo: "x"}), domain.CodeInvalidPayload, []string{"replyTo"}},
		"a bad mention":                 {send(commands.SendMessage{Content: "hi", Mentions: []string{"ann", "a b"}}), domain.CodeInvalidPayload, []string{"mentions[1]"}},
		"too many mentions":             {send(commands.SendMessage{Content: "hi", Mentions: slices.Repeat([]string{"a"}, 51)}), domain.CodeInvalidPayload, []string{"mentions"}},
		"a long client id":              {send(commands.SendMessage{Content: "hi", ClientMessageID: long("x", 65)}), domain.CodeInvalidPayload, []string{"clientMessageId"}},
		"the longest client id":         {send(commands.SendMessage{Content: "hi", ClientMessageID: long("é", 64)}), "", nil},
		"a NUL in the client id":        {send(commands.SendMessage{Content: "hi", ClientMessageID: "a\x00"}), domain.CodeInvalidPayload, []string{"clientMessageId"}},
		"too many attachments":          {send(commands.SendMessage{Attachments: make([]event.Attachment, 11)}), domain.CodeInvalidPayload, []string{"attachments"}},
		"a bad attachment":              {send(commands.SendMessage{Attachments: []event.Attachment{{URL: "javascript:x"}}}), domain.CodeInvalidPayload, []string{"attachments[0].url"}},
		"an attachment alone":           {send(commands.SendMessage{Attachments: []event.Attachment{{URL: "https://x.test/"}}}), "", nil},
		"several wrongs":                {send(commands.SendMessage{RoomID: "a b", Content: "hi", ReplyTo: "x"}), domain.CodeInvalidPayload, []string{"replyTo", "roomId"}},
		"a room without a name":         {create(commands.CreateRoom{Type: event.RoomPublic}), domain.CodeInvalidPayload, []string{"name"}},
		"a room with a blank name":      {create(commands.CreateRoom{Type: event.RoomPublic, Name: "  "}), domain.CodeInvalidPayload, []string{"name"}},
		"a room with lines in it":       {create(commands.CreateRoom{Type: event.RoomPublic, Name: "a\nb"}), domain.CodeInvalidPayload, []string{"name"}},
		"a room with a long name":       {create(commands.CreateRoom{Type: event.RoomPublic, Name: long("x", 101)}), domain.CodeInvalidPayload, []string{"name"}},
		"a room without a type":         {create(commands.CreateRoom{Name: "x"}), domain.CodeInvalidPayload, []string{"type"}},
		"a room of a new type":          {create(commands.CreateRoom{Name: "x", Type: "secret"}), domain.CodeInvalidPayload, []string{"type"}},
		"a room with a bad id":          {create(commands.CreateRoom{ID: "../x", Name: "x", Type: event.RoomPublic}), domain.CodeInvalidPayload, []string{"id"}},
		"a room with a long topic":      {create(commands.CreateRoom{Name: "x", Type: event.RoomPublic, Topic: long("x", 501)}), domain.CodeInvalidPayload, []string{"topic"}},
		"a room with a bad member":      {create(commands.CreateRoom{Name: "x", Type: event.RoomPublic, MemberIDs: []string{""}}), domain.CodeInvalidPayload, []string{"memberIds[0]"}},
		"a room with nobody we know":    {create(commands.CreateRoom{Name: "x", Type: event.RoomPublic, MemberIDs: []string{"mia", "nobody"}}), domain.CodeInvalidPayload, []string{"memberIds"}},
		"a room with a former user":     {create(commands.CreateRoom{Name: "x", Type: event.RoomPublic, MemberIDs: []string{"off"}}), domain.CodeInvalidPayload, []string{"memberIds"}},
		"a direct room with oneself":    {create(commands.CreateRoom{Type: event.RoomDirect, MemberIDs: []string{"ann"}}), domain.CodeInvalidPayload, []string{"memberIds"}},
		"a direct room with nobody":     {create(commands.CreateRoom{Type: event.RoomDirect}), domain.CodeInvalidPayload, []string{"memberIds"}},
		"a direct room of three":        {create(commands.CreateRoom{Type: event.RoomDirect, MemberIDs: []string{"mia", "mel"}}), domain.CodeInvalidPayload, []string{"memberIds"}},
		"a direct room with a stranger": {create(commands.CreateRoom{Type: event.RoomDirect, MemberIDs: []string{"nobody"}}), domain.CodeInvalidPayload, []string{"memberIds"}},
		"an empty new name":             {update(commands.UpdateRoom{Name: new("")}), domain.CodeInvalidPayload, []string{"name"}},
		"a blank new name":              {update(commands.UpdateRoom{Name: new(" \t ")}), domain.CodeInvalidPayload, []string{"name"}},
		"a new topic of two lines":      {update(commands.UpdateRoom{Topic: new("a\nb\x00")}), "", nil},
		"no topic":                      {update(commands.UpdateRoom{Topic: new("")}), "", nil},
		"a user without a name":         {register(commands.RegisterUser{UserID: "new1"}), domain.CodeInvalidPayload, []string{"username"}},
		"a user with a blank name":      {register(commands.RegisterUser{UserID: "new2", Username: " "}), domain.CodeInvalidPayload, []string{"username"}},
		"a user with a bad avatar":      {register(commands.RegisterUser{UserID: "new3", Username: "x", AvatarURL: "data:x"}), domain.CodeInvalidPayload, []string{"avatarUrl"}},
		"a user with an avatar":         {register(commands.RegisterUser{UserID: "new4", Username: "x", AvatarURL: "https://x.test/a.png"}), "", nil},
		"a bad new avatar":              {profile(commands.ChangeProfile{AvatarURL: new("javascript:x")}), domain.CodeInvalidPayload, []string{"avatarUrl"}},
		"a new avatar":                  {profile(commands.ChangeProfile{AvatarURL: new("https://x.test/a.png")}), "", nil},
		"no avatar":                     {profile(commands.ChangeProfile{AvatarURL: new("")}), "", nil},
		"no display name":               {profile(commands.ChangeProfile{DisplayName: new("")}), "", nil},
		"a long display name":           {profile(commands.ChangeProfile{DisplayName: new(long("x", 129))}), domain.CodeInvalidPayload, []string{"displayName"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.ask()
			if got := domain.CodeOf(err); got != tt.code {
				t.Fatalf("answered %q (%v), want %q", got, err, tt.code)
			}
			if got := blamed(err); !slices.Equal(got, tt.fields) {
				t.Errorf("blamed %v, want %v", got, tt.fields)
			}
		})
	}
}

func TestProblemsAreSaidInPlainEnglish(t *testing.T) {
	t.Parallel()
	k := inMemory(t, commands.Config{})
	_, err := k.CreateRoom.Do(t.Context(), as("ann"), commands.CreateRoom{
		ID: "a b", Name: strings.Repeat("x", 101), Type: "secret", Topic: "\xff", MemberIDs: []string{"/"},
	})
	want := "id must be 1 to 128 letters, digits or any of -_.:@|+=; memberIds[0] must be 1 to 128 letters, digits or any of -_.:@|+=; " +
		"name must be at most 100 characters; topic must be valid UTF-8; type must be one of public, private, direct"
	if got := domain.AsError(err); got == nil || got.Message != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
