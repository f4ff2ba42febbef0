package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// fact is a line about where and with what was measured.
type fact struct{ name, value string }

func (b *bench) facts(ctx context.Context) []fact {
	return []fact{
		{"processors", fmt.Sprintf("%d, %s", runtime.NumCPU(), valueIn("/proc/cpuinfo", "model name"))},
		{"memory", valueIn("/proc/meminfo", "MemTotal")},
		{"system", firstLine("/proc/version")},
		{"Parley", output(ctx, "git", "describe", "--always", "--dirty")},
		{"Go", runtime.Version()},
		{"Postgres", b.postgresVersion(ctx)},
		{"Redis", b.redisVersion(ctx)},
		{"Node.js", output(ctx, "node", "--version")},
		{"the Node peer", nodePackages()},
	}
}

// valueIn is what a file of /proc says of a name.
func valueIn(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return runtime.GOOS
	}
	version, _, _ := strings.Cut(string(text), " (")
	return version
}

func output(ctx context.Context, program string, args ...string) string {
	out, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func (b *bench) postgresVersion(ctx context.Context) string {
	conn, err := pgx.Connect(ctx, b.admin.String())
	if err != nil {
		return "unknown"
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var version, fsync, synchronous string
	err = conn.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").
		Scan(&version, &fsync, &synchronous)
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%s, fsync %s, synchronous_commit %s", version, fsync, synchronous)
}

func (b *bench) redisVersion(ctx context.Context) string {
	options, err := redis.ParseURL(b.redisURL)
	if err != nil {
		return "a cluster"
	}
	client := redis.NewClient(options)
	defer client.Close()
	info, err := client.InfoMap(ctx, "server").Result()
	if err != nil {
		return "unknown"
	}
	return info["Server"]["redis_version"]
}

// nodePackages are the packages that the Node peer asks for, with their locked versions.
func nodePackages() string {
	text, err := os.ReadFile(filepath.Join(nodePeerDir, "package-lock.json"))
	if err != nil {
		return "unknown"
	}
	var lock struct {
		Packages map[string]struct {
			Version      string            `json:"version"`
			Dependencies map[string]string `json:"dependencies"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return "unknown"
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(lock.Packages[""].Dependencies)) {
		all = append(all, name+" "+lock.Packages["node_modules/"+name].Version)
	}
	return strings.Join(all, ", ")
}
