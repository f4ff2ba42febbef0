package gateway_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
	"parley/realtime/gateway"
)

const badPayload = `"code":"INVALID_PAYLOAD"`

func TestBatchUpdateAnswersEachAsAlone(t *testing.T) {
	t.Parallel()
	session, p := newStand(t, gateway.Config{}).enter(t, "ann")
	items := []string{
		`{"event":"leave-room","data":"r"}`,
		`{"event":"send-message","data":{"roomId":"r","content":"x"}}`,
		`{"event":"dance"}`,
		`{"event":"archive-room","data":{"roomId":1}}`,
		`{"event":"leave-room"}`,
		`{"event":"room:leave","data":{"roomId":"r"},"more":1}`,
	}
	var want []string
	for _, item := range items {
		var alone struct {
			Event string
			Data  json.RawMessage
		}
		if err := json.Unmarshal([]byte(item), &alone); err != nil {
			t.Fatal(err)
		}
		want = append(want, ask(t, session, alone.Event, string(alone.Data)))
	}
	got := ask(t, session, "batch-update", "["+strings.Join(items, ",")+"]")
	if diff := cmp.Diff(`{"success":true,"data":[`+strings.Join(want, ",")+`]}`, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if got := ask(t, session, "batch-update", " [ ] "); got != `{"success":true,"data":[]}` {
		t.Errorf("an empty batch: %s", got)
	}
	p.silent(t)
}

func TestBatchUpdateRefusesInPlaceWhatIsNoCommand(t *testing.T) {
	t.Parallel()
	session, _ := newStand(t, gateway.Config{}).enter(t, "ann")
	for item, want := range map[string]string{
		`7`:                                  badPayload,
		`null`:                               badPayload,
		`"leave-room"`:                       badPayload,
		`["leave-room","r"]`:                 badPayload,
		`{}`:                                 badPayload,
		`{"event":""}`:                       badPayload,
		`{"event":7}`:                        badPayload,
		`{"event":null}`:                     badPayload,
		`{"data":"r"}`:                       badPayload,
		`{"event":"__proto__"}`:              `"code":"UNKNOWN_EVENT"`,
		`{"event":"batch-update","data":[]}`: badPayload,
		`{"event":"batch-update","data":[{"event":"leave-room","data":"r"}]}`: badPayload,
		`{"event":"` + strings.Repeat("x", 129) + `"}`:                        badPayload,
	} {
		got := ask(t, session, "batch-update", `[{"event":"leave-room","data":"a"},`+item+`,{"event":"leave-room","data":"b"}]`)
		var answer struct {
			Success bool
			Data    []json.RawMessage
		}
		if err := json.Unmarshal([]byte(got), &answer); err != nil || !answer.Success || len(answer.Data) != 3 {
			t.Errorf("%s: got %s", item, got)
			continue
		}
		for i, part := range []string{`{"success":true,`, want, `{"success":true,`} {
			if !strings.Contains(string(answer.Data[i]), part) {
				t.Errorf("%s: answer %d is %s", item, i, answer.Data[i])
			}
		}
	}
}

func TestBatchUpdateDoesNothingIfTheWholeIsWrong(t *testing.T) {
	t.Parallel()
	done := 0
	s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
		m.LeaveRoom = useCase[commands.RoomRef, commands.Left](func(context.Context, commands.Actor, commands.RoomRef) (commands.Left, error) {
			done++
			return commands.Left{}, nil
		})
	})
	session, p := s.enter(t, "ann")
	leave := `{"event":"leave-room","data":"r"}`
	for _, payload := range []string{
		``, `null`, `7`, `"leave-room"`, leave, `{"0":` + leave + `}`, `[` + leave, `[` + leave + `,]`, `[` + leave + `]]`, `[` + leave + `] 1`,
		`[` + strings.Repeat(leave+",", 100) + leave + `]`,
	} {
		if got := ask(t, session, "batch-update", payload); !strings.HasPrefix(got, `{"success":false,`) || !strings.Contains(got, badPayload) {
			t.Errorf("%.40s: %s", payload, got)
		}
	}
	session.Handle("batch-update", json.RawMessage(`7`), nil)
	p.wants(t, `error {"event":"batch-update","message":"payload must be an array","code":"INVALID_PAYLOAD"}`)
	if done > 0 {
		t.Errorf("%d commands were run", done)
	}
	if got := ask(t, session, "batch-update", `[`+strings.Repeat(leave+",", 99)+leave+`]`); !strings.HasPrefix(got, `{"success":true,`) || done != 100 {
		t.Errorf("%d of 100 commands were run: %.100s", done, got)
	}
}

