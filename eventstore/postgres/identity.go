package postgres

import (
	"context"
	"fmt"
)

// sqlIdentity is unique for each database of each cluster: a restored dump, a copy from a
// template and a dropped database that was made again are other logs, a promoted replica is the same.
const sqlIdentity = `
SELECT system_identifier::text || '-' || (SELECT oid::text FROM pg_database WHERE datname = current_database())
FROM pg_control_system()`

// Identity names the log. What leaves the database for a place that other logs may share, such as
// a stream in Redis, is filed under it, so that no node takes another log's events for its own. The
// error is of code UNAVAILABLE.
func (s *Store) Identity(ctx context.Context) (identity string, err error) {
	err = s.read(ctx, "identify the log", func(ctx context.Context) error {
		if err := s.pool.QueryRow(ctx, sqlIdentity).Scan(&identity); err != nil {
			return fmt.Errorf("ask for the system identifier: %w", err)
		}
		return nil
	})
	return identity, err
}
