package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/eventstore/testenv"
)

// archive is a database with a log, and the directory of somebody who exports it.
type archive struct {
	t    *testing.T
	conn *pgx.Conn
	env  settings
	dir  string
	size int
}

func newArchive(t *testing.T, events int) *archive {
	t.Helper()
	dsn := testenv.DSN(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	a := &archive{t: t, conn: conn, env: settings{"DATABASE_URL": dsn}, dir: t.TempDir()}
	a.exec(`ALTER TABLE log.events ALTER COLUMN hash SET DEFAULT sha256('')`)
	a.add(events)
	return a
}

func (a *archive) exec(sql string, args ...any) {
	a.t.Helper()
	if _, err := a.conn.Exec(a.t.Context(), sql, args...); err != nil {
		a.t.Fatal(err)
	}
}

// add appends events of ten streams, a millisecond apart.
func (a *archive) add(events int) {
	a.t.Helper()
	a.exec(`
INSERT INTO log.events (position, version, seq, recorded_at, id, schema_version, stream, type, data, metadata)
SELECT p, (p + 9) / 10, 0, timestamptz '2026-01-01' + p * interval '1 ms', gen_random_uuid(), 1,
       CASE WHEN p % 10 = 0 THEN 'receipts-r0' ELSE 'messages-r' || p % 10 END,
       CASE WHEN p % 10 = 0 THEN 'MessagesRead' ELSE 'MessageSent' END,
       json_build_object('roomId', 'r' || p % 10, 'content', repeat('more or less ü ', (p % 17)::int)), '{"userId":"u1"}'
FROM generate_series($1::bigint + 1, $1 + $2::bigint) p`, a.size, events)
	a.size += events
}

func (a *archive) file(name string) string { return filepath.Join(a.dir, name) }

func (a *archive) read(name string) []byte {
	a.t.Helper()
	text, err := os.ReadFile(a.file(name))
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

func TestReplayCommand(t *testing.T) {
	inParallel(t)
	a := newArchive(t, 5000)
	whole := cli(t, a.env, "replay").want(t, 0)
	a.wantPositions(whole.stdout, 1, 5000)
	if whole.stderr != "" {
		t.Errorf("on no terminal it says %q", whole.stderr)
	}
	some := cli(t, a.env, "replay", "--from", "11", "--to", "4000", "--types", "MessagesRead", "--limit", "2").want(t, 0)
	if lines := strings.Split(some.stdout, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], `{"position":"30",`) {
		t.Errorf("got %s", some.stdout)
	}
	if fed := cli(t, a.env, "replay", "--exec", "wc -l").want(t, 0); strings.TrimSpace(fed.stdout) != "5000" {
		t.Errorf("the program was fed %s", fed.stdout)
	}
	if fed := cli(t, a.env, "replay", "--exec", "head -n 1").want(t, 0); strings.Count(fed.stdout, "\n") != 1 {
		t.Errorf("a program that has enough: %s", fed.stdout)
	}
	cli(t, a.env, "replay", "--exec", "exit 3").want(t, 1).oneLine(t, "exit status 3")
	for _, wrong := range [][]string{
		{"--from", "x"},
		{"--types", "Nothing"},
		{"--speed", "fast"},
		{"--speed", "0"},
		{"--resume"},
		{"--output", "x", "--exec", "y"},
		{"--format", "parquet", "--resume", "--output", "x"},
		{"--format", "parquet", "--speed", "1"},
		{"--follow", "--format", "parquet"},
		{"more"},
	} {
		cli(t, a.env, append([]string{"replay"}, wrong...)...).want(t, 2).oneLine(t)
	}
	cli(t, nil, "replay").want(t, 2).oneLine(t, "DATABASE_URL")
	cli(t, a.env, "replay", "--output", a.file("no/such/folder")).want(t, 1).oneLine(t, "folder")
}

func (a *archive) wantPositions(lines string, first, last int) {
	a.t.Helper()
	next := first
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, `{"position":"`+strconv.Itoa(next)+`",`) || !json.Valid([]byte(line)) {
			a.t.Fatalf("instead of position %d: %s", next, line)
		}
		next++
	}
	if next != last+1 {
		a.t.Errorf("the last position is %d, want %d", next-1, last)
	}
}

