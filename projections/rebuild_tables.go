package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// forget removes what is left of a rebuild.
func (b *rebuilding) forget(ctx context.Context) error {
	for _, schema := range []string{b.next, b.old} {
		if _, err := b.Pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+ident(schema)+" CASCADE"); err != nil {
			return fmt.Errorf("remove schema %s: %w", schema, err)
		}
	}
	_, err := b.Pool.Exec(ctx, "DELETE FROM views.checkpoints WHERE name = $1", b.name+" rebuilt")
	return err
}

func ident(name ...string) string { return pgx.Identifier(name).Sanitize() }

// create makes empty tables like the live ones, with those indexes that the projector needs: the unique ones. The names
// are the same, so that migrations find them afterwards.
func (b *rebuilding) create(ctx context.Context) error {
	if _, err := b.Pool.Exec(ctx, "CREATE SCHEMA "+ident(b.next)); err != nil {
		return fmt.Errorf("make schema %s: %w", b.next, err)
	}
	for _, table := range b.view.Tables() {
		var options []string
		if err := b.Pool.QueryRow(ctx, "SELECT coalesce(reloptions, '{}') FROM pg_class WHERE oid = $1::text::regclass", ident(DefaultSchema, table)).Scan(&options); err != nil {
			return fmt.Errorf("read the options of table %s: %w", table, err)
		}
		sql := "CREATE TABLE " + ident(b.next, table) + " (LIKE " + ident(DefaultSchema, table) +
			" INCLUDING ALL EXCLUDING INDEXES)"
		if len(options) > 0 {
			sql += " WITH (" + strings.Join(options, ", ") + ")"
		}
		if _, err := b.Pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make table %s: %w", table, err)
		}
		if err := b.indexes(ctx, table, true); err != nil {
			return err
		}
	}
	return nil
}

// index makes the other indexes, which are built faster at the end than kept.
func (b *rebuilding) index(ctx context.Context) error {
	for _, table := range b.view.Tables() {
		if err := b.indexes(ctx, table, false); err != nil {
			return err
		}
		if _, err := b.Pool.Exec(ctx, "ANALYZE "+ident(b.next, table)); err != nil {
			return fmt.Errorf("analyze %s: %w", table, err)
		}
	}
	return nil
}

// A constraint makes its index itself.
const indexesSQL = `
SELECT coalesce('ALTER TABLE ' || $2 || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid),
  replace(pg_get_indexdef(i.indexrelid), ' ON ' || $3 || ' ', ' ON ' || $2 || ' '))
FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = $1::text::regclass AND i.indisunique = $4
ORDER BY i.indexrelid`

func (b *rebuilding) indexes(ctx context.Context, table string, unique bool) error {
	rows, err := b.Pool.Query(ctx, indexesSQL, ident(DefaultSchema, table), ident(b.next, table), DefaultSchema+"."+table, unique)
	if err != nil {
		return fmt.Errorf("read the indexes of %s: %w", table, err)
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read the indexes of %s: %w", table, err)
	}
	for _, sql := range statements {
		if !strings.Contains(sql, ident(b.next, table)) {
			return fmt.Errorf("an index of %s is not understood: %s", table, sql)
		}
		if _, err := b.Pool.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make an index of %s: %w", table, err)
		}
	}
	return nil
}

var errChanged = errors.New("the live tables have changed their columns meanwhile: start again")

// Whoever may do something with a table, or with one of its columns, may do it with the other one; then its owner is the same.
const rightsSQL = `
SELECT 'GRANT ' || privilege_type || columns || ' ON ' || $2 || ' TO ' ||
  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS sql
FROM (
  SELECT '' AS columns, a.* FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1::text::regclass AND a.grantee <> c.relowner
  UNION ALL
  SELECT ' (' || quote_ident(attname) || ')', a.* FROM pg_attribute, aclexplode(attacl) a WHERE attrelid = $1::text::regclass AND NOT attisdropped
) given
UNION ALL
SELECT 'ALTER TABLE ' || $2 || ' OWNER TO ' || quote_ident(pg_get_userbyid(relowner))
FROM pg_class WHERE oid = $1::text::regclass AND pg_get_userbyid(relowner) <> current_user
ORDER BY sql DESC` // G before A

