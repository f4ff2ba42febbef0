package testenv

import (
	"context"

	"parley/migrations"
)

// migrate brings a database to the newest schema.
func migrate(ctx context.Context, dsn string) error { return migrations.Up(ctx, dsn) }
