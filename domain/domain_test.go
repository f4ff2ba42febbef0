package domain_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"parley/domain"
)

func TestValidID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"a": true, "01890000-0000-7000-8000-000000000001": true, "auth0|5f": true, "x@y.test": true, "a+b=c:d_e": true,
		strings.Repeat("x", domain.MaxIDLength): true,
		"":                                      false, " ": false, "a b": false, "a/b": false, "a\x00": false, "é": false, "a'b": false, "a\n": false,
		strings.Repeat("x", domain.MaxIDLength+1): false,
	} {
		if got := domain.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v, want %v", id, got, want)
		}
	}
}

func FuzzValidID(f *testing.F) {
	for _, seed := range []string{"a", "", "a b", "\xff", "é", "auth0|x", strings.Repeat("x", 129)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !domain.ValidID(id) {
			return
		}
		if len(id) > domain.MaxIDLength || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) ||
			strings.ContainsAny(id, `/\'"<>%?#&;{}`) {
			t.Fatalf("%q passed", id)
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	refusal := domain.Errorf(domain.CodeForbidden, "no")
	wrapped := fmt.Errorf("send: %w", refusal)
	if got := domain.AsError(wrapped); got != refusal {
		t.Errorf("AsError gives %v", got)
	}
	if !errors.Is(wrapped, &domain.Error{Code: domain.CodeForbidden}) || errors.Is(wrapped, &domain.Error{Code: domain.CodeInternal}) {
		t.Error("errors.Is must compare codes")
	}
	cause := errors.New("password=x")
	hidden := domain.AsError(cause)
	if hidden.Code != domain.CodeInternal || strings.Contains(hidden.Message, "password") || !errors.Is(hidden, cause) {
		t.Errorf("an unknown error shows as %+v", hidden)
	}
	if domain.AsError(nil) != nil || domain.CodeOf(nil) != "" {
		t.Error("no error must stay none")
	}
	if got := domain.InvalidFields(map[string]string{"b": "is bad", "a": "is worse"}).Message; got != "a is worse; b is bad" {
		t.Errorf("fields read %q", got)
	}
	codes := domain.Codes()
	if slices.Sort(codes); len(slices.Compact(codes)) != 21 {
		t.Errorf("%d codes, want the 21 of the contract", len(codes))
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	admin := domain.Principal{Roles: []domain.Role{domain.RoleAdmin}}
	analyst := domain.Principal{Roles: []domain.Role{domain.RoleAnalyst}}
	if !admin.IsAdmin() || !admin.Has(domain.RoleAnalyst) || analyst.IsAdmin() || !analyst.Has(domain.RoleAnalyst) || (domain.Principal{}).Has(domain.RoleAnalyst) {
		t.Error("an admin has every role, an analyst one, others none")
	}
}
