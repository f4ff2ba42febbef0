package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"parley/domain/event"
)

// DefaultSchema is where the views live that are read. A view that is built beside
// them has a schema of its own with the same table names.
const DefaultSchema = "views"

// Projector turns events into the rows of one view. It keeps no state between calls, so
// that the tables and the checkpoint say all.
type Projector interface {
	// Name is the view's: that of its checkpoint and its lock.
	Name() string
	// Tables are those the view owns, without the schema.
	Tables() []string
	// Apply writes what a batch of consecutive events changes, in few statements whatever
	// the number of events. It is repeatable: a batch that is applied already changes
	// nothing. Events of types it does not know are skipped.
	Apply(ctx context.Context, tx pgx.Tx, batch []event.Recorded) error
}

// In is the statement for the tables of another schema: "views." becomes the schema's name.
func In(schema, sql string) string {
	if schema == "" || schema == DefaultSchema {
		return sql
	}
	return strings.ReplaceAll(sql, DefaultSchema+".", pgx.Identifier{schema}.Sanitize()+".")
}

// Table is the name of a table of a schema, "" standing for DefaultSchema.
func Table(schema, table string) pgx.Identifier {
	if schema == "" {
		schema = DefaultSchema
	}
	return pgx.Identifier{schema, table}
}

// Erased are the users whom a batch of consecutive events erases. What is said of them in the rows of a view, up to
// there and in the batch, has to go; nothing is said of them later.
func Erased(batch []event.Recorded) ([]string, error) {
	var users []string
	err := Each(batch, []string{event.CategoryUser}, func(_ event.Recorded, e event.Event) error {
		if e, ok := e.(event.UserErased); ok {
			users = append(users, e.UserID)
		}
		return nil
	})
	return users, err
}

// Unhandled says that a view was not taught what an event of its categories means to it.
func Unhandled(e event.Event) error { return fmt.Errorf("the view has no case for %T", e) }

// Each hands on the decoded events of the categories, in order. It skips types that
// this build does not know: a newer node wrote them, and a newer build of the view reads them.
// What it cannot decode is an error that names the event.
func Each(batch []event.Recorded, categories []string, handle func(event.Recorded, event.Event) error) error {
	for _, r := range batch {
		if !slices.Contains(categories, r.Stream.Category()) {
			continue
		}
		payload, err := r.Payload()
		if errors.Is(err, event.ErrUnknownType) {
			continue
		}
		if err == nil {
			err = handle(r, payload)
		}
		if err != nil {
			return fmt.Errorf("%s at position %d: %w", r.Type, r.Position, err)
		}
	}
	return nil
}