func copyRights(ctx context.Context, tx pgx.Tx, from, to string) error {
	rows, err := tx.Query(ctx, rightsSQL, from, to)
	if err != nil {
		return fmt.Errorf("read who may use %s: %w", from, err)
	}
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read who may use %s: %w", from, err)
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("let the same use %s: %w", to, err)
		}
	}
	return nil
}

// exchange is what readers may have to wait for.
func (b *rebuilding) exchange(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "CREATE SCHEMA "+ident(b.old)); err != nil {
		return err
	}
	for _, table := range slices.Sorted(slices.Values(b.view.Tables())) {
		live, next := ident(DefaultSchema, table), ident(b.next, table)
		if _, err := tx.Exec(ctx, "ALTER TABLE "+live+" SET SCHEMA "+ident(b.old)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "ALTER TABLE "+next+" SET SCHEMA "+DefaultSchema); err != nil {
			return err
		}
		if err := copyRights(ctx, tx, ident(b.old, table), live); err != nil {
			return err
		}
		var same bool
		if err := tx.QueryRow(ctx, sameColumnsSQL, ident(b.old, table), live).Scan(&same); err != nil {
			return err
		}
		if !same {
			return errChanged
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE views.checkpoints SET position = $2, updated_at = clock_timestamp() WHERE name = $1", b.name, int64(b.at)); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

const sameColumnsSQL = `
SELECT (SELECT array_agg((attname::text, format_type(atttypid, atttypmod)) ORDER BY attname) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped)
  = (SELECT array_agg((attname::text, format_type(atttypid, atttypmod)) ORDER BY attname) FROM pg_attribute WHERE attrelid = $2::text::regclass AND attnum > 0 AND NOT attisdropped)`

// maxDifferences bounds what is shown.
const maxDifferences = 10

// compare reads both sets of tables as they were at the change.
func (b *rebuilding) compare(ctx context.Context, snapshot pgx.Tx) error {
	defer func() { _ = snapshot.Rollback(ctx) }() // it was only read
	var err error
	if b.result.New, err = b.checksum(ctx, snapshot, DefaultSchema); err != nil || !b.result.Compared {
		return err
	}
	if b.result.Old, err = b.checksum(ctx, snapshot, b.old); err != nil || b.result.Old == b.result.New {
		return err
	}
	for _, table := range b.view.Tables() {
		for _, side := range []struct{ sign, in, notIn string }{{"- ", b.old, DefaultSchema}, {"+ ", DefaultSchema, b.old}} {
			rows, err := snapshot.Query(ctx, fmt.Sprintf("SELECT t::text FROM %s t EXCEPT SELECT t::text FROM %s t LIMIT %d",
				ident(side.in, table), ident(side.notIn, table), maxDifferences))
			if err != nil {
				return fmt.Errorf("compare %s: %w", table, err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return fmt.Errorf("compare %s: %w", table, err)
			}
			for _, line := range lines {
				b.result.Differences = append(b.result.Differences, side.sign+table+" "+line)
			}
		}
	}
	return nil
}

// checksum does not depend on the order of rows.
func (b *rebuilding) checksum(ctx context.Context, tx pgx.Tx, schema string) (string, error) {
	var parts []string
	for _, table := range b.view.Tables() {
		var rows int64
		var sum string
		err := tx.QueryRow(ctx, "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM "+ident(schema, table)+" t").Scan(&rows, &sum)
		if err != nil {
			return "", fmt.Errorf("sum up %s: %w", table, err)
		}
		parts = append(parts, fmt.Sprintf("%s %d rows %s", table, rows, sum))
	}
	return strings.Join(parts, ", "), nil
}
