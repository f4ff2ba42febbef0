package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"parley/domain/event"
	"parley/eventstore/chain"
	"parley/eventstore/postgres"
)

// noted are the hashes that the log is expected to have.
type noted map[event.Position]chain.Hash

// parseNoted reads POSITION:HASH, as it is printed.
func parseNoted(list []string) (noted, error) {
	expected := noted{}
	for _, s := range list {
		before, after, _ := strings.Cut(s, ":")
		position, err := event.ParsePosition(before)
		if err != nil || position == 0 {
			return nil, usagef("--expect %q does not begin with a position", s)
		}
		hash, err := chain.Parse(after)
		if err != nil {
			return nil, usagef("--expect: %v", err)
		}
		if other, twice := expected[position]; twice && other != hash {
			return nil, usagef("--expect names two hashes of position %d", position)
		}
		expected[position] = hash
	}
	return expected, nil
}

var errChain = errors.New("the log is not what was recorded")

// proveChain prints where the log is wrong, or its head.
func proveChain(ctx context.Context, log *postgres.Store, expected noted, out, progressTo io.Writer) error {
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}
	progress := newProgress(progressTo, "verify --chain", int64(head))
	proved, err := log.ProveChain(ctx, func(at postgres.ChainHead) error {
		progress.at(int64(at.Position))
		if hash, is := expected[at.Position]; is && hash != at.Hash {
			return &postgres.ChainError{Position: at.Position, Problem: "the chain holds, but the hash that was noted is another one: the past was made anew"}
		}
		return nil
	})
	progress.end()
	if wrong, ok := errors.AsType[*postgres.ChainError](err); ok {
		fmt.Fprintln(out, wrong)
		return errChain
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d events, the chain holds\nhead %d:%s\n", proved.Position, proved.Position, proved.Hash)
	for position := range expected {
		if position > proved.Position {
			fmt.Fprintf(out, "position %d: the event is missing: it was noted, and the log ends before it\n", position)
			return errChain
		}
	}
	return nil
}
