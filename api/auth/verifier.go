package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"parley/domain"
)

// MaxTokenLength bounds a token, in bytes. It is looked at before anything else.
const MaxTokenLength = 8 << 10

// VerifierConfig says which tokens are taken.
type VerifierConfig struct {
	// Issuer is what iss must be. Zero means any.
	Issuer string
	// Audience is what aud must be or hold. Zero means any.
	Audience string
	// Leeway is how far clocks may differ. Zero means 30 s.
	Leeway time.Duration
	// Now is the clock. Zero means time.Now.
	Now func() time.Time
}

func (c VerifierConfig) withDefaults() VerifierConfig {
	if c.Leeway == 0 {
		c.Leeway = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Verifier checks tokens. It is safe for concurrent use.
//
// It remembers good ones for a moment, by their digests, since a client asks for many things at once. What can
// change is looked at each time: the time, and whether the key is still the one that it was.
type Verifier struct {
	keys   Keys
	parser *jwt.Parser
	cfg    VerifierConfig
	good   *lru.Cache[[sha256.Size]byte, verified]
}

// verified is a token that was found to be good.
type verified struct {
	claims   Claims
	at       time.Time
	alg, kid string
	key      any
}

const (
	rememberedTokens = 4096
	rememberToken    = 5 * time.Second
)

// NewVerifier takes tokens that these keys verify.
func NewVerifier(keys Keys, cfg VerifierConfig) *Verifier {
	cfg = cfg.withDefaults()
	options := []jwt.ParserOption{
		jwt.WithValidMethods(keys.Methods()), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(cfg.Leeway), jwt.WithTimeFunc(cfg.Now), jwt.WithStrictDecoding(),
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	if cfg.Audience != "" {
		options = append(options, jwt.WithAudience(cfg.Audience))
	}
	good, err := lru.New[[sha256.Size]byte, verified](rememberedTokens)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &Verifier{keys: keys, parser: jwt.NewParser(options...), cfg: cfg, good: good}
}

// Verify checks the signature and the times of a token and reads it. Refusals are of code
// UNAUTHENTICATED; TOKEN_EXPIRED for one that was good until its time had come; UNAVAILABLE
// when the key could not be fetched.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	if token == "" {
		return Claims{}, domain.Errorf(domain.CodeUnauthenticated, "authentication required")
	}
	if len(token) > MaxTokenLength {
		return Claims{}, invalidToken(fmt.Errorf("token of %d bytes", len(token)))
	}
	digest, now := sha256.Sum256([]byte(token)), v.cfg.Now()
	if before, ok := v.good.Get(digest); ok && v.stillGood(ctx, before, now) {
		return before.claims, nil
	}
	found := verified{at: now}
	if err := v.verify(ctx, token, &found); err != nil {
		return Claims{}, err
	}
	v.good.Add(digest, found)
	return found.claims, nil
}

// stillGood reports whether what was found at another time holds now.
func (v *Verifier) stillGood(ctx context.Context, t verified, now time.Time) bool {
	if now.Before(t.at) || now.Sub(t.at) >= rememberToken || !now.Before(t.claims.ExpiresAt) {
		return false
	}
	key, err := v.keys.Key(ctx, t.alg, t.kid)
	return err == nil && sameKey(key, t.key)
}

func sameKey(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case interface{ Equal(x crypto.PublicKey) bool }:
		return a.Equal(b)
	default:
		return false
	}
}

func (v *Verifier) verify(ctx context.Context, token string, found *verified) (err error) {
	if err := precheck(token); err != nil {
		return invalidToken(err)
	}
	var body payload
	if _, err := v.parser.ParseWithClaims(token, &body, v.keyFor(ctx, found)); err != nil {
		return refusal(err)
	}
	if found.claims, err = body.claims(); err != nil {
		return invalidToken(err)
	}
	return nil
}

// precheck refuses what need not be parsed: shape, and a header that means something else
// than it says.
func precheck(token string) error {
	if strings.ContainsAny(token, "\r\n") {
		return errors.New("line break") // which the base64 decoder would skip
	}
	header, rest, ok := strings.Cut(token, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return errors.New("not three segments")
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(header)
	if err != nil {
		return fmt.Errorf("decode header: %w", err)
	}
	return checkHeader(decoded)
}

func (v *Verifier) keyFor(ctx context.Context, found *verified) jwt.Keyfunc {
	return func(t *jwt.Token) (key any, err error) {
		found.alg = t.Method.Alg()
		found.kid, _ = t.Header["kid"].(string) // of another type: none
		found.key, err = v.keys.Key(ctx, found.alg, found.kid)
		return found.key, err
	}
}

func refusal(err error) error {
	if domain.CodeOf(err) == domain.CodeUnavailable {
		return err
	}
	if errors.Is(err, jwt.ErrTokenExpired) && onlyExpired(err) {
		return &domain.Error{Code: domain.CodeTokenExpired, Message: "the token has expired", Cause: err}
	}
	return invalidToken(err)
}

// onlyExpired tells a good token that is too old from one that is wrong in another way too.
func onlyExpired(err error) bool {
	for _, other := range []error{
		jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenNotValidYet,
		jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenRequiredClaimMissing, jwt.ErrInvalidType,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

func invalidToken(cause error) error {
	return &domain.Error{Code: domain.CodeUnauthenticated, Message: "invalid token", Cause: cause}
}
