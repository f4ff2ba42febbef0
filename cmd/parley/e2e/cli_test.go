package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parley/eventstore/testenv"
)

// run is a command that has ended.
type run struct {
	code           int
	stdout, stderr string
}

// cli runs the program to its end.
func cli(t *testing.T, env settings, args ...string) run {
	t.Helper()
	return cliInput(t, env, "", args...)
}

func cliInput(t *testing.T, env settings, input string, args ...string) run {
	t.Helper()
	program := parley(t) // which may have to be built
	ctx, cancel := context.WithTimeout(t.Context(), readyTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = environment(env), t.TempDir(), ownProcess()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("parley %v: %v", args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("parley %v did not end:\n%s%s", args, &stdout, &stderr)
	}
	return run{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// want checks the exit code.
func (r run) want(t *testing.T, code int) run {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// oneLine checks that standard error is a single line with all of the parts.
func (r run) oneLine(t *testing.T, parts ...string) {
	t.Helper()
	if strings.Count(strings.TrimSpace(r.stderr), "\n") > 0 || strings.TrimSpace(r.stderr) == "" || r.stdout != "" {
		t.Errorf("want one line on standard error alone, got %q and %q", r.stderr, r.stdout)
	}
	for _, part := range parts {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("%q is not in %q", part, r.stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"serve"},
		{"migrate"},
		{"migrate", "up"},
		{"migrate", "down"},
		{"migrate", "status"},
		{"token"},
		{"user"},
		{"version"},
		{"verify"},
		{"rebuild"},
		{"replay"},
		{"bench"},
	} {
		r := cli(t, nil, append(args, "--help")...).want(t, 0)
		if !strings.Contains(r.stdout, "parley "+strings.Join(args, " ")) {
			t.Errorf("parley %v --help: %s", args, r.stdout)
		}
	}
	help := cli(t, nil, "serve", "--help").want(t, 0).stdout
	for _, name := range []string{
		"DATABASE_URL", "DATABASE_READ_URL", "REDIS_URL", "SOCKET_PORT", "LISTEN_ADDR", "SOCKET_PATH", "FRONTEND_URL", "JWT_SECRET",
		"JWT_ISSUER", "JWT_AUDIENCE", "AUTO_PROVISION", "SOCKET_PING_INTERVAL", "SOCKET_PING_TIMEOUT", "SOCKET_MAX_HTTP_BUFFER_SIZE",
		"SOCKET_MAX_CONNECTIONS_PER_IP", "TRUSTED_PROXIES", "SOCKET_RATE_LIMIT_MESSAGES", "SOCKET_RATE_LIMIT_WINDOW",
		"MAX_ROOMS_PER_SOCKET", "BATCH_WINDOW", "BATCH_SIZE", "MAX_MESSAGE_LENGTH", "SHUTDOWN_TIMEOUT", "LOG_LEVEL", "LOG_FORMAT", "--migrate",
	} {
		if !strings.Contains(help, name) {
			t.Errorf("serve --help does not name %s", name)
		}
	}
	if cli(t, nil, "version").want(t, 0).stdout == "" {
		t.Error("version says nothing")
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"dance"}, {"serve", "--no-such-flag"}, {"serve", "now"}, {"migrate", "sideways"}, {"token", "--user", "no spaces"}, {"bench"}, {"bench", "dance"}, {"bench", "fanout", "--clients", "7"}} {
		env := settings{"JWT_SECRET": jwtSecret}
		cli(t, env, args...).want(t, 2).oneLine(t)
	}
}

// A wrong setting is one line that names the variable and shows nothing secret.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	good := settings{
		"DATABASE_URL": "postgres://parley:hush-hush@127.0.0.1:1/parley", "REDIS_URL": "redis://:hush-hush@127.0.0.1:1/0", "JWT_SECRET": jwtSecret,
	}
	for _, c := range []struct{ name, value string }{
		{"DATABASE_URL", ""},
		{"DATABASE_URL", "mysql://parley:hush-hush@127.0.0.1/parley"},
		{"DATABASE_URL", "://hush-hush"},
		{"DATABASE_READ_URL", "mysql://parley:hush-hush@127.0.0.1/parley"},
		{"REDIS_URL", ""},
		{"REDIS_URL", "http://:hush-hush@127.0.0.1"},
		{"JWT_SECRET", ""},
		{"JWT_SECRET", "hush-hush"},
		{"SOCKET_PORT", "abc"},
		{"SOCKET_PORT", "70000"},
		{"LISTEN_ADDR", "nowhere"},
		{"SOCKET_PATH", "socket.io"},
		{"FRONTEND_URL", "example.com"},
		{"AUTO_PROVISION", "maybe"},
		{"SOCKET_PING_INTERVAL", "0"},
		{"SOCKET_PING_TIMEOUT", "-1"},
		{"SOCKET_MAX_HTTP_BUFFER_SIZE", "1e6"},
		{"SOCKET_COMPRESSION_THRESHOLD", "-1"},
		{"SOCKET_MAX_CONNECTIONS_PER_IP", "-1"},
		{"TRUSTED_PROXIES", "10.0.0.0/99"},
		{"SOCKET_RATE_LIMIT_MESSAGES", "-1"},
		{"SOCKET_RATE_LIMIT_WINDOW", "0"},
		{"MAX_ROOMS_PER_SOCKET", "none"},
		{"MAX_MESSAGE_LENGTH", "0"},
		{"SHUTDOWN_TIMEOUT", "soon"},
		{"LOG_LEVEL", "loud"},
		{"LOG_FORMAT", "xml"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			t.Parallel()
			r := cli(t, good.with(settings{c.name: c.value}), "serve").want(t, 2)
			r.oneLine(t, c.name)
			if strings.Contains(r.stderr, "hush-hush") || strings.Contains(r.stderr, jwtSecret) {
				t.Errorf("it shows a secret: %s", r.stderr)
			}
		})
	}
}

