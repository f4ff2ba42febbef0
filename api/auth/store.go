package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/domain"
)

// accountStore is the table auth.accounts.
type accountStore struct{ pool *pgxpool.Pool }

// The columns that an account is looked up by.
const (
	byUserID   = "user_id"
	byUsername = "username_key"
	byEmail    = "email_key"
)

const accountColumns = `user_id, username, username_key, coalesce(email, ''), coalesce(email_key, ''), password_hash, roles, created_at,
  registered_at IS NOT NULL`

func scanAccount(row pgx.CollectableRow) (account, error) {
	var (
		a     account
		roles []string
	)
	err := row.Scan(&a.userID, &a.username, &a.usernameKey, &a.email, &a.emailKey, &a.passwordHash, &roles, &a.createdAt, &a.registered)
	for _, role := range roles {
		a.roles = append(a.roles, domain.Role(role))
	}
	return a, err
}

// by looks an account up; the zero account if there is none.
func (s accountStore) by(ctx context.Context, column, value string) (account, error) {
	if strings.ContainsRune(value, 0) { // Postgres holds no such text
		return account{}, nil
	}
	rows, err := s.pool.Query(ctx, "SELECT "+accountColumns+" FROM auth.accounts WHERE "+column+" = $1", value)
	if err != nil {
		return account{}, dbError("look up an account", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAccount)
	if errors.Is(err, pgx.ErrNoRows) {
		return account{}, nil
	}
	return a, dbError("look up an account", err)
}

func (s accountStore) byUsername(ctx context.Context, key string) (account, error) {
	return s.by(ctx, byUsername, key)
}

// byID fails with INVALID_USER when there is no account.
func (s accountStore) byID(ctx context.Context, userID string) (account, error) {
	a, err := s.by(ctx, byUserID, userID)
	if err == nil && a.userID == "" {
		err = domain.Errorf(domain.CodeInvalidUser, "no such account")
	}
	return a, err
}

func (s accountStore) insert(ctx context.Context, a account) error {
	_, err := s.pool.Exec(ctx, `
INSERT INTO auth.accounts (user_id, username, username_key, email, email_key, password_hash, roles)
VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''), $6, $7)`,
		a.userID, a.username, a.usernameKey, a.email, a.emailKey, a.passwordHash, roleNames(a.roles))
	switch uniqueViolation(err) {
	case "accounts_username":
		return errTaken("username")
	case "accounts_email":
		return errTaken("e-mail address")
	}
	return dbError("insert an account", err)
}

func errTaken(what string) error {
	return domain.Errorf(domain.CodeConflict, "this %s is taken", what)
}

func (s accountStore) markRegistered(ctx context.Context, userID string) error {
	_, err := s.pool.Exec(ctx, `UPDATE auth.accounts SET registered_at = now() WHERE user_id = $1 AND registered_at IS NULL`, userID)
	return dbError("mark an account registered", err)
}

func (s accountStore) setHash(ctx context.Context, userID, hash string) error {
	return s.update(ctx, `UPDATE auth.accounts SET password_hash = $2 WHERE user_id = $1`, userID, hash)
}

// renewHash replaces a hash, unless another has taken its place: false.
func (s accountStore) renewHash(ctx context.Context, userID, old, renewed string) (bool, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE auth.accounts SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2`, userID, old, renewed)
	return err == nil && tag.RowsAffected() == 1, dbError("renew a password hash", err)
}

func (s accountStore) setRoles(ctx context.Context, userID string, roles []domain.Role) error {
	return s.update(ctx, `UPDATE auth.accounts SET roles = $2 WHERE user_id = $1`, userID, roleNames(roles))
}

func (s accountStore) update(ctx context.Context, statement, userID string, value any) error {
	tag, err := s.pool.Exec(ctx, statement, userID, value)
	if err == nil && tag.RowsAffected() == 0 {
		return domain.Errorf(domain.CodeInvalidUser, "no such account")
	}
	return dbError("update an account", err)
}

func (s accountStore) list(ctx context.Context, afterKey string, limit int) ([]account, error) {
	rows, err := s.pool.Query(ctx, fmt.Sprintf(
		`SELECT %s FROM auth.accounts WHERE username_key > $1 ORDER BY username_key LIMIT $2`, accountColumns), afterKey, limit)
	if err != nil {
		return nil, dbError("list accounts", err)
	}
	list, err := pgx.CollectRows(rows, scanAccount)
	return list, dbError("list accounts", err)
}

func roleNames(roles []domain.Role) []string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return names
}