func TestBatchUpdateWithoutAckTellsOfFailures(t *testing.T) {
	t.Parallel()
	session, p := newStand(t, gateway.Config{}).enter(t, "ann")
	session.Handle("batch-update", json.RawMessage(`[{"event":"leave-room","data":"r"},{"event":"dance"},7,{"event":"room:leave","data":7}]`), nil)
	p.wants(t,
		`error {"event":"dance","message":"unknown event \"dance\"","code":"UNKNOWN_EVENT"}`,
		`error {"event":"","message":"payload must be an object","code":"INVALID_PAYLOAD"}`,
		`error {"event":"room:leave","message":"payload must be an object","code":"INVALID_PAYLOAD"}`,
	)
	p.silent(t)
}

func TestEachCommandOfABatchCountsForTheRate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newStand(t, gateway.Config{Rate: 1, Burst: 4, Now: func() time.Time { return now }})
	session, p := s.enter(t, "ann")
	got := ask(t, session, "batch-update", `[`+strings.Repeat(`{"event":"leave-room","data":"r"},`, 4)+`7]`)
	if n := strings.Count(got, `"success":true,"data":{`); n != 3 {
		t.Errorf("%d commands were run, want 3 beside the batch itself: %s", n, got)
	}
	if n := strings.Count(got, `"code":"RATE_LIMITED","retryAfterMs":1000`); n != 2 {
		t.Errorf("%d were refused: %s", n, got)
	}
	p.wantEndings(t)
	ask(t, session, "batch-update", `[`+strings.Repeat(`7,`, 9)+`7]`)
	p.wantEndings(t)
	for range 5 {
		ask(t, session, "leave-room", `"r"`)
	}
	if p.endings() == 0 {
		t.Error("a client that goes on and on is not closed")
	}
}

// Pipelined commands do not wait for one another, awaited ones come after what was before them and
// before what follows.
func TestBatchUpdateKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var begun []string
		begin := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			begun = append(begun, what)
		}
		store := make(chan struct{})
		s := newStand(t, gateway.Config{MaxInFlight: 1}, func(m *commands.Commands) {
			m.SendMessage = submitted(func(c commands.SendMessage) { begin(c.Content) }, store)
			m.LeaveRoom = useCase[commands.RoomRef, commands.Left](func(_ context.Context, _ commands.Actor, c commands.RoomRef) (commands.Left, error) {
				begin("leave " + c.RoomID)
				return commands.Left{}, nil
			})
		})
		session, _ := s.enter(t, "ann")
		send := func(content string) string {
			return `{"event":"send-message","data":{"roomId":"r","content":"` + content + `"}}`
		}
		answered := make(chan string, 3)
		handle := func(items ...string) {
			session.Handle("batch-update", json.RawMessage("["+strings.Join(items, ",")+"]"), func(a gateway.Answer) {
				answered <- string(a.Data)
			})
		}
		handle(send("1"), send("2"), `{"event":"leave-room","data":"a"}`, send("3"))
		if diff := cmp.Diff([]string{"1", "2", "leave a", "3"}, begun); diff != "" {
			t.Errorf("begun (-want +got):\n%s", diff)
		}
		select {
		case a := <-answered:
			t.Errorf("answered too early: %s", a)
		default:
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			handle(send("4")) // waits: MaxInFlight is 1
		}()
		synctest.Wait()
		if len(begun) != 4 {
			t.Errorf("begun %v before the first was answered", begun)
		}
		close(store)
		<-done
		first, second := <-answered, <-answered
		if n := strings.Count(first, `"success":true`); n != 4 {
			t.Errorf("first answer %s", first)
		}
		if n := strings.Count(second, `"success":true`); n != 1 {
			t.Errorf("second answer %s", second)
		}
	})
}

