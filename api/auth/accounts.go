package auth

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/commands"
	"parley/domain"
	"parley/domain/wire"
)

// Users is what accounts need of the write side.
type Users struct {
	// Register is Commands.RegisterUser.
	Register commands.UseCase[commands.RegisterUser, wire.User]
	// Directory knows which users exist and are active.
	Directory commands.Directory
}

// AccountsConfig holds the settings of local accounts.
type AccountsConfig struct {
	Passwords HasherConfig
	Limits    LimitConfig
	// Now is the clock of the limits. Zero means time.Now.
	Now func() time.Time
}

// Accounts keeps local accounts. It is safe for concurrent use.
type Accounts struct {
	store    accountStore
	sessions *Sessions
	users    Users
	issuer   *Issuer
	hasher   *Hasher
	attempts *attempts
	logger   *slog.Logger
}

// NewAccounts keeps accounts in the schema auth of the pool's database.
func NewAccounts(pool *pgxpool.Pool, sessions *Sessions, users Users, issuer *Issuer, logger *slog.Logger, cfg AccountsConfig) (*Accounts, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	limits, err := newAttempts(cfg.Limits, cfg.Now)
	if err != nil {
		return nil, err
	}
	return &Accounts{
		store: accountStore{pool}, sessions: sessions, users: users, issuer: issuer,
		hasher: NewHasher(cfg.Passwords), attempts: limits, logger: logger,
	}, nil
}

// Registration is what a new account is made from.
type Registration struct {
	// Username is 1 to 64 characters, and unique whatever the spelling.
	Username string
	// Email is optional, and unique.
	Email string
	// Password is MinPasswordLength to MaxPasswordLength bytes.
	Password string
	// DisplayName is optional.
	DisplayName string
	// Roles are granted by whoever creates the account, never by who registers.
	Roles []domain.Role
}

// Login is how somebody comes in: the password with either the username or the e-mail address.
type Login struct {
	Username, Email, Password string
}

// Tokens is the answer to who came in.
type Tokens struct {
	User wire.User
	// Email is "" for an account without one.
	Email string
	Roles []domain.Role

	AccessToken, RefreshToken string
	ExpiresAt                 time.Time
	// ExpiresIn is how long the access token lives.
	ExpiresIn time.Duration
}

// Register makes an account and logs it in. from is the client's address.
//
// INVALID_PAYLOAD; CONFLICT when the username or the address is taken; RATE_LIMITED;
// UNAVAILABLE: the same registration again finishes what was begun.
func (a *Accounts) Register(ctx context.Context, from netip.Addr, r Registration) (Tokens, error) {
	r.Roles = nil
	if err := a.attempts.registration(from); err != nil {
		return Tokens{}, err
	}
	acc, user, err := a.create(ctx, r)
	if err != nil {
		return Tokens{}, err
	}
	return a.open(ctx, acc, user)
}

// create stores the account, then makes its user known to the log.
func (a *Accounts) create(ctx context.Context, r Registration) (account, wire.User, error) {
	acc, err := newAccount(r)
	if err != nil {
		return account{}, wire.User{}, err
	}
	if err := checkPassword(r.Password); err != nil {
		return account{}, wire.User{}, err
	}
	if begun, err := a.begun(ctx, acc.usernameKey, r.Password); err != nil || begun.userID != "" {
		if err != nil {
			return account{}, wire.User{}, err
		}
		user, err := a.register(ctx, begun, r.DisplayName)
		return begun, user, err
	}
	if acc.passwordHash, err = a.hasher.Hash(ctx, r.Password); err != nil {
		return account{}, wire.User{}, err
	}
	acc.userID = uuid.NewString()
	if err := a.store.insert(ctx, acc); err != nil {
		return account{}, wire.User{}, err
	}
	user, err := a.register(ctx, acc, r.DisplayName)
	return acc, user, err
}

// begun finds the account that a registration left without its event. It is for who knows the
// password; anybody else finds the name taken (CONFLICT). No account: the zero value.
func (a *Accounts) begun(ctx context.Context, usernameKey, password string) (account, error) {
	acc, err := a.store.byUsername(ctx, usernameKey)
	if err != nil || acc.userID == "" {
		return account{}, err
	}
	if !acc.registered {
		same, err := a.hasher.Check(ctx, acc.passwordHash, password)
		if err != nil || same {
			return acc, err
		}
	}
	return account{}, errTaken("username")
}

// register makes sure that the log knows the account's user.
func (a *Accounts) register(ctx context.Context, acc account, displayName string) (wire.User, error) {
	actor := commands.Actor{Principal: domain.Principal{UserID: acc.userID, Username: acc.username}}
	user, err := a.users.Register.Do(ctx, actor, commands.RegisterUser{
		UserID: acc.userID, Username: acc.username, DisplayName: displayName,
	})
	if err != nil {
		return wire.User{}, err
	}
	return user, a.store.markRegistered(ctx, acc.userID)
}

