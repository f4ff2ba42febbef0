package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/api/auth"
	"parley/commands"
	"parley/domain"
	"parley/domain/event"
	"parley/domain/wire"
	"parley/eventstore/testenv"
)

// users is a write side that knows users alone.
type users struct {
	commands.Directory

	mu    sync.Mutex
	known map[string]wire.User
	// down makes every call fail.
	down bool
	// calls counts registrations.
	calls int
	// meanwhile happens, once, while a user is looked up.
	meanwhile func()
}

func newUsers() *users { return &users{known: map[string]wire.User{}} }

func (u *users) Do(_ context.Context, _ commands.Actor, c commands.RegisterUser) (wire.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.down {
		return wire.User{}, domain.Unavailable(errors.New("down"))
	}
	u.calls++
	user, ok := u.known[c.UserID]
	if !ok {
		user = wire.User{ID: c.UserID, Username: c.Username, DisplayName: c.DisplayName, Active: true, Position: event.Position(u.calls)}
		u.known[c.UserID] = user
	}
	return user, nil
}

func (u *users) Submit(ctx context.Context, actor commands.Actor, c commands.RegisterUser, done func(wire.User, error)) {
	done(u.Do(ctx, actor, c))
}

func (u *users) User(_ context.Context, id string) (wire.User, error) {
	u.mu.Lock()
	meanwhile := u.meanwhile
	u.meanwhile = nil
	u.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.down {
		return wire.User{}, domain.Unavailable(errors.New("down"))
	}
	user, ok := u.known[id]
	if !ok {
		return wire.User{}, domain.Errorf(domain.CodeInvalidUser, "unknown user")
	}
	return user, nil
}

func (u *users) set(id string, active bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	user := u.known[id]
	user.ID, user.Active = id, active
	u.known[id] = user
}

func (u *users) setDown(down bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.down = down
}

// world is accounts on a database of their own.
type world struct {
	pool          *pgxpool.Pool
	users         *users
	sessions      *auth.Sessions
	accounts      *auth.Accounts
	authenticator *auth.Authenticator
	issuer        *auth.Issuer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, testenv.Pool(t), newUsers(), auth.AuthenticatorConfig{})
}

// newWorldOn is a node. Nodes share the database and the users.
func newWorldOn(t *testing.T, pool *pgxpool.Pool, u *users, cfg auth.AuthenticatorConfig) *world {
	t.Helper()
	w := &world{pool: pool, users: u}
	var err error
	w.sessions, err = auth.NewSessions(pool, auth.SessionConfig{CacheFor: time.Hour, WatchEvery: 10 * time.Millisecond})
	must(t, err)
	w.issuer, err = auth.NewIssuer([]byte(secret), auth.IssuerConfig{})
	must(t, err)
	both := auth.Users{Register: u, Directory: u}
	w.accounts, err = auth.NewAccounts(pool, w.sessions, both, w.issuer, slog.New(slog.DiscardHandler), auth.AccountsConfig{Passwords: cheap()})
	must(t, err)
	w.authenticator = auth.NewAuthenticator(newVerifier(t, auth.VerifierConfig{Now: time.Now}), w.sessions, both, cfg)
	return w
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantCode(tb testing.TB, what string, err error, want domain.Code) {
	tb.Helper()
	if got := domain.CodeOf(err); got != want {
		tb.Errorf("%s: code %q (%v), want %q", what, got, err, want)
	}
}

func local() netip.Addr { return netip.MustParseAddr("192.0.2.1") }

func (w *world) register(t *testing.T, name string) auth.Tokens {
	t.Helper()
	tokens, err := w.accounts.Register(t.Context(), local(), auth.Registration{Username: name, Password: "correct horse"})
	must(t, err)
	return tokens
}

func (w *world) login(t *testing.T, name, password string) (auth.Tokens, error) {
	t.Helper()
	return w.accounts.Login(t.Context(), local(), auth.Login{Username: name, Password: password})
}

func (w *world) enter(t *testing.T, token string) error {
	t.Helper()
	_, _, err := w.authenticator.Authenticate(t.Context(), token)
	return err
}

func TestRegisterThenLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.accounts.Register(t.Context(), local(), auth.Registration{
		Username: " Ada ", Email: "Ada@Example.org", Password: "correct horse", DisplayName: "Ada L.",
		Roles: []domain.Role{domain.RoleAdmin},
	})
	must(t, err)
	want := wire.User{ID: first.User.ID, Username: "Ada", DisplayName: "Ada L.", Active: true, Position: 1}
	if diff := cmp.Diff(want, first.User); diff != "" {
		t.Error(diff)
	}
	if len(first.Roles) != 0 {
		t.Error("who registers can make himself an admin")
	}
	p, user, err := w.authenticator.Authenticate(t.Context(), first.AccessToken)
	must(t, err)
	if p.UserID != first.User.ID || p.Username != "Ada" || !auth.IsLocal(p.SessionID) || len(p.Roles) != 0 || user.ID != p.UserID {
		t.Errorf("principal %+v, user %+v", p, user)
	}
	for _, l := range []auth.Login{
		{Username: "ada"}, {Username: "ADA"}, {Username: "Ａｄａ"}, {Email: "ada@example.ORG"},
	} {
		l.Password = "correct horse"
		tokens, err := w.accounts.Login(t.Context(), local(), l)
		must(t, err)
		if tokens.User.ID != first.User.ID || tokens.Email != "Ada@Example.org" || tokens.RefreshToken == first.RefreshToken {
			t.Errorf("%+v: %+v", l, tokens.User)
		}
	}
}

func TestRegistrationsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, errOf(w.accounts.Register(t.Context(), local(), auth.Registration{Username: "Ada", Email: "ada@example.org", Password: "correct horse"})))
	for name, c := range map[string]struct {
		r    auth.Registration
		want domain.Code
	}{
		"no name":                  {auth.Registration{Username: "  "}, domain.CodeInvalidPayload},
		"long name":                {auth.Registration{Username: strings.Repeat("ä", 65)}, domain.CodeInvalidPayload},
		"longest name":             {auth.Registration{Username: strings.Repeat("ä", 64)}, ""},
		"control character":        {auth.Registration{Username: "a\x00b"}, domain.CodeInvalidPayload},
		"text direction":           {auth.Registration{Username: "a\u202eb"}, domain.CodeInvalidPayload},
		"invalid UTF-8":            {auth.Registration{Username: "a\xff"}, domain.CodeInvalidPayload},
		"short password":           {auth.Registration{Username: "b", Password: "short"}, domain.CodeInvalidPayload},
		"control in what is shown": {auth.Registration{Username: "b", DisplayName: "a\x00b"}, domain.CodeInvalidPayload},
		"long name to show":        {auth.Registration{Username: "b", DisplayName: strings.Repeat("ä", 129)}, domain.CodeInvalidPayload},
		"bad address":              {auth.Registration{Username: "b", Email: "nobody"}, domain.CodeInvalidPayload},
		"address and name":         {auth.Registration{Username: "b", Email: "B <b@example.org>"}, domain.CodeInvalidPayload},
		"taken":                    {auth.Registration{Username: "Ada"}, domain.CodeConflict},
		"taken, by case":           {auth.Registration{Username: "aDA"}, domain.CodeConflict},
		"taken, by width":          {auth.Registration{Username: "Ａda"}, domain.CodeConflict},
		"address taken":            {auth.Registration{Username: "c", Email: "ADA@example.org"}, domain.CodeConflict},
	} {
		if c.r.Password == "" {
			c.r.Password = "correct horse"
		}
		_, err := w.accounts.Register(t.Context(), local(), c.r)
		wantCode(t, name, err, c.want)
	}
}

// A registration that is refused takes no name.
func TestARefusedRegistrationStoresNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := auth.Registration{Username: "ada", Email: "ada@example.org", Password: "correct horse", DisplayName: "A\x00da"}
	_, err := w.accounts.Register(t.Context(), local(), r)
	wantCode(t, "a bad name to show", err, domain.CodeInvalidPayload)
	r.Username, r.DisplayName = "ada2", " Ada "
	_, err = w.accounts.Register(t.Context(), local(), r)
	wantCode(t, "with another name and the same address", err, "")
}

func errOf[T any](_ T, err error) error { return err }

func TestOneNameIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const tries = 8
	codes := make(chan domain.Code, tries)
	var wg sync.WaitGroup
	for n := range tries {
		wg.Go(func() {
			_, err := w.accounts.Register(t.Context(), local(), auth.Registration{Username: "ada", Password: fmt.Sprint("password ", n)})
			codes <- domain.CodeOf(err)
		})
	}
	wg.Wait()
	close(codes)
	seen := map[domain.Code]int{}
	for code := range codes {
		seen[code]++
	}
	if seen[""] != 1 || seen[domain.CodeConflict] != tries-1 {
		t.Errorf("answers %v", seen)
	}
}

// A crash between the account and its event leaves an account whose user nobody knows.
func TestAnInterruptedRegistrationHeals(t *testing.T) {
	t.Parallel()
	for name, heal := range map[string]func(*world) (auth.Tokens, error){
		"by login": func(w *world) (auth.Tokens, error) { return w.login(t, "ada", "correct horse") },
		"by registering again": func(w *world) (auth.Tokens, error) {
			return w.accounts.Register(t.Context(), local(), auth.Registration{Username: "ada", Password: "correct horse"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.users.setDown(true)
			_, err := w.accounts.Register(t.Context(), local(), auth.Registration{Username: "ada", Password: "correct horse"})
			wantCode(t, "while the log is away", err, domain.CodeUnavailable)
			w.users.setDown(false)
			_, err = w.accounts.Register(t.Context(), local(), auth.Registration{Username: "ada", Password: "another password"})
			wantCode(t, "by somebody else", err, domain.CodeConflict)
			tokens, err := heal(w)
			must(t, err)
			must(t, w.enter(t, tokens.AccessToken))
			_, err = w.accounts.Register(t.Context(), local(), auth.Registration{Username: "ada", Password: "correct horse"})
			wantCode(t, "once healed", err, domain.CodeConflict)
		})
	}
}

func TestLoginTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ada")
	gone := w.register(t, "bob")
	w.users.set(gone.User.ID, false)
	var texts []string
	for _, l := range []auth.Login{
		{Username: "ada", Password: "wrong horse"},
		{Username: "nobody", Password: "correct horse"},
		{Username: "bob", Password: "correct horse"},
		{Username: "bob", Password: "wrong"},
		{Email: "ada", Password: "correct horse"},
		{Username: strings.Repeat("x", 10_000), Password: "correct horse"},
		{Username: "a\x00", Password: "correct horse"},
		{Username: "a\xff", Password: "correct horse"},
	} {
		_, err := w.accounts.Login(t.Context(), local(), l)
		wantCode(t, l.Username, err, domain.CodeUnauthenticated)
		texts = append(texts, domain.AsError(err).Message)
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("answers differ: %q", texts)
		}
	}
	_, err := w.accounts.Login(t.Context(), local(), auth.Login{Password: "correct horse"})
	wantCode(t, "no name", err, domain.CodeInvalidPayload)
}

func TestGuessingIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ada")
	for range 10 {
		_, err := w.login(t, "ada", "wrong horse")
		wantCode(t, "guess", err, domain.CodeUnauthenticated)
	}
	_, err := w.login(t, "ADA", "wrong horse")
	wantCode(t, "one guess more", err, domain.CodeRateLimited)
}

// Who changes a password or takes a role away shuts out also who is just coming in.
func TestALoginThatIsOvertakenFails(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world) error{
		"by another password": func(w *world) error { return w.accounts.SetPassword(t.Context(), "ada", "battery staple") },
		"by other roles": func(w *world) error {
			return w.accounts.SetRoles(t.Context(), "ada", []domain.Role{domain.RoleAnalyst})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.register(t, "ada")
			w.users.meanwhile = func() {
				if err := change(w); err != nil {
					t.Error(err)
				}
			}
			tokens, err := w.login(t, "ada", "correct horse")
			wantCode(t, "the login", err, domain.CodeUnauthenticated)
			if err == nil && w.enter(t, tokens.AccessToken) == nil {
				t.Error("its token lets in")
			}
		})
	}
}

