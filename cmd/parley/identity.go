package main

import (
	"errors"
	"fmt"

	"parley/api"
	"parley/api/auth"
)

// jwksConfig says where the keys of the identity provider are.
func (s *settings) jwksConfig() auth.JWKSConfig {
	return auth.JWKSConfig{URL: s.JWKSURL, AllowHTTP: s.AllowInsecureJWKS}
}

// checkIdentity checks what tokens are verified with: a secret, the keys of a provider, or both.
func (s *settings) checkIdentity() error {
	switch {
	case s.JWTSecret == "" && s.JWKSURL == "":
		return errors.New("JWT_SECRET is required (or JWKS_URL)")
	case s.JWTSecret != "" && len(s.JWTSecret) < minSecretBytes:
		return fmt.Errorf("JWT_SECRET must have at least %d bytes", minSecretBytes)
	case s.JWKSURL == "":
		return nil
	}
	if _, err := auth.NewJWKS(s.jwksConfig()); err != nil {
		return fmt.Errorf("JWKS_URL: %w (ALLOW_INSECURE_JWKS=true takes http)", err)
	}
	return nil
}

// wireAccounts makes local accounts, for which there must be a secret to sign their tokens with; logins
// that have ended are known without.
func (n *node) wireAccounts(issuer *auth.Issuer) (err error) {
	if n.sessions, err = auth.NewSessions(n.pool, auth.SessionConfig{}); err != nil || issuer == nil {
		return err
	}
	n.accounts, err = auth.NewAccounts(n.pool, n.sessions, n.users(), issuer, n.logger, auth.AccountsConfig{})
	return err
}

// wireIdentity makes what says whose a token is.
func (n *node) wireIdentity() (*auth.Authenticator, error) {
	s := n.settings
	var sets []auth.Keys
	if s.JWTSecret != "" {
		keys, err := auth.HS256([]byte(s.JWTSecret))
		if err != nil {
			return nil, err
		}
		sets = append(sets, keys)
	}
	if s.JWKSURL != "" {
		config := s.jwksConfig()
		config.Logger = n.logger
		keys, err := auth.NewJWKS(config)
		if err != nil {
			return nil, err
		}
		n.jwks = keys
		sets = append(sets, keys)
		if s.JWTIssuer == "" || s.JWTAudience == "" {
			n.logger.Warn("JWKS_URL without JWT_ISSUER and JWT_AUDIENCE takes every token of that provider, for whomever it was made")
		}
	}
	keys, err := auth.Either(sets...)
	if err != nil {
		return nil, err
	}
	verifier := auth.NewVerifier(keys, auth.VerifierConfig{Issuer: s.JWTIssuer, Audience: s.JWTAudience})
	return auth.NewAuthenticator(verifier, n.sessions, n.users(), auth.AuthenticatorConfig{AutoProvision: s.AutoProvision}), nil
}

// identityChecks are what /readyz asks of the provider.
func (n *node) identityChecks() []api.Check {
	if n.jwks == nil {
		return nil
	}
	return []api.Check{{Name: "jwks", Probe: n.jwks.Ready}}
}
