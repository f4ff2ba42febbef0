package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/api"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
)

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for _, code := range domain.Codes() {
		status := api.Status(code)
		if status < 400 || (status == http.StatusInternalServerError) != (code == domain.CodeInternal) {
			t.Errorf("%s has status %d", code, status)
		}
	}
}

func TestEveryCodeIsAProblem(t *testing.T) {
	t.Parallel()
	for _, code := range domain.Codes() {
		a := newFake(t, api.Config{})
		a.menu.CreateRoom = use[commands.CreateRoom, wire.Room](func(commands.Actor, commands.CreateRoom) (wire.Room, error) {
			return wire.Room{}, &domain.Error{Code: code, Message: "text", Cause: errors.New("secret cause")}
		})
		got := ask(t, a, request{method: "POST", path: "/api/v1/rooms", token: "user", body: "{}"})
		got.want(t, string(code), api.Status(code), code)
		if p := got.problem(t); p.Detail != "text" {
			t.Errorf("%s: %+v", code, p)
		}
	}
}

func TestProblemMembers(t *testing.T) {
	t.Parallel()
	a := newFake(t, api.Config{})
	var answer error
	a.menu.CreateRoom = use[commands.CreateRoom, wire.Room](func(commands.Actor, commands.CreateRoom) (wire.Room, error) {
		return wire.Room{}, answer
	})
	post := func(err error) (answerOf, api.Problem) {
		answer = err
		got := ask(t, a, request{method: "POST", path: "/api/v1/rooms", token: "user", body: "{}"})
		return answerOf{got}, got.problem(t)
	}
	_, p := post(domain.InvalidFields(map[string]string{"name": "is required"}))
	if p.Fields["name"] != "is required" || p.Type != "urn:parley:problem:invalid-payload" {
		t.Errorf("%+v", p)
	}
	got, p := post(&domain.Error{Code: domain.CodeRateLimited, Message: "slow down", RetryAfter: 1200 * time.Millisecond})
	if p.RetryAfterMS != 1200 || got.header.Get("Retry-After") != "2" {
		t.Errorf("%+v, Retry-After %q", p, got.header.Get("Retry-After"))
	}
	got, _ = post(domain.Unavailable(errors.New("postgres is away")))
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	_, p = post(errors.New("pq: password of parley is wrong"))
	if p.Code != domain.CodeInternal || p.Detail != "internal error" {
		t.Errorf("%+v", p)
	}
}

type answerOf struct{ answer }

// An answer does not grow with what was wrong.
func TestProblemsAreShort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.person(t, "ada")
	room := w.room(t, ada, event.RoomPublic)
	nobody := make([]string, 1000)
	for i := range nobody {
		nobody[i] = fmt.Sprintf(`"%0128d"`, i)
	}
	for path, body := range map[string]string{
		"/rooms/" + room.ID + "/messages": `{"content":"x","attachments":[{"url":"https://x.test","size":` + strings.Repeat("9", 100_000) + `}]}`,
		"/rooms":                          `{"name":"x","type":"public","memberIds":[` + strings.Join(nobody, ",") + `]}`,
	} {
		got := w.as(t, ada, "POST", path, body)
		got.want(t, path, 400, domain.CodeInvalidPayload)
		if len(got.body) > 5000 {
			t.Errorf("%s: an answer of %d bytes", path, len(got.body))
		}
	}
}
