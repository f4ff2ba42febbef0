package auth_test

import (
	"strings"
	"testing"

	"parley/api/auth"
	"parley/domain"
)

// cheap is a cost for tests.
func cheap() auth.HasherConfig { return auth.HasherConfig{MemoryKiB: 64, Passes: 1} }

func TestHasher(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher(cheap())
	first, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if first == second || !strings.HasPrefix(first, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("hashes %q and %q", first, second)
	}
	for name, c := range map[string]struct {
		stored, password string
		want             bool
	}{
		"right":      {first, "correct horse", true},
		"wrong":      {first, "Correct horse", false},
		"empty":      {first, "", false},
		"very long":  {first, strings.Repeat("x", 1<<20), false},
		"no account": {"", "correct horse", false},
	} {
		if got, err := h.Check(t.Context(), c.stored, c.password); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestHasherRefusesPasswords(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher(cheap())
	for _, password := range []string{"", "1234567", strings.Repeat("x", 129), "invalid \xff utf8"} {
		if _, err := h.Hash(t.Context(), password); domain.CodeOf(err) != domain.CodeInvalidPayload {
			t.Errorf("%.20q: %v", password, err)
		}
	}
	for _, password := range []string{"12345678", strings.Repeat("x", 128), "пароль пароль"} {
		if _, err := h.Hash(t.Context(), password); err != nil {
			t.Errorf("%.20q: %v", password, err)
		}
	}
}

func TestHasherNoticesAnotherCost(t *testing.T) {
	t.Parallel()
	old, err := auth.NewHasher(cheap()).Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	h := auth.NewHasher(auth.HasherConfig{MemoryKiB: 64, Passes: 2})
	if !h.Outdated(old) {
		t.Error("a hash of one pass is not outdated")
	}
	if right, err := h.Check(t.Context(), old, "correct horse"); !right || err != nil {
		t.Errorf("the old hash is not taken any more: %v", err)
	}
}

func TestHasherRefusesForeignHashes(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher(cheap())
	for _, stored := range []string{
		"plain", "$2y$10$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=64,t=4294967295,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=64,t=1,p=0$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$",
	} {
		if right, err := h.Check(t.Context(), stored, "correct horse"); right || err == nil {
			t.Errorf("%q: %v, %v", stored, right, err)
		}
	}
}
