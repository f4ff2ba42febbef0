package together_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/commands/together"
	"parley/domain"
)

// upper is slow, and knows no word with an x.
func upper(calls *[][]string) func(context.Context, []string) (map[string]string, error) {
	var mu sync.Mutex
	return func(ctx context.Context, keys []string) (map[string]string, error) {
		mu.Lock()
		*calls = append(*calls, keys)
		mu.Unlock()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		found := make(map[string]string)
		for _, key := range keys {
			if !strings.Contains(key, "x") {
				found[key] = strings.ToUpper(key)
			}
		}
		return found, nil
	}
}

func TestThoseWhoComeMeanwhileAreReadTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [][]string
		reads := together.New(upper(&calls), together.Config{Parallel: 1, Most: 5})
		read := func(key, want string) {
			if got, err := reads.Read(t.Context(), key); got != want || err != nil {
				t.Errorf("%s is %q, %v", key, got, err)
			}
		}
		go read("first", "FIRST")
		synctest.Wait()
		var wg sync.WaitGroup
		for range 10 { // each key is wanted by ten
			for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
				wg.Go(func() { read(key, strings.ToUpper(key)) })
			}
			wg.Go(func() { read("x", "") })
			wg.Go(func() { read("first", "FIRST") }) // not what was read before they came
		}
		wg.Wait()
		if len(calls) != 3 || len(calls[0]) != 1 || len(calls[1]) != 5 || len(calls[2]) != 3 {
			t.Errorf("read %v", calls)
		}
	})
}

func TestAReadDoesNotEndWithWhoMakesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [][]string
		reads := together.New(upper(&calls), together.Config{Parallel: 1})
		hasty, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		go func() { _, _ = reads.Read(hasty, "a") }()
		synctest.Wait()
		go func() {
			if _, err := reads.Read(hasty, "b"); domain.CodeOf(err) != domain.CodeUnavailable {
				t.Errorf("who gave up got %v", err)
			}
		}()
		if got, err := reads.Read(t.Context(), "b"); got != "B" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestAReadThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [][]string
		late := together.New(upper(&calls), together.Config{Timeout: time.Millisecond})
		if got, err := late.Read(t.Context(), "a"); got != "" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q, %v", got, err)
		}
		broken := together.New(func(context.Context, []string) (map[string]string, error) { panic("oh") }, together.Config{Parallel: 1})
		for range 3 { // the slot is given back each time
			func() {
				defer func() { _ = recover() }()
				_, err := broken.Read(t.Context(), "a")
				t.Errorf("nothing broke: %v", err)
			}()
		}
	})
}
