package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresServer is a Postgres of a test's own, for tests that break it. It
// keeps its data and address through Kill, Stop and Start. fsync is on.
type PostgresServer struct {
	// DSN connects a superuser to the database parley, which has all migrations.
	DSN string

	tb   testing.TB
	bin  string
	dir  string
	proc *process
}

// StartPostgres starts one, in about two seconds. It is gone when the test ends.
func StartPostgres(tb testing.TB) *PostgresServer {
	tb.Helper()
	bin, err := postgresBin()
	if err != nil {
		tb.Fatal(err)
	}
	s := &PostgresServer{tb: tb, bin: bin, dir: serviceDir(tb)}
	password := randomHex()
	if err := s.initdb(password); err != nil {
		tb.Fatalf("make a Postgres: %v", err)
	}
	tb.Cleanup(func() {
		if s.proc.running() {
			s.check(s.proc.kill())
		}
	})
	s.startAnywhere(password)
	s.createDatabase()
	return s
}

// Start starts a server that was stopped or killed and returns when it takes
// connections, after crash recovery if need be.
func (s *PostgresServer) Start() {
	s.tb.Helper()
	s.check(s.start())
}

// Stop shuts it down in order: open transactions are rolled back, connections closed.
func (s *PostgresServer) Stop() {
	s.tb.Helper()
	s.check(s.proc.stop(syscall.SIGINT))
}

// Kill ends all of its processes at once (SIGKILL). Committed data survives.
func (s *PostgresServer) Kill() {
	s.tb.Helper()
	s.check(s.proc.kill())
}

// Pause freezes all of its processes: connections stay open, nothing answers.
func (s *PostgresServer) Pause() { s.proc.signalFamily(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *PostgresServer) Resume() { s.proc.signalFamily(syscall.SIGCONT) }

func (s *PostgresServer) check(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("private Postgres: %v", err)
	}
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }

func (s *PostgresServer) initdb(password string) error {
	file := filepath.Join(s.dir, "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return err
	}
	uid, gid, err := serviceUser()
	if err != nil {
		return err
	}
	if err := os.Chown(file, uid, gid); err != nil {
		return err
	}
	p, err := launch(filepath.Join(s.dir, "initdb.log"), filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "postgres",
		"--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--pwfile="+file)
	if err != nil {
		return err
	}
	<-p.done
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("initdb: %s", p.lastOutput())
	}
	return nil
}

// startAnywhere starts it the first time; somebody may take the port that was just free.
func (s *PostgresServer) startAnywhere(password string) {
	s.tb.Helper()
	var err error
	for range startTries {
		var port int
		if port, err = freePort(); err != nil {
			break
		}
		s.DSN = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
		if err = s.configure(port); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return
		}
	}
	s.check(err)
}

func (s *PostgresServer) configure(port int) error {
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\n", port) +
		"max_connections = 100\nshared_buffers = 32MB\nfsync = on\nsynchronous_commit = on\n"
	// The last line of a name counts, so appending also replaces an earlier try.
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(settings)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (s *PostgresServer) start() error {
	p, err := launch(filepath.Join(s.dir, "postgres.log"), filepath.Join(s.bin, "postgres"), "-D", s.data())
	if err != nil {
		return err
	}
	s.proc = p
	return p.awaitReady(func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.tb.Context()), 5*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.DSN)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

func (s *PostgresServer) createDatabase() {
	s.tb.Helper()
	ctx := s.tb.Context()
	conn, err := pgx.Connect(ctx, s.DSN)
	s.check(err)
	_, err = conn.Exec(ctx, "CREATE DATABASE parley")
	_ = conn.Close(ctx)
	s.check(err)
	s.DSN = withDatabase(s.DSN, "parley")
	s.check(migrate(ctx, s.DSN))
}

// postgresBin finds the folder of the newest installed server.
func postgresBin() (string, error) {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
	} {
		found, _ := filepath.Glob(filepath.Join(pattern, "initdb")) // the pattern is sound
		dirs = append(dirs, found...)
	}
	if len(dirs) > 0 {
		return filepath.Dir(slices.MaxFunc(dirs, func(a, b string) int { return majorOf(a) - majorOf(b) })), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", fmt.Errorf("PostgreSQL 15+ is missing: run `make services`: %w", err)
	}
	initdb, err = filepath.EvalSymlinks(initdb)
	if err != nil {
		return "", err
	}
	return filepath.Dir(initdb), nil
}

// majorOf reads the version number out of a path.
func majorOf(path string) int {
	digits := []byte{}
	for _, c := range []byte(path) {
		if c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	major, _ := strconv.Atoi(string(digits)) // none: an unversioned folder, taken last
	return major
}
