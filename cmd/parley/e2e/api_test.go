package e2e_test

import (
	"slices"
	"testing"

	"parley/eventstore/testenv"
)

// REST, and what only a client made by hand can try on a socket, against two nodes of one
// deployment: what is written at one is read at the other.
func TestContract(t *testing.T) {
	inParallel(t)
	database := testenv.DSN(t)
	shared := backends(database, testenv.StartRedis(t).URL).with(settings{"LOG_LEVEL": "debug"})
	d := deployment{
		strict: startNode(t, "strict", shared.with(settings{"AUTO_PROVISION": "false"})),
		open:   startNode(t, "open", shared),
	}
	silent := openSilently(t, d.strict)
	for _, topic := range []struct {
		name string
		run  func(*testing.T, deployment)
	}{
		{"accounts", testAccounts},
		{"refresh tokens", testRefreshTokens},
		{"authentication", testAuthentication},
		{"users", testUsers},
		{"rooms", testRooms},
		{"members", testMembers},
		{"hidden rooms", testHiddenRooms},
		{"messages", testMessages},
		{"pages", testPages},
		{"idempotency keys", testIdempotencyKeys},
		{"positions", testPositions},
		{"edges", testEdges},
		{"origins", testOrigins},
		{"health", testHealth},
		{"invalid UTF-8", testInvalidUTF8},
		{"garbage", testGarbage},
		{"huge packet", testHugePacket},
		{"second try", testSecondTry},
		{"REST and sockets", testRESTReachesSockets},
		{"sync by REST", testSyncByREST},
		{"search", testSearch},
	} {
		t.Run(topic.name, func(t *testing.T) { topic.run(t, d) })
	}
	silent.wantClosed(t)
	soundLog(t, database)
}

// deployment is two nodes: strict lets in only users that exist, open provisions them.
type deployment struct{ strict, open *node }

// user is a new user's caller at the strict node.
func (d deployment) user(t testing.TB, name string, roles ...string) caller {
	t.Helper()
	return d.open.as(t, unique(name), roles...).at(d.strict)
}

// invalid checks a refusal of a payload. The contract leaves open which of two statuses it has.
func (a answer) invalid(field string) {
	a.t.Helper()
	a.want(400, 422)
	body := a.problem(a.status, "INVALID_PAYLOAD")
	if fields, _ := body["fields"].(object); field != "" && fields[field] == nil {
		a.t.Errorf("%s: field %s is not named: %s", a.what, field, a.raw)
	}
}

// refused checks a refusal whose status the contract leaves open.
func (a answer) refused(code string) {
	a.t.Helper()
	if a.status < 400 || a.status > 499 {
		a.t.Errorf("%s: status %d, want a refusal: %s", a.what, a.status, a.raw)
	}
	a.problem(a.status, code)
}

// ids are those of some items.
func ids(items []object) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = text(item, "id")
	}
	return all
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalLists[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
