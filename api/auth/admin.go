package auth

import (
	"context"

	"parley/domain"
	"parley/domain/wire"
)

// Account is an account as an administrator sees it.
type Account struct {
	UserID    string        `json:"userId"`
	Username  string        `json:"username"`
	Email     string        `json:"email,omitempty"`
	Roles     []domain.Role `json:"roles"`
	CreatedAt wire.Time     `json:"createdAt"`
}

func (a account) public() Account {
	roles := a.roles
	if roles == nil {
		roles = []domain.Role{}
	}
	return Account{UserID: a.userID, Username: a.username, Email: a.email, Roles: roles, CreatedAt: wire.Time(a.createdAt)}
}

// MaxAccounts bounds one page of ListAccounts.
const MaxAccounts = 1000

// CreateAccount makes an account, with roles, without logging it in: how the first administrator
// comes into being. INVALID_PAYLOAD, CONFLICT, UNAVAILABLE as Register.
func (a *Accounts) CreateAccount(ctx context.Context, r Registration) (Account, error) {
	if err := checkRoles(r.Roles); err != nil {
		return Account{}, err
	}
	acc, _, err := a.create(ctx, r)
	if err != nil {
		return Account{}, err
	}
	acc, err = a.store.byID(ctx, acc.userID) // as it is stored
	return acc.public(), err
}

// SetPassword gives an account another password and logs it out everywhere. INVALID_USER when there
// is no such username.
func (a *Accounts) SetPassword(ctx context.Context, username, password string) error {
	acc, err := a.named(ctx, username)
	if err != nil {
		return err
	}
	hash, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := a.store.setHash(ctx, acc.userID, hash); err != nil {
		return err
	}
	return a.sessions.RevokeAll(ctx, acc.userID)
}

// SetRoles grants exactly these roles and logs the account out everywhere, since tokens carry the old
// ones. INVALID_USER when there is no such username.
func (a *Accounts) SetRoles(ctx context.Context, username string, roles []domain.Role) error {
	if err := checkRoles(roles); err != nil {
		return err
	}
	acc, err := a.named(ctx, username)
	if err != nil {
		return err
	}
	if err := a.store.setRoles(ctx, acc.userID, roles); err != nil {
		return err
	}
	return a.sessions.RevokeAll(ctx, acc.userID)
}

// FindAccount looks an account up by its username, in any spelling. INVALID_USER when there is none.
func (a *Accounts) FindAccount(ctx context.Context, username string) (Account, error) {
	acc, err := a.named(ctx, username)
	return acc.public(), err
}

// ListAccounts reads a page of accounts in the order of their names, those after a username ("" from
// the first). limit 0, or more than MaxAccounts, means MaxAccounts.
func (a *Accounts) ListAccounts(ctx context.Context, afterUsername string, limit int) ([]Account, error) {
	if limit <= 0 || limit > MaxAccounts {
		limit = MaxAccounts
	}
	rows, err := a.store.list(ctx, nameKey(afterUsername), limit)
	if err != nil {
		return nil, err
	}
	list := make([]Account, len(rows))
	for i, row := range rows {
		list[i] = row.public()
	}
	return list, nil
}

// Logout is RevokeAll of the account's sessions.
func (a *Accounts) Logout(ctx context.Context, username string) error {
	acc, err := a.named(ctx, username)
	if err != nil {
		return err
	}
	return a.sessions.RevokeAll(ctx, acc.userID)
}

// Forget takes a user's account away and ends every login. It may be repeated, also for a user without an account.
func (s *Sessions) Forget(ctx context.Context, userID string) error {
	if err := s.RevokeAll(ctx, userID); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, `DELETE FROM auth.accounts WHERE user_id = $1`, userID)
	return dbError("delete an account", err)
}

func (a *Accounts) named(ctx context.Context, username string) (account, error) {
	acc, err := a.store.byUsername(ctx, nameKey(username))
	if err == nil && acc.userID == "" {
		err = domain.Errorf(domain.CodeInvalidUser, "no account is named %.64q", username)
	}
	return acc, err
}

func checkRoles(roles []domain.Role) error {
	for _, role := range roles {
		if role != domain.RoleAdmin && role != domain.RoleAnalyst {
			return domain.Invalid("roles", "must be admin or analyst")
		}
	}
	return nil
}
