package auth

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

const secretBytes = 32

// Secret is a key of that name that all nodes on the database share. The first that asks makes it.
func Secret(ctx context.Context, pool *pgxpool.Pool, name string) (secret []byte, err error) {
	fresh := make([]byte, secretBytes)
	_, _ = rand.Read(fresh) // never fails
	_, err = pool.Exec(ctx, `INSERT INTO auth.secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, fresh)
	if err != nil {
		return nil, fmt.Errorf("make the secret %s: %w", name, err)
	}
	err = pool.QueryRow(ctx, `SELECT value FROM auth.secrets WHERE name = $1`, name).Scan(&secret)
	if err != nil {
		return nil, fmt.Errorf("read the secret %s: %w", name, err)
	}
	return secret, nil
}
