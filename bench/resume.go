package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const replayKills = 5

// replayKilled plays the whole log into a file by `parley replay`, killing it again and again at some moment, and compares the
// file with that of a replay that nobody disturbed.
func (b *bench) replayKilled(ctx context.Context, dsn string) (row, error) {
	dir, err := os.MkdirTemp("", "parley-bench-*")
	if err != nil {
		return row{}, err
	}
	defer os.RemoveAll(dir)
	whole, broken := filepath.Join(dir, "whole"), filepath.Join(dir, "broken")
	began := time.Now()
	if err := b.replayCommand(ctx, dsn, whole).Run(); err != nil {
		return row{}, fmt.Errorf("parley replay: %w", err)
	}
	usual := time.Since(began)
	kills := 0
	for range replayKills {
		alive, kill := context.WithTimeout(ctx, time.Duration((0.05+0.25*rand.Float64())*float64(usual))) //nolint:gosec // any moment will do
		err := b.replayCommand(alive, dsn, broken, "--resume").Run()
		if err != nil && alive.Err() != nil {
			kills++
		}
		kill()
		if exited := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exited) {
			return row{}, fmt.Errorf("parley replay: %w", err)
		}
	}
	if err := b.replayCommand(ctx, dsn, broken, "--resume").Run(); err != nil {
		return row{}, fmt.Errorf("parley replay --resume: %w", err)
	}
	want, size, err := digest(whole)
	if err != nil {
		return row{}, err
	}
	got, _, err := digest(broken)
	if err != nil {
		return row{}, err
	}
	return row{
		fmt.Sprintf("`parley replay` of %d events into a file, killed %d times and resumed", b.events, kills),
		fmt.Sprintf("SHA-256 %s, undisturbed %s, %d MB", got[:12], want[:12], size>>20), "the same bytes", got == want && kills > 0,
	}, nil
}

func (b *bench) replayCommand(ctx context.Context, dsn, output string, flags ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.binary, append([]string{"replay", "--output", output}, flags...)...) //nolint:gosec // the program that is measured; ended by SIGKILL
	cmd.Env = append(os.Environ(), "DATABASE_URL="+dsn)
	return cmd
}

func digest(path string) (sum string, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), size, err
}
