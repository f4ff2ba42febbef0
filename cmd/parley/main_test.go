package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// cli runs the program in an empty directory with exactly these variables.
func cli(t *testing.T, env map[string]string, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.Contains(settingsHelp(), " "+name+" ") {
			t.Setenv(name, "") // restored afterwards
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestHelpOfEveryCommand(t *testing.T) {
	for _, command := range []string{
		"", "serve", "migrate", "migrate up", "migrate down", "migrate status", "token", "version",
		"user", "user create", "user list", "user password", "user roles", "user logout", "user deactivate", "user reactivate", "user erase",
	} {
		t.Run(command, func(t *testing.T) {
			code, out, errOut := cli(t, nil, append(strings.Fields(command), "--help")...)
			if code != exitOK || !strings.Contains(out, "Usage:") || errOut != "" {
				t.Errorf("exit %d, stderr %q, stdout %q", code, errOut, out)
			}
		})
	}
}

func TestUsageErrorsExitTwo(t *testing.T) {
	for _, args := range []string{"", "nonsense", "serve extra", "serve --nonsense", "migrate", "migrate sideways", "user", "user create", "user create a b", "token --user"} {
		t.Run(args, func(t *testing.T) {
			code, _, errOut := cli(t, nil, strings.Fields(args)...)
			if code != exitUsage || strings.Count(errOut, "\n") != 1 {
				t.Errorf("exit %d, stderr %q: want 2 and one line", code, errOut)
			}
		})
	}
}

const testSecret = "0123456789abcdef0123456789abcdef"

func TestBadSettingsNameTheVariable(t *testing.T) {
	for _, test := range []struct{ name, value string }{
		{"DATABASE_URL", ""},
		{"DATABASE_URL", "http://nowhere:port/"},
		{"REDIS_URL", ""},
		{"REDIS_URL", "http://127.0.0.1"},
		{"JWT_SECRET", ""},
		{"JWT_SECRET", "short"},
		{"SOCKET_PORT", "http"},
		{"SOCKET_PORT", "65536"},
		{"LISTEN_ADDR", "nowhere"},
		{"LISTEN_ADDR", "127.0.0.1:http"},
		{"SOCKET_PATH", "socket.io"},
		{"SOCKET_PATH", "/"},
		{"SOCKET_PATH", "/ws/"},
		{"FRONTEND_URL", "*"},
		{"FRONTEND_URL", "chat.example.com"},
		{"FRONTEND_URL", "https://chat.example.com/app"},
		{"AUTO_PROVISION", "perhaps"},
		{"SOCKET_PING_INTERVAL", "0"},
		{"SOCKET_PING_TIMEOUT", "1.5"},
		{"SOCKET_MAX_HTTP_BUFFER_SIZE", "-1"},
		{"SOCKET_MAX_CONNECTIONS_PER_IP", "-1"},
		{"TRUSTED_PROXIES", "10.0.0.0/33"},
		{"SOCKET_RATE_LIMIT_MESSAGES", "many"},
		{"SOCKET_RATE_LIMIT_WINDOW", "0"},
		{"MAX_ROOMS_PER_SOCKET", "0"},
		{"BATCH_WINDOW", "0"},
		{"BATCH_SIZE", "1001"},
		{"MAX_MESSAGE_LENGTH", "0"},
		{"ACCESS_TOKEN_TTL", "0s"},
		{"SHUTDOWN_TIMEOUT", "20"},
		{"SHUTDOWN_TIMEOUT", "0s"},
		{"LOG_LEVEL", "loud"},
		{"LOG_FORMAT", "xml"},
		{"JWKS_URL", "http://id.example/keys"},
		{"JWKS_URL", "id.example"},
		{"ALLOW_INSECURE_JWKS", "2"},
		{"ALLOW_UNSAFE_POSTGRES", "2"},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			env := map[string]string{
				"DATABASE_URL": "postgres://127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1", "JWT_SECRET": testSecret,
			}
			env[test.name] = test.value
			code, _, errOut := cli(t, env, "serve")
			if code != exitUsage || !strings.Contains(errOut, test.name) || strings.Count(errOut, "\n") != 1 {
				t.Errorf("exit %d, stderr %q: want 2 and one line that names %s", code, errOut, test.name)
			}
			if test.name == "JWT_SECRET" && test.value != "" && strings.Contains(errOut, test.value) {
				t.Errorf("the secret is in the error: %q", errOut)
			}
		})
	}
}

func TestNoSecretInErrors(t *testing.T) {
	const password = "hunter2hunter2"
	code, _, errOut := cli(t, map[string]string{
		"DATABASE_URL": "postgres://parley:" + password + "@127.0.0.1:1/none?connect_timeout=1",
		"REDIS_URL":    "redis://:" + password + "@127.0.0.1:1", "JWT_SECRET": testSecret,
	}, "serve")
	if code != exitFailed || strings.Contains(errOut, password) || strings.Count(errOut, "\n") != 1 {
		t.Errorf("exit %d, stderr %q", code, errOut)
	}
}

func TestDotEnvIsRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("LOG_LEVEL", "warn") // the environment wins
	t.Setenv("MAX_MESSAGE_LENGTH", "")
	if err := os.Unsetenv("MAX_MESSAGE_LENGTH"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(".env", []byte("MAX_MESSAGE_LENGTH=77\nLOG_LEVEL=debug\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := loadSettings()
	if err != nil {
		t.Fatal(err)
	}
	if s.MaxMessageLength != 77 || s.LogLevel.String() != "WARN" {
		t.Errorf("MAX_MESSAGE_LENGTH %d, LOG_LEVEL %v", s.MaxMessageLength, s.LogLevel)
	}
}

func TestToken(t *testing.T) {
	env := map[string]string{"JWT_SECRET": testSecret}
	code, out, errOut := cli(t, env, "token", "--user", "ada", "--role", "admin")
	if code != exitOK || strings.Count(out, ".") != 2 {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out, errOut)
	}
	for _, args := range [][]string{
		{"token"},
		{"token", "--user", "no spaces"},
		{"token", "--user", "ada", "--role", "god"},
		{"token", "--user", "ada", "--lifetime", "-1h"},
	} {
		if code, out, _ := cli(t, env, args...); code != exitUsage || out != "" {
			t.Errorf("%v: exit %d, stdout %q", args, code, out)
		}
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := cli(t, nil, "version"); code != exitOK || !strings.HasPrefix(out, "parley ") {
		t.Errorf("exit %d, stdout %q", code, out)
	}
}
