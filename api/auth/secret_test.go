package auth_test

import (
	"bytes"
	"sync"
	"testing"

	"parley/api/auth"
	"parley/eventstore/testenv"
)

func TestNodesShareASecret(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t)
	secrets := make([][]byte, 8)
	var nodes sync.WaitGroup
	for i := range secrets {
		nodes.Go(func() {
			var err error
			if secrets[i], err = auth.Secret(t.Context(), pool, "pid"); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	for _, s := range secrets {
		if len(s) != 32 || !bytes.Equal(s, secrets[0]) {
			t.Errorf("got %x and %x", s, secrets[0])
		}
	}
	other, err := auth.Secret(t.Context(), pool, "other")
	if err != nil || bytes.Equal(other, secrets[0]) {
		t.Errorf("another secret: %x, %v", other, err)
	}
}