// What it stands on is away: that is a failure, not wrong usage, and it is said in a line.
func TestServeWithoutPostgres(t *testing.T) {
	t.Parallel()
	env := settings{"DATABASE_URL": "postgres://parley:hush-hush@127.0.0.1:1/parley", "REDIS_URL": testenv.StartRedis(t).URL, "JWT_SECRET": jwtSecret}
	r := cli(t, env, "serve").want(t, 1)
	if strings.Contains(r.stderr, "hush-hush") || strings.Contains(r.stderr, "goroutine ") {
		t.Errorf("it tells too much: %s", r.stderr)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	env := backends(testenv.EmptyDSN(t), testenv.StartRedis(t).URL).with(settings{"JWT_SECRET": jwtSecret})
	refused := cli(t, env, "serve", "--migrate=false").want(t, 1)
	if !strings.Contains(refused.stderr, "migrat") {
		t.Errorf("it does not say that migrations are missing: %s", refused.stderr)
	}
	before := cli(t, env, "migrate", "status").want(t, 0).stdout
	cli(t, env, "migrate", "up").want(t, 0)
	cli(t, env, "migrate", "up").want(t, 0) // again: nothing to do
	after := cli(t, env, "migrate", "status").want(t, 0).stdout
	if before == after || after == "" {
		t.Errorf("status before:\n%s\nand after:\n%s", before, after)
	}

	n := newNode(t, "migrated", env)
	n.args = []string{"--migrate=false"}
	n.start()
	n.awaitReady()
}

// Two nodes that start at the same moment on an empty database agree who migrates.
func TestTwoNodesStartOnAnEmptyDatabase(t *testing.T) {
	inParallel(t)
	env := backends(testenv.EmptyDSN(t), testenv.StartRedis(t).URL)
	one, two := newNode(t, "one", env), newNode(t, "two", env)
	one.start()
	two.start()
	one.awaitReady()
	two.awaitReady()
	alice := one.as(t, "alice")
	room := alice.createRoom("public", "first")
	position := alice.at(two).call("POST", "/api/v1/rooms/"+room+"/messages", object{"content": "x"}).done().position()
	equal(t, "messages", len(alice.history(room, position)), 1)
}

func TestTokenCommand(t *testing.T) {
	inParallel(t)
	n := startNode(t, "node", backends(testenv.DSN(t), testenv.StartRedis(t).URL))
	env := settings{"JWT_SECRET": jwtSecret}
	printed := strings.TrimSpace(cli(t, env, "token", "--user", "alice").want(t, 0).stdout)
	me := n.bearing(t, printed).call("GET", "/api/v1/users/me", nil).want(http.StatusOK).object()
	equal(t, "the user of the token", text(me, "id"), "alice")

	deactivate := "/api/v1/users/alice/deactivate"
	n.bearing(t, printed).call("POST", deactivate, nil).problem(http.StatusForbidden, "FORBIDDEN")
	admin := strings.TrimSpace(cli(t, env, "token", "--user", "root", "--role", "admin").want(t, 0).stdout)
	n.bearing(t, admin).call("POST", deactivate, nil).done()

	short := strings.TrimSpace(cli(t, env, "token", "--user", "bob", "--lifetime", "1h").want(t, 0).stdout)
	s, err := dial(t.Context(), n.URL, short, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	cli(t, nil, "token", "--user", "alice").want(t, 2).oneLine(t, "JWT_SECRET")
	cli(t, env, "token", "--user", "alice", "--role", "king").want(t, 2).oneLine(t, "role")
	cli(t, env, "token", "--user", "alice", "--lifetime", (-time.Hour).String()).want(t, 2).oneLine(t, "lifetime")
}

func TestUserCommand(t *testing.T) {
	inParallel(t)
	env := backends(testenv.DSN(t), testenv.StartRedis(t).URL)
	n := startNode(t, "node", env)
	nobody := n.anonymous(t)
	login := func(password string) answer {
		t.Helper()
		return nobody.call("POST", "/api/v1/auth/login", object{"username": "ada", "password": password})
	}
	cliInput(t, env, password+"\n", "user", "create", "ada", "--role", "admin", "--password-stdin").want(t, 0)
	ada := granted(login(password), http.StatusOK)
	n.as(t, "bob")
	n.bearing(t, ada.access).call("POST", "/api/v1/users/bob/deactivate", nil).done()
	if list := cli(t, env, "user", "list").want(t, 0).stdout; !strings.Contains(list, "ada") || !strings.Contains(list, ada.userID) || strings.Contains(list, "argon2") {
		t.Errorf("user list: %s", list)
	}
	if again := cli(t, env, "user", "create", "ada").want(t, 1); again.stderr == "" {
		t.Error("it does not say that the name is taken")
	}

	const changed = "another " + password
	cliInput(t, env, changed+"\n", "user", "password", "ada", "--password-stdin").want(t, 0)
	login(password).problem(http.StatusUnauthorized, "UNAUTHENTICATED")
	ada = granted(login(changed), http.StatusOK)

	s, err := dial(t.Context(), n.URL, ada.access, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	cli(t, env, "user", "deactivate", "ada").want(t, 0)
	select {
	case <-s.done:
	case <-time.After(settle):
		t.Error("the socket of a deactivated user stays open")
	}
	login(changed).want(http.StatusUnauthorized, http.StatusForbidden)
	cli(t, env, "user", "reactivate", "ada").want(t, 0)
	granted(login(changed), http.StatusOK)

	cli(t, env, "user").want(t, 2)
	cli(t, env, "user", "create").want(t, 2)
	cli(t, env, "user", "deactivate", "nobody-of-that-name").want(t, 1)
	cli(t, nil, "user", "list").want(t, 2).oneLine(t, "DATABASE_URL")
}