// submitted is a use case whose requests are seen at once and answered when store is closed.
func submitted(seen func(commands.SendMessage), store <-chan struct{}) commands.UseCase[commands.SendMessage, wire.Message] {
	return &slowSends{seen, store}
}

type slowSends struct {
	seen  func(commands.SendMessage)
	store <-chan struct{}
}

func (s *slowSends) Do(context.Context, commands.Actor, commands.SendMessage) (wire.Message, error) {
	return wire.Message{}, domain.Errorf(domain.CodeInternal, "sending is pipelined")
}

func (s *slowSends) Submit(_ context.Context, _ commands.Actor, c commands.SendMessage, done func(wire.Message, error)) {
	s.seen(c)
	go func() {
		<-s.store
		done(wire.Message{}, nil)
	}()
}

// A session has one list in flight; while that is so the others wait, and nothing is lost.
func TestBatchesOfASessionFollowOneAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, begun := make(chan struct{}), 0
		s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
			m.SendMessage = submitted(func(commands.SendMessage) { begun++ }, store)
		})
		session, p := s.enter(t, "ann")
		list := json.RawMessage(`[` + strings.TrimSuffix(strings.Repeat(`{"event":"send-message","data":{"roomId":"r"}},`, 100), ",") + `]`)
		session.Handle("batch-update", list, nil)
		answered := make(chan gateway.Answer, 1)
		go session.Handle("batch-update", list, func(a gateway.Answer) { answered <- a })
		synctest.Wait()
		if begun != 100 {
			t.Errorf("%d commands in flight, want 100", begun)
		}
		p.Close(gateway.CloseOverrun)
		if a := <-answered; a.Err == nil || a.Err.Code != domain.CodeUnavailable {
			t.Errorf("answer %+v of who waited when the connection closed", a)
		}
		close(store)
	})
}

// A batch of commands that all take their time does not keep the connection from being read for ever.
func TestBatchUpdateBeginsNothingAfterTwoTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := 0
		s := newStand(t, gateway.Config{CommandTimeout: time.Second}, func(m *commands.Commands) {
			m.LeaveRoom = useCase[commands.RoomRef, commands.Left](func(ctx context.Context, _ commands.Actor, _ commands.RoomRef) (commands.Left, error) {
				begun++
				<-ctx.Done()
				return commands.Left{}, ctx.Err()
			})
		})
		session, _ := s.enter(t, "ann")
		started := time.Now()
		got := ask(t, session, "batch-update", `[`+strings.Repeat(`{"event":"leave-room","data":"r"},`, 99)+`{"event":"leave-room","data":"r"}]`)
		if n := strings.Count(got, `"code":"UNAVAILABLE"`); n != 100 || begun > 3 || time.Since(started) > 4*time.Second {
			t.Errorf("%d were refused, %d begun, in %s", n, begun, time.Since(started))
		}
	})
}

func TestPanicInABatchIsAnsweredAndPassedOn(t *testing.T) {
	t.Parallel()
	s := newStand(t, gateway.Config{}, func(m *commands.Commands) {
		m.LeaveRoom = useCase[commands.RoomRef, commands.Left](func(context.Context, commands.Actor, commands.RoomRef) (commands.Left, error) {
			panic("oops")
		})
	})
	session, p := s.enter(t, "ann")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		session.Handle("batch-update", json.RawMessage(`[{"event":"leave-room","data":"r"}]`), nil)
	}()
	p.wants(t, `error {"event":"batch-update","message":"internal error","code":"INTERNAL"}`)
}

func BenchmarkBatchUpdate(b *testing.B) {
	session, _ := newStand(b, gateway.Config{Rate: -1}).enter(b, "ann")
	for _, n := range []int{1, 10, 100} {
		list := json.RawMessage(`[` + strings.TrimSuffix(strings.Repeat(`{"event":"leave-room","data":{"roomId":"r"}},`, n), ",") + `]`)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				session.Handle("batch-update", list, func(gateway.Answer) {})
			}
		})
	}
}
