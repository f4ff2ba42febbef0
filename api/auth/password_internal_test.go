package auth

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"parley/domain"
)

func TestHasherBoundsItsQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(HasherConfig{MemoryKiB: 64, Passes: 1, Parallel: 1, Queue: 2, MaxWait: time.Hour})
		h.slots <- struct{}{} // somebody is at it
		answers := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := h.Hash(t.Context(), "correct horse")
				answers <- err
			}()
		}
		synctest.Wait()
		if _, err := h.Hash(t.Context(), "correct horse"); domain.CodeOf(err) != domain.CodeUnavailable {
			t.Errorf("one too many: %v", err)
		}
		<-h.slots
		for range 2 {
			if err := <-answers; err != nil {
				t.Errorf("who waited: %v", err)
			}
		}
	})
}

func TestHasherDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(HasherConfig{MemoryKiB: 64, Passes: 1, Parallel: 1})
		h.slots <- struct{}{}
		start := time.Now()
		if _, err := h.Check(t.Context(), "", "correct horse"); domain.CodeOf(err) != domain.CodeUnavailable {
			t.Errorf("nobody made room: %v", err)
		}
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("waited %s", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Check(ctx, "", "correct horse"); domain.CodeOf(err) != domain.CodeUnavailable {
			t.Errorf("nobody wants it any more: %v", err)
		}
	})
}
