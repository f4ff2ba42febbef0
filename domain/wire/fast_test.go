package wire_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/domain/event"
	"parley/domain/wire"
)

// byTheBook is what encoding/json writes.
func byTheBook(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// check compares Marshal with encoding/json, which does not know of the encoders by hand.
func check(t testing.TB, v any) {
	t.Helper()
	got, err := wire.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if want := byTheBook(t, v); !bytes.Equal(got, want) {
		t.Fatalf("written %s\nwant    %s", got, want)
	}
}

// texts are what escapers stumble over.
func texts() []string {
	return []string{"", "a", nasty, `\`, `"`, "\u2028\u2029", "a\xffb", "\xe2\x80", strings.Repeat("long ", 1000), "</script>&amp;", "👍"}
}

// fill gives every field below v a value that is not zero.
func fill(t testing.TB, v reflect.Value, dice *rand.Rand) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[wire.Time]():
		v.Set(reflect.ValueOf(wire.Time(time.UnixMilli(1 + dice.Int64N(1<<41)))))
		return
	case v.CanInt():
		v.SetInt(1 + dice.Int64N(1<<30))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts()[1+dice.IntN(len(texts())-1)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), dice)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, dice)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+dice.IntN(3), 3))
		for i := range v.Len() {
			fill(t, v.Index(i), dice)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + dice.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, dice)
			fill(t, value, dice)
			v.SetMapIndex(key, value)
		}
	default:
		t.Fatalf("no value is known for %s", v.Type())
	}
}

// Every field of what is encoded by hand is looked at: alone, absent, and with all others. A field
// that is added and not encoded fails here, and so does one of a type that is not known.
func TestEveryFieldIsWrittenByTheBook(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[wire.Message](), reflect.TypeFor[wire.Notification]()} {
		t.Run(typ.Name(), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(1, 2))
			check(t, reflect.Zero(typ).Interface())
			for range 100 {
				whole := reflect.New(typ).Elem()
				fill(t, whole, dice)
				check(t, whole.Interface())
				for i := range typ.NumField() {
					alone := reflect.New(typ).Elem()
					alone.Field(i).Set(whole.Field(i))
					check(t, alone.Interface())
					without := reflect.New(typ).Elem()
					without.Set(whole)
					without.Field(i).SetZero()
					check(t, without.Interface())
				}
			}
		})
	}
}

func TestEmptyIsNotNull(t *testing.T) {
	t.Parallel()
	empty := ""
	check(t, wire.Message{
		Attachments: []event.Attachment{}, Mentions: []string{}, Reactions: map[string][]string{}, ReplyTo: &empty,
	})
	check(t, wire.Message{Reactions: map[string][]string{"": nil, "a": {}, "b": {""}}})
}

func TestTextsAreWrittenByTheBook(t *testing.T) {
	t.Parallel()
	for _, s := range texts() {
		check(t, s)
	}
}

func TestTimesAreWrittenByTheBook(t *testing.T) {
	t.Parallel()
	const format = "2006-01-02T15:04:05.000Z07:00"
	dice := rand.New(rand.NewPCG(3, 4))
	times := []time.Time{
		{},
		moment(), time.Unix(0, 0), time.Unix(0, 999_999_999), time.Unix(-1, 1), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)), time.Date(2024, 2, 29, 12, 0, 0, 0, time.FixedZone("", 13*3600)),
	}
	for range 1000 {
		times = append(times, time.UnixMilli(dice.Int64N(4e12)-1e12))
	}
	for _, at := range times {
		got, err := wire.Time(at).MarshalText()
		if want := at.UTC().Format(format); err != nil || string(got) != want {
			t.Errorf("%v is written %s, want %s (%v)", at, got, want, err)
		}
		check(t, wire.Message{At: wire.Time(at), EditedAt: wire.OptionalTime(at)})
	}
}

// What Marshal keeps between calls is nobody's.
func TestMarshalGivesItsBytesAway(t *testing.T) {
	t.Parallel()
	first, err := wire.Marshal([]string{"first"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Marshal(func() {}); err == nil {
		t.Error("a function was encoded")
	}
	check(t, []string{"other"})
	check(t, strings.Split(strings.Repeat("x,", 50_000), ","))
	check(t, wire.Room{Name: nasty})
	if string(first) != `["first"]` {
		t.Errorf("the first is now %s", first)
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range texts() {
		f.Add(s, s, s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, a, b, c string, n int64) {
		at := wire.Time(time.UnixMilli(n))
		check(t, wire.Message{
			ID: a, RoomID: b, Seq: n, Sender: event.Sender{ID: a, Username: b, DisplayName: c, AvatarURL: a}, Content: c,
			Attachments: []event.Attachment{{URL: a, Name: b, ContentType: c, Size: n}, {}}, ReplyTo: &b, Mentions: []string{a, b, c},
			Reactions: map[string][]string{a: {b, c}, b: {}, c: nil}, Pinned: n > 0, EditedAt: &at, At: at, ClientMessageID: c,
			Position: event.Position(n), Thread: &wire.Thread{ReplyCount: n, LastReplySeq: -n, LastReplyAt: at},
		})
		check(t, wire.Notification{Kind: a, RoomID: b, MessageID: c, From: a})
		check(t, a)
	})
}
