package auth

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"parley/domain"
)

// dbError says what was being done. What is Postgres' being away, or slow, is UNAVAILABLE;
// what Postgres refuses is a fault of ours.
func dbError(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && !passing(pgErr.Code) {
		return err
	}
	return domain.Unavailable(err)
}

// passing are the SQLSTATE classes of trouble that is not the statement's: connection, resources,
// operator intervention (57, which holds statement timeouts), serialization.
func passing(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "40", "53", "57":
		return true
	}
	return false
}

// uniqueViolation names the constraint that a row would break, "" for another error.
func uniqueViolation(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "23505" {
		return pgErr.ConstraintName
	}
	return ""
}
