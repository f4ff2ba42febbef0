package api_test

import (
	"context"
	"fmt"
	"testing"

	"parley/api"
	"parley/domain"
	"parley/projections/upkeep"
)

// fakeUpkeep does nothing, and tells what it was asked for.
type fakeUpkeep struct{}

func (fakeUpkeep) Rebuild(_ context.Context, by domain.Principal, view string) (upkeep.Job, error) {
	if view == "busy" {
		return upkeep.Job{}, domain.Errorf(domain.CodeConflict, "one at a time")
	}
	return upkeep.Job{ID: "job", Kind: upkeep.KindRebuild, View: view, By: by.UserID}, nil
}

func (fakeUpkeep) Verify(_ context.Context, by domain.Principal, sample int) (upkeep.Job, error) {
	return upkeep.Job{ID: "job", Kind: upkeep.KindVerify, Sample: sample, By: by.UserID}, nil
}

func (fakeUpkeep) Last(context.Context) (upkeep.Job, bool) {
	return upkeep.Job{ID: "job", State: upkeep.StateRunning}, true
}

func (fakeUpkeep) Cancel(_ context.Context, id string) error {
	if id != "job" {
		return domain.Errorf(domain.CodeConflict, "no such job")
	}
	return nil
}

func TestUpkeepIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, api.Config{}, func(d *api.Deps) { d.Upkeep = fakeUpkeep{} })
	var job upkeep.Job
	ask(t, f, request{method: "POST", path: "/debug/projections/rooms/rebuild", token: "admin"}).into(t, &job)
	if job.Kind != upkeep.KindRebuild || job.View != "rooms" || job.By != "u1" {
		t.Errorf("%+v", job)
	}
	for body, sample := range map[string]int{"": 0, "{}": 0, `{"sample":7}`: 7} {
		a := ask(t, f, request{method: "POST", path: "/debug/verify", token: "admin", body: body})
		a.want(t, body, 202, "")
		job = upkeep.Job{}
		if a.into(t, &job); job.Kind != upkeep.KindVerify || job.Sample != sample {
			t.Errorf("%q: %+v", body, job)
		}
	}
	var last struct{ Job *upkeep.Job }
	if ask(t, f, request{method: "GET", path: "/debug/upkeep", token: "admin"}).into(t, &last); last.Job == nil || last.Job.State != upkeep.StateRunning {
		t.Errorf("%+v", last)
	}
	for path, code := range map[string]domain.Code{"POST /debug/projections/busy/rebuild": domain.CodeConflict, "DELETE /debug/upkeep/other": domain.CodeConflict, "GET /debug/load?since=x": domain.CodeInvalidPayload} {
		var r request
		_, _ = fmt.Sscan(path, &r.method, &r.path)
		r.token = "admin"
		ask(t, f, r).want(t, path, api.Status(code), code)
	}
}

// Nobody is told of users whom anybody may be, unless the program was started to show what it can do.
func TestMethods(t *testing.T) {
	t.Parallel()
	plain := ask(t, newFake(t, api.Config{}), request{method: "GET", path: "/api/v1/auth/methods"})
	if plain.want(t, "a node", 200, ""); string(plain.body) != `{"accounts":false}` {
		t.Errorf("%s", plain.body)
	}
	demo := ask(t, newFake(t, api.Config{}, func(d *api.Deps) {
		d.DemoUsers = []api.DemoUser{{Username: "ada", Password: "p", Roles: []domain.Role{domain.RoleAdmin}}}
	}), request{method: "GET", path: "/api/v1/auth/methods"})
	const want = `{"accounts":false,"demoUsers":[{"username":"ada","password":"p","roles":["admin"]}]}`
	if demo.want(t, "a demo", 200, ""); string(demo.body) != want {
		t.Errorf("%s", demo.body)
	}
}