// Login lets somebody in. from is the client's address.
//
// UNAUTHENTICATED, the same for an unknown name, a wrong password and a deactivated user;
// RATE_LIMITED; UNAVAILABLE.
func (a *Accounts) Login(ctx context.Context, from netip.Addr, l Login) (Tokens, error) {
	field, key, err := loginKey(l)
	if err != nil {
		return Tokens{}, err
	}
	try, err := a.attempts.login(from, field+":"+key)
	if err != nil {
		return Tokens{}, err
	}
	acc, user, err := a.admit(ctx, field, key, l.Password)
	switch domain.CodeOf(err) {
	case "":
		try.succeeded()
	case domain.CodeUnauthenticated: // charged
		return Tokens{}, err
	default:
		try.undecided()
		return Tokens{}, err
	}
	return a.open(ctx, acc, user)
}

func (a *Accounts) admit(ctx context.Context, field, key, password string) (account, wire.User, error) {
	acc, err := a.store.by(ctx, field, key)
	if err != nil {
		return account{}, wire.User{}, err
	}
	right, err := a.hasher.Check(ctx, acc.passwordHash, password)
	if err != nil {
		return account{}, wire.User{}, err
	}
	if !right {
		return account{}, wire.User{}, errWrongLogin()
	}
	user, err := a.active(ctx, acc)
	if domain.CodeOf(err) == domain.CodeInvalidUser {
		return account{}, wire.User{}, errWrongLogin()
	}
	if err != nil || !a.hasher.Outdated(acc.passwordHash) {
		return acc, user, err
	}
	renewed, err := a.renewHash(ctx, acc, password)
	switch {
	case err != nil: // the login goes on with the old one
		a.logger.WarnContext(ctx, "password hash not renewed", "user_id", acc.userID, "error", err)
	case renewed == "": // somebody was faster: with the same password, or with another one
		return a.admit(ctx, field, key, password)
	default:
		acc.passwordHash = renewed
	}
	return acc, user, nil
}

func errWrongLogin() error {
	return domain.Errorf(domain.CodeUnauthenticated, "wrong name or password")
}

// active is the account's user; INVALID_USER if it was deactivated. A user that the log does
// not know yet is registered.
func (a *Accounts) active(ctx context.Context, acc account) (wire.User, error) {
	if !acc.registered {
		return a.register(ctx, acc, "")
	}
	user, err := a.users.Directory.User(ctx, acc.userID)
	if err != nil {
		return wire.User{}, err
	}
	if !user.Active {
		return wire.User{}, errInactive()
	}
	return user, nil
}

func errInactive() error {
	return domain.Errorf(domain.CodeInvalidUser, "the user is deactivated")
}

// renewHash replaces a hash that was made at another cost, and is "" if it was replaced by others.
func (a *Accounts) renewHash(ctx context.Context, acc account, password string) (string, error) {
	hash, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return "", err
	}
	if ok, err := a.store.renewHash(ctx, acc.userID, acc.passwordHash, hash); err != nil || !ok {
		return "", err
	}
	return hash, nil
}

func (a *Accounts) open(ctx context.Context, acc account, user wire.User) (Tokens, error) {
	sessionID, refreshToken, ok, err := a.sessions.open(ctx, acc)
	if err != nil {
		return Tokens{}, err
	}
	if !ok {
		return Tokens{}, errWrongLogin()
	}
	return a.tokens(acc, user, sessionID, refreshToken)
}

func (a *Accounts) tokens(acc account, user wire.User, sessionID, refreshToken string) (Tokens, error) {
	token, expiresAt, err := a.issuer.Issue(domain.Principal{
		UserID: acc.userID, Username: acc.username, Roles: acc.roles, SessionID: sessionID,
	}, 0)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		User: user, Email: acc.email, Roles: acc.roles,
		AccessToken: token, RefreshToken: refreshToken,
		ExpiresAt: expiresAt, ExpiresIn: a.issuer.cfg.Lifetime,
	}, nil
}

// Email is the address of a user's account, "" if it has none or the user comes from elsewhere.
func (a *Accounts) Email(ctx context.Context, userID string) (string, error) {
	acc, err := a.store.by(ctx, byUserID, userID)
	return acc.email, err
}

// Refresh exchanges a refresh token for new tokens; the old one is spent.
//
// UNAUTHENTICATED for one that is unknown, revoked or spent (which revokes its login);
// TOKEN_EXPIRED; INVALID_USER for a deactivated user, UNAVAILABLE: in both cases it is not spent, unless
// the connection to Postgres broke at the very end.
func (a *Accounts) Refresh(ctx context.Context, refreshToken string) (Tokens, error) {
	h, err := a.sessions.redeemable(ctx, refreshToken)
	if err != nil {
		return Tokens{}, err
	}
	acc, err := a.store.byID(ctx, h.userID)
	if err != nil {
		return Tokens{}, err
	}
	user, err := a.active(ctx, acc)
	if err != nil {
		return Tokens{}, err
	}
	next, err := a.sessions.rotate(ctx, h, refreshToken)
	if err != nil {
		return Tokens{}, err
	}
	return a.tokens(acc, user, h.sessionID, next)
}

// Holder says whose refresh token this is, and of which login, without spending it. Errors are
// those of Refresh.
func (a *Accounts) Holder(ctx context.Context, refreshToken string) (userID, sessionID string, err error) {
	h, err := a.sessions.redeemable(ctx, refreshToken)
	return h.userID, h.sessionID, err
}
