package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

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
type Verifier struct {
	keys   Keys
	parser *jwt.Parser
}

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
	return &Verifier{keys: keys, parser: jwt.NewParser(options...)}
}

// Verify checks the signature and the times of a token and reads it. Refusals are of code
// UNAUTHENTICATED; TOKEN_EXPIRED for one that was good until its time had come; UNAVAILABLE
// when the key could not be fetched.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	if token == "" {
		return Claims{}, domain.Errorf(domain.CodeUnauthenticated, "authentication required")
	}
	if err := precheck(token); err != nil {
		return Claims{}, invalidToken(err)
	}
	var body payload
	if _, err := v.parser.ParseWithClaims(token, &body, v.keyFor(ctx)); err != nil {
		return Claims{}, refusal(err)
	}
	claims, err := body.claims()
	if err != nil {
		return Claims{}, invalidToken(err)
	}
	return claims, nil
}

// precheck refuses what need not be parsed: size, shape, and a header that means something else
// than it says.
func precheck(token string) error {
	if len(token) > MaxTokenLength {
		return fmt.Errorf("token of %d bytes", len(token))
	}
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

func (v *Verifier) keyFor(ctx context.Context) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string) // of another type: none
		return v.keys.Key(ctx, t.Method.Alg(), kid)
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