// A hash of a lower cost is replaced when its password comes by, but never a newer password.
func TestARenewedHashDoesNotBringAnOldPasswordBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ada")
	dearer := *w
	var err error
	both := auth.Users{Register: w.users, Directory: w.users}
	dearer.accounts, err = auth.NewAccounts(w.pool, w.sessions, both, w.issuer, slog.New(slog.DiscardHandler),
		auth.AccountsConfig{Passwords: auth.HasherConfig{MemoryKiB: 128, Passes: 1}})
	must(t, err)
	w.users.meanwhile = func() {
		if err := w.accounts.SetPassword(t.Context(), "ada", "battery staple"); err != nil {
			t.Error(err)
		}
	}
	_, err = dearer.login(t, "ada", "correct horse")
	wantCode(t, "with the old password, overtaken", err, domain.CodeUnauthenticated)
	_, err = dearer.login(t, "ada", "correct horse")
	wantCode(t, "with the old password", err, domain.CodeUnauthenticated)
	must(t, errOf(dearer.login(t, "ada", "battery staple")))
	must(t, errOf(dearer.login(t, "ada", "battery staple")))
}

// Two who come in while the hash is made anew both come in.
func TestTwoLoginsRenewOneHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ada")
	var err error
	both := auth.Users{Register: w.users, Directory: w.users}
	w.accounts, err = auth.NewAccounts(w.pool, w.sessions, both, w.issuer, slog.New(slog.DiscardHandler),
		auth.AccountsConfig{Passwords: auth.HasherConfig{MemoryKiB: 128, Passes: 1}})
	must(t, err)
	w.users.meanwhile = func() {
		if _, err := w.login(t, "ada", "correct horse"); err != nil {
			t.Error(err)
		}
	}
	must(t, errOf(w.login(t, "ada", "correct horse")))
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.register(t, "ada")
	for range 3 {
		next, err := w.accounts.Refresh(t.Context(), tokens.RefreshToken)
		must(t, err)
		must(t, w.enter(t, next.AccessToken))
		if next.RefreshToken == tokens.RefreshToken {
			t.Error("the refresh token stays the same")
		}
		tokens = next
	}
	for _, token := range []string{"", "x", tokens.RefreshToken + "x", tokens.AccessToken} {
		_, err := w.accounts.Refresh(t.Context(), token)
		wantCode(t, "unknown token", err, domain.CodeUnauthenticated)
	}
}

func TestReuseRevokesTheFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.register(t, "ada")
	other, err := w.login(t, "ada", "correct horse")
	must(t, err)
	second, err := w.accounts.Refresh(t.Context(), first.RefreshToken)
	must(t, err)
	must(t, w.enter(t, second.AccessToken))

	_, err = w.accounts.Refresh(t.Context(), first.RefreshToken)
	wantCode(t, "reuse", err, domain.CodeUnauthenticated)
	_, err = w.accounts.Refresh(t.Context(), second.RefreshToken)
	wantCode(t, "the newest of the family", err, domain.CodeUnauthenticated)
	wantCode(t, "access token of the family", w.enter(t, second.AccessToken), domain.CodeUnauthenticated)
	must(t, w.enter(t, other.AccessToken))
	must(t, errOf(w.accounts.Refresh(t.Context(), other.RefreshToken)))
}

func TestTwoRefreshesAtOnceAreAReuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.register(t, "ada")
	type answer struct {
		tokens auth.Tokens
		err    error
	}
	answers := make(chan answer, 2)
	for range 2 {
		go func() {
			next, err := w.accounts.Refresh(t.Context(), tokens.RefreshToken)
			answers <- answer{next, err}
		}()
	}
	won := 0
	for range 2 {
		a := <-answers
		if a.err == nil {
			won++
			defer func() {
				_, err := w.accounts.Refresh(t.Context(), a.tokens.RefreshToken)
				wantCode(t, "the winner, after the reuse", err, domain.CodeUnauthenticated)
			}()
		} else {
			wantCode(t, "the loser", a.err, domain.CodeUnauthenticated)
		}
	}
	if won > 1 {
		t.Error("one refresh token gave two")
	}
}

func TestRefreshOfWhoMayNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.register(t, "ada")
	w.users.setDown(true)
	_, err := w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	wantCode(t, "while the log is away", err, domain.CodeUnavailable)
	w.users.setDown(false)
	w.users.set(tokens.User.ID, false)
	_, err = w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	wantCode(t, "deactivated", err, domain.CodeInvalidUser)
	w.users.set(tokens.User.ID, true)
	tokens, err = w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	must(t, err) // the refusals have not spent it

	_, err = w.pool.Exec(t.Context(), `UPDATE auth.refresh_tokens SET expires_at = now() - interval '1 s'`)
	must(t, err)
	_, err = w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	wantCode(t, "expired", err, domain.CodeTokenExpired)
}

func TestLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.register(t, "ada")
	second, err := w.login(t, "ada", "correct horse")
	must(t, err)
	must(t, w.enter(t, first.AccessToken))
	_, sessionID, err := w.accounts.Holder(t.Context(), first.RefreshToken)
	must(t, err)
	must(t, w.sessions.Revoke(t.Context(), sessionID))
	wantCode(t, "the session that logged out", w.enter(t, first.AccessToken), domain.CodeUnauthenticated)
	_, err = w.accounts.Refresh(t.Context(), first.RefreshToken)
	wantCode(t, "its refresh token", err, domain.CodeUnauthenticated)
	must(t, w.enter(t, second.AccessToken))
	for _, unknown := range []string{"", "parley-", "parley-x", "foreign", "parley-00000000-0000-0000-0000-000000000000"} {
		must(t, w.sessions.Revoke(t.Context(), unknown))
	}
}

func TestLogoutEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, other := w.register(t, "ada"), w.register(t, "bob")
	second, err := w.login(t, "ada", "correct horse")
	must(t, err)
	foreign, _, err := w.issuer.Issue(domain.Principal{UserID: first.User.ID, SessionID: "0b5c5e0e-0000-4000-8000-000000000000"}, time.Hour)
	must(t, err)
	undated := sign(hs256, fmt.Sprintf(`{"sub":%q,"exp":%d}`, first.User.ID, time.Now().Add(time.Hour).Unix()), secret)
	for _, token := range []string{first.AccessToken, second.AccessToken, foreign, undated, other.AccessToken} {
		must(t, w.enter(t, token))
	}
	must(t, w.sessions.RevokeAll(t.Context(), first.User.ID))
	for i, token := range []string{first.AccessToken, second.AccessToken, foreign, undated} {
		wantCode(t, fmt.Sprint("token ", i), w.enter(t, token), domain.CodeUnauthenticated)
	}
	must(t, w.enter(t, other.AccessToken))
	third, err := w.login(t, "ada", "correct horse")
	must(t, err)
	must(t, w.enter(t, third.AccessToken))
}

func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.register(t, "ada")
	kept := w.register(t, "bob")
	_, err := w.pool.Exec(t.Context(), `UPDATE auth.sessions SET expires_at = now() - interval '2 days' WHERE user_id = $1`, tokens.User.ID)
	must(t, err)
	must(t, w.sessions.Sweep(t.Context()))
	_, err = w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	wantCode(t, "swept", err, domain.CodeUnauthenticated)
	wantCode(t, "access token of a session that was swept", w.enter(t, tokens.AccessToken), domain.CodeUnauthenticated)
	must(t, errOf(w.accounts.Refresh(t.Context(), kept.RefreshToken)))
}

func TestNoSecretIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.register(t, "ada")
	var dump string
	must(t, w.pool.QueryRow(t.Context(), `
SELECT (SELECT string_agg(a::text, ' ') FROM auth.accounts a) || (SELECT string_agg(s::text, ' ') FROM auth.sessions s)
  || (SELECT string_agg(r::text || encode(r.token_hash, 'escape'), ' ') FROM auth.refresh_tokens r)`).Scan(&dump))
	for _, s := range []string{"correct horse", tokens.RefreshToken, tokens.AccessToken} {
		if strings.Contains(dump, s) {
			t.Errorf("%.10q is stored", s)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.users.set("known", true)
	w.users.set("inactive", false)
	token := func(id string) string {
		token, _, err := w.issuer.Issue(domain.Principal{UserID: id}, time.Hour)
		must(t, err)
		return token
	}
	must(t, w.enter(t, token("known")))
	wantCode(t, "inactive", w.enter(t, token("inactive")), domain.CodeInvalidUser)
	wantCode(t, "unknown", w.enter(t, token("unknown")), domain.CodeInvalidUser)
	wantCode(t, "no token", w.enter(t, ""), domain.CodeUnauthenticated)
	w.users.setDown(true)
	wantCode(t, "while the log is away", w.enter(t, token("known")), domain.CodeUnavailable)
}

func TestAutoProvision(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, testenv.Pool(t), newUsers(), auth.AuthenticatorConfig{AutoProvision: true})
	for id, c := range map[string]struct{ claim, want string }{
		"u1":                     {"Ada", "Ada"},
		"u2":                     {"", "u2"},
		"u3":                     {"bad\u202ename", "u3"},
		strings.Repeat("x", 100): {"", strings.Repeat("x", 64)},
	} {
		token, _, err := w.issuer.Issue(domain.Principal{UserID: id, Username: c.claim}, time.Hour)
		must(t, err)
		for range 2 {
			_, user, err := w.authenticator.Authenticate(t.Context(), token)
			must(t, err)
			if user.ID != id || user.Username != c.want {
				t.Errorf("%s: %+v", id, user)
			}
		}
	}
	if w.users.calls != 4 {
		t.Errorf("%d registrations", w.users.calls)
	}
	w.users.set("u1", false)
	token, _, err := w.issuer.Issue(domain.Principal{UserID: "u1"}, time.Hour)
	must(t, err)
	wantCode(t, "inactive", w.enter(t, token), domain.CodeInvalidUser)
}

func TestAdministration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root, err := w.accounts.CreateAccount(t.Context(), auth.Registration{
		Username: "Root", Password: "correct horse", Roles: []domain.Role{domain.RoleAdmin},
	})
	must(t, err)
	w.register(t, "ada")
	tokens, err := w.login(t, "root", "correct horse")
	must(t, err)
	p, _, err := w.authenticator.Authenticate(t.Context(), tokens.AccessToken)
	must(t, err)
	if !p.IsAdmin() || p.UserID != root.UserID {
		t.Errorf("principal %+v", p)
	}

	must(t, w.accounts.SetPassword(t.Context(), "ROOT", "another horse"))
	wantCode(t, "token from before", w.enter(t, tokens.AccessToken), domain.CodeUnauthenticated)
	_, err = w.login(t, "root", "correct horse")
	wantCode(t, "old password", err, domain.CodeUnauthenticated)
	tokens, err = w.login(t, "root", "another horse")
	must(t, err)

	must(t, w.accounts.SetRoles(t.Context(), "root", nil))
	_, err = w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	wantCode(t, "refresh with the old roles", err, domain.CodeUnauthenticated)
	tokens, err = w.login(t, "root", "another horse")
	must(t, err)
	if len(tokens.Roles) != 0 {
		t.Errorf("roles %v", tokens.Roles)
	}
	must(t, w.accounts.Logout(t.Context(), "root"))
	wantCode(t, "logged out by an administrator", w.enter(t, tokens.AccessToken), domain.CodeUnauthenticated)

	wantCode(t, "unknown role", w.accounts.SetRoles(t.Context(), "root", []domain.Role{"god"}), domain.CodeInvalidPayload)
	wantCode(t, "unknown name", w.accounts.SetPassword(t.Context(), "nobody", "correct horse"), domain.CodeInvalidUser)
	wantCode(t, "short password", w.accounts.SetPassword(t.Context(), "ada", "short"), domain.CodeInvalidPayload)

	first, err := w.accounts.ListAccounts(t.Context(), "", 1)
	must(t, err)
	rest, err := w.accounts.ListAccounts(t.Context(), first[0].Username, 0)
	must(t, err)
	if len(first) != 1 || len(rest) != 1 || first[0].Username != "ada" || rest[0].Username != "Root" {
		t.Errorf("%+v, then %+v", first, rest)
	}
}

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.register(t, "ada")
	w.pool.Close()
	_, err := w.login(t, "ada", "correct horse")
	wantCode(t, "login", err, domain.CodeUnavailable)
	_, err = w.accounts.Refresh(t.Context(), tokens.RefreshToken)
	wantCode(t, "refresh", err, domain.CodeUnavailable)
	wantCode(t, "a token that was never checked", w.enter(t, tokens.AccessToken), domain.CodeUnavailable)
}
