package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"
)

func token(user string) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "username": user, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(benchSecret))
}

// reads asks for the same from so many kept connections, each waiting for its answer before it asks again:
// requests/s. The client does next to nothing, as pgbench does, since it runs on the same cores.
func (s *server) reads(ctx context.Context, path, token string, conns int, d time.Duration) (float64, error) {
	request := fmt.Appendf(nil, "GET /api/v1%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUser-Agent: bench\r\n\r\n", path, s.addr, token)
	opened := make(chan *bufio.ReadWriter, conns)
	for range conns {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", s.addr)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		rw := bufio.NewReadWriter(bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn))
		if err := ask(rw, request); err != nil { // the first one warms up
			return 0, err
		}
		opened <- rw
	}
	return timedWith(ctx, conns, d, func() func(context.Context) (int, error) {
		rw := <-opened
		return func(context.Context) (int, error) { return 1, ask(rw, request) }
	})
}

// ask sends a request and reads the answer, which must be a good one.
func ask(rw *bufio.ReadWriter, request []byte) error {
	if _, err := rw.Write(request); err != nil {
		return err
	}
	if err := rw.Flush(); err != nil {
		return err
	}
	line, err := rw.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("%w: %s", errRefused, bytes.TrimSpace(line))
	}
	length := -1
	chunked := false
	for {
		if line, err = rw.ReadSlice('\n'); err != nil {
			return err
		}
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch {
		case len(name) == 0 && chunked:
			return skipChunks(rw)
		case len(name) == 0:
			_, err = rw.Discard(length)
			return err
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
}

func skipChunks(rw *bufio.ReadWriter) error {
	for {
		line, err := rw.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil {
			return err
		}
		if _, err := rw.Discard(int(size) + len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

// pgbench runs a statement from so many connections, prepared: transactions/s.
func pgbench(ctx context.Context, dsn string, s statement, conns int, d time.Duration) (float64, error) {
	program, err := pgbenchPath()
	if err != nil {
		return 0, err
	}
	script, err := os.CreateTemp("", "parley-bench-*.sql")
	if err != nil {
		return 0, err
	}
	defer os.Remove(script.Name())
	args := []string{
		"--no-vacuum", "--protocol=prepared", "--client", strconv.Itoa(conns), "--jobs", "2",
		"--time", strconv.Itoa(max(1, int(d.Round(time.Second).Seconds()))), "--file", script.Name(),
	}
	sql := s.sql
	for i := len(s.args); i > 0; i-- { // $12 before $1
		name, value := fmt.Sprint("p", i), fmt.Sprint(s.args[i-1])
		if value == "" { // which no variable may be
			sql = strings.ReplaceAll(sql, "$"+strconv.Itoa(i), "''")
			continue
		}
		sql = strings.ReplaceAll(sql, "$"+strconv.Itoa(i), ":"+name)
		args = append(args, "--define="+name+"="+value)
	}
	if _, err := script.WriteString(strings.Join(strings.Fields(sql), " ") + ";\n"); err != nil {
		return 0, err
	}
	if err := script.Close(); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	if cmd.Env, err = postgresEnv(dsn); err != nil {
		return 0, err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w: %s", err, out)
	}
	match := regexp.MustCompile(`(?m)^tps = ([0-9.]+)`).FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("pgbench said: %s", out)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}

// pgbenchPath is where Debian's packages, too, put the program.
func pgbenchPath() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err == nil && len(found) == 0 {
		err = exec.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("pgbench: %w", err)
	}
	return found[len(found)-1], nil
}

// postgresEnv tells libpq where the database is, without showing the password in the list of processes.
func postgresEnv(dsn string) ([]string, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(), "PGHOST="+config.Host, "PGPORT="+strconv.Itoa(int(config.Port)), "PGUSER="+config.User,
		"PGPASSWORD="+config.Password, "PGDATABASE="+config.Database)
	if mode := u.Query().Get("sslmode"); mode != "" {
		env = append(env, "PGSSLMODE="+mode)
	}
	return env, nil
}
