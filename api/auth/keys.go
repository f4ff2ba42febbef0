package auth

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"parley/domain"
)

// MinSecretLength is the shortest HS256 secret that is taken, in bytes: as long as the
// hash, as RFC 7518 section 3.2 asks.
const MinSecretLength = 32

// Keys finds the key for a token. It also pins the algorithms: a token that names another
// one is refused before Key is asked.
type Keys interface {
	// Methods are the values of the header alg that are taken.
	Methods() []string
	// Key is the key for a token whose header names this alg (one of Methods) and kid ("" if
	// none). Both come from an unverified token. An error of code UNAVAILABLE means that
	// the key could not be fetched; any other refuses the token.
	Key(ctx context.Context, alg, kid string) (any, error)
}

// HS256 verifies with one shared secret, whatever the kid says.
func HS256(secret []byte) (Keys, error) {
	if len(secret) < MinSecretLength {
		return nil, fmt.Errorf("secret of %d bytes is too short for HS256: at least %d", len(secret), MinSecretLength)
	}
	return secretKey(secret), nil
}

type secretKey []byte

func (secretKey) Methods() []string { return []string{jwt.SigningMethodHS256.Alg()} }

func (k secretKey) Key(_ context.Context, alg, _ string) (any, error) {
	if alg != jwt.SigningMethodHS256.Alg() {
		return nil, domain.Errorf(domain.CodeUnauthenticated, "invalid token")
	}
	return []byte(k), nil
}

// Either takes the keys of several sets. The algorithm alone tells which of them verifies a token, so
// no two sets may take the same.
func Either(sets ...Keys) (Keys, error) {
	all := eitherKeys{}
	for _, keys := range sets {
		for _, alg := range keys.Methods() {
			if all[alg] != nil {
				return nil, fmt.Errorf("two sets of keys for %s", alg)
			}
			all[alg] = keys
		}
	}
	return all, nil
}

type eitherKeys map[string]Keys

func (e eitherKeys) Methods() []string { return slices.Sorted(maps.Keys(e)) }

func (e eitherKeys) Key(ctx context.Context, alg, kid string) (any, error) {
	keys := e[alg]
	if keys == nil {
		return nil, errNoKey
	}
	return keys.Key(ctx, alg, kid)
}