// A file that was cut off anywhere becomes what it would have been.
func TestReplayIsResumed(t *testing.T) {
	inParallel(t)
	a := newArchive(t, 4000)
	for _, format := range []string{"ndjson", "sse"} {
		args := []string{"replay", "--format", format, "--categories", "messages", "--limit", "3000", "--output"}
		cli(t, a.env, append(args, a.file("whole"))...).want(t, 0)
		whole := a.read("whole")
		for _, at := range []int{0, 1, len(whole) - 1, len(whole), rand.IntN(len(whole)), rand.IntN(len(whole))} {
			if err := os.WriteFile(a.file("part"), whole[:at], 0o600); err != nil {
				t.Fatal(err)
			}
			cli(t, a.env, append(args, a.file("part"), "--resume")...).want(t, 0)
			if !bytes.Equal(whole, a.read("part")) {
				t.Errorf("%s cut off at byte %d of %d became %d bytes", format, at, len(whole), len(a.read("part")))
			}
		}
	}
	if err := os.WriteFile(a.file("other"), []byte("a diary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, a.env, "replay", "--output", a.file("other"), "--resume").want(t, 1).oneLine(t, "no replay")
}

// A replay that is killed while it writes is resumed as well; --speed makes it last.
func TestKilledReplayIsResumed(t *testing.T) {
	inParallel(t)
	a := newArchive(t, 3000) // three seconds, as it happened
	cli(t, a.env, "replay", "--output", a.file("whole")).want(t, 0)
	killed := a.start("--output", a.file("part"), "--speed", "0.2")
	until(t, func() bool {
		part, err := os.Stat(a.file("part"))
		return err == nil && part.Size() > 0
	})
	killed.signal(syscall.SIGKILL)
	if n := len(a.read("part")); n >= len(a.read("whole")) {
		t.Errorf("it had written %d bytes", n)
	}
	cli(t, a.env, "replay", "--output", a.file("part"), "--resume").want(t, 0)
	if !bytes.Equal(a.read("whole"), a.read("part")) {
		t.Error("other bytes")
	}
	// Ctrl-C ends one that is not done with 1.
	slow := a.start("--speed", "0.001")
	slow.lines(1)
	if code := slow.signal(syscall.SIGINT); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestReplayFollows(t *testing.T) {
	inParallel(t)
	a := newArchive(t, 100)
	following := a.start("--follow")
	got := following.lines(100)
	a.add(50)
	a.add(1)
	a.wantPositions(got+following.lines(51), 1, 151)
	if code := following.signal(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// replaying is a `parley replay` under way.
type replaying struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Reader
	done bool
}

func (a *archive) start(args ...string) *replaying {
	a.t.Helper()
	cmd := exec.Command(parley(a.t), append([]string{"replay"}, args...)...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr, cmd.Stderr = environment(a.env), a.dir, ownProcess(), os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	r := &replaying{t: a.t, cmd: cmd, out: bufio.NewReader(out)}
	a.t.Cleanup(func() {
		if !r.done {
			r.signal(syscall.SIGKILL)
		}
	})
	return r
}

// lines reads so many.
func (r *replaying) lines(n int) string {
	r.t.Helper()
	var text strings.Builder
	for range n {
		line, err := r.out.ReadString('\n')
		if err != nil {
			r.t.Fatalf("after %q: %v", text.String(), err)
		}
		text.WriteString(line)
	}
	return text.String()
}

// signal ends it, and returns the exit code.
func (r *replaying) signal(sig syscall.Signal) int {
	r.t.Helper()
	r.done = true
	if err := r.cmd.Process.Signal(sig); err != nil {
		r.t.Error(err)
	}
	_, _ = io.Copy(io.Discard, r.out)
	_ = r.cmd.Wait() // the code says how it ended
	return r.cmd.ProcessState.ExitCode()
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(settle)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("it never came to hold")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// DuckDB, which has its own Parquet and JSON readers, finds in the exports what Postgres finds in the log.
func TestDuckDBReadsExports(t *testing.T) {
	inParallel(t)
	install(t, "duckdb")
	a := newArchive(t, 20_000)
	cli(t, a.env, "replay", "--format", "parquet", "--output", a.file("log.parquet")).want(t, 0)
	cli(t, a.env, "replay", "--output", a.file("log.ndjson")).want(t, 0)

	var want [][]any
	rows, err := a.conn.Query(t.Context(), `
SELECT type, count(*)::text, sum(position)::text, sum(version)::text, count(DISTINCT id)::text, count(DISTINCT stream)::text,
       sum(length(data->>'content'))::text, (max(extract(epoch FROM recorded_at)) * 1000)::bigint::text
FROM log.events GROUP BY type ORDER BY type`)
	if err != nil {
		t.Fatal(err)
	}
	if want, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() }); err != nil {
		t.Fatal(err)
	}
	const columns = `type, count(*)::varchar, sum(position::bigint)::varchar, sum(version)::varchar, count(DISTINCT id)::varchar,
count(DISTINCT stream)::varchar, sum(length(data->>'$.content'))::varchar, max(epoch_ms(recordedAt::timestamptz))::varchar`
	const grouped = " GROUP BY type ORDER BY type"
	cmd := exec.CommandContext(t.Context(), "node", "ask.mjs",
		"SELECT "+columns+" FROM '"+a.file("log.parquet")+"'"+grouped,
		"SELECT "+columns+" FROM read_ndjson('"+a.file("log.ndjson")+"', columns = {position: 'VARCHAR', id: 'UUID', stream: 'VARCHAR', "+
			"version: 'BIGINT', type: 'VARCHAR', data: 'JSON', recordedAt: 'VARCHAR'})"+grouped)
	cmd.Dir, cmd.Env = "duckdb", environment(nil)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	answers := slices.Collect(strings.Lines(string(output)))
	if len(answers) != 2 {
		t.Fatalf("DuckDB says %s", output)
	}
	for i, answer := range answers {
		var got [][]any
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("export %d: DuckDB finds\n%v\nPostgres\n%v", i, got, want)
		}
	}
}

// install installs the packages of a folder, once for each state of its package.json. There is no lock file: npm would ask it
// for the builds for other systems, too, which not every mirror has; the version of what is asked for fixes all others.
func install(t *testing.T, folder string) {
	t.Helper()
	wanted, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := filepath.Join(folder, "node_modules", ".installed")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, wanted) {
		return
	}
	cmd := exec.CommandContext(t.Context(), "npm", "install", "--no-package-lock", "--no-audit", "--no-fund")
	cmd.Dir = folder
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm install in %s: %v\n%s", folder, err, output)
	}
	if err := os.WriteFile(stamp, wanted, 0o600); err != nil {
		t.Fatal(err)
	}
}
