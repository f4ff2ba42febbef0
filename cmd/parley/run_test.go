package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// A node that nobody told to stop has failed, whatever its part says, and its supervisor must learn of it.
func TestANodeThatEndsByItselfHasFailed(t *testing.T) {
	late, boom := fmt.Errorf("find the head of the log: %w", context.DeadlineExceeded), errors.New("boom")
	for name, c := range map[string]struct {
		failed error
		ended  []error
		want   error
	}{
		"told to stop":            {nil, []error{context.Canceled, nil}, nil},
		"told to stop, a failure": {nil, []error{context.Canceled, boom}, boom},
		"a part has failed":       {boom, []error{boom, context.Canceled}, boom},
		"a part was not answered": {late, []error{late, context.Canceled}, late},
	} {
		if got := outcome(c.failed, c.ended...); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
