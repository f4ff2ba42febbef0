package load

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenLifetime is longer than a run.
const tokenLifetime = 25 * time.Hour

// token is a user's.
func (o *Options) token(user string, now time.Time) (string, error) {
	claims := jwt.MapClaims{
		"userId": user, "username": user, "iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(),
	}
	if o.Issuer != "" {
		claims["iss"] = o.Issuer
	}
	if o.Audience != "" {
		claims["aud"] = o.Audience
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(o.Secret))
}
