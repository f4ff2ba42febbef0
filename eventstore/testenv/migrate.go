package testenv

import "context"

// migrate brings a database to the newest schema.
func migrate(context.Context, string) error { return nil }
