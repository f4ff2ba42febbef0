package projectiontest

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/projections"
)

// Explained is a DB that records the plan of every statement sent through it, and what it
// did: the plan that serves any parameters, so that it is not good by luck.
type Explained struct {
	tb    testing.TB
	pool  *pgxpool.Pool
	plans []string
}

// Explain makes one.
func Explain(tb testing.TB, pool *pgxpool.Pool) *Explained { return &Explained{tb: tb, pool: pool} }

var _ projections.DB = (*Explained)(nil)

// Query records the plan and runs the statement.
func (e *Explained) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	e.tb.Helper()
	err := pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) "+sql, args...)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		e.plans = append(e.plans, strings.Join(lines, "\n"))
		return err
	})
	if err != nil {
		e.tb.Fatalf("explain: %v", err)
	}
	return e.pool.Query(ctx, sql, args...)
}

// AssertNoWaste checks that no statement so far read more than so many rows that it did not show.
func (e *Explained) AssertNoWaste(most int) {
	e.tb.Helper()
	for _, plan := range e.plans {
		for _, found := range regexp.MustCompile(`Rows Removed by .*?: (\d+)`).FindAllStringSubmatch(plan, -1) {
			if n, err := strconv.Atoi(found[1]); err != nil || n > most {
				e.tb.Errorf("%s rows are read in vain:\n%s", found[1], plan)
			}
		}
	}
}

// AssertNoScan checks that no statement so far reads a whole table or sorts one.
func (e *Explained) AssertNoScan(tables ...string) {
	e.tb.Helper()
	if len(e.plans) == 0 {
		e.tb.Error("no statement was explained")
	}
	for _, plan := range e.plans {
		for _, table := range tables {
			if strings.Contains(plan, "Seq Scan on "+table) {
				e.tb.Errorf("the whole table %s is read:\n%s", table, plan)
			}
		}
	}
}
