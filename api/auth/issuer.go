package auth

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"parley/domain"
)

// IssuerConfig says what goes into a token.
type IssuerConfig struct {
	// Issuer and Audience are iss and aud. Zero means none.
	Issuer, Audience string
	// Lifetime is how long an access token lives. Zero means 15 min.
	Lifetime time.Duration
	// Now is the clock. Zero means time.Now.
	Now func() time.Time
}

func (c IssuerConfig) withDefaults() IssuerConfig {
	if c.Lifetime == 0 {
		c.Lifetime = 15 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Issuer makes access tokens (HS256). It is safe for concurrent use.
type Issuer struct {
	secret []byte
	cfg    IssuerConfig
}

// NewIssuer signs with the secret that HS256 verifies with.
func NewIssuer(secret []byte, cfg IssuerConfig) (*Issuer, error) {
	if _, err := HS256(secret); err != nil {
		return nil, err
	}
	return &Issuer{secret: secret, cfg: cfg.withDefaults()}, nil
}

// Issue makes a token for the principal and says when it ends. The token has a random id (jti) and
// carries the principal's session (sid) when it has one. lifetime 0 means that of the
// configuration; the principal's own ExpiresAt is not looked at.
func (i *Issuer) Issue(p domain.Principal, lifetime time.Duration) (token string, expiresAt time.Time, err error) {
	if !domain.ValidID(p.UserID) {
		return "", time.Time{}, domain.Invalid("userId", "must be an id")
	}
	if lifetime == 0 {
		lifetime = i.cfg.Lifetime
	}
	now := i.cfg.Now().Truncate(time.Second)
	expiresAt = now.Add(lifetime)
	claims := jwt.MapClaims{
		"sub": p.UserID, "jti": uuid.NewString(), "iat": now.Unix(), "exp": expiresAt.Unix(),
	}
	optional(claims, "username", p.Username)
	optional(claims, "sid", p.SessionID)
	optional(claims, "iss", i.cfg.Issuer)
	optional(claims, "aud", i.cfg.Audience)
	if len(p.Roles) > 0 {
		claims["roles"] = p.Roles
	}
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(i.secret)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a token: %w", err)
	}
	return token, expiresAt, nil
}

func optional(claims jwt.MapClaims, name, value string) {
	if value != "" {
		claims[name] = value
	}
}
