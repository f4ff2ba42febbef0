package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parley/api/auth"
	"parley/domain"
)

func tokenCommand() *cobra.Command {
	var (
		userID, username string
		roles            []string
		lifetime         time.Duration
	)
	cmd := &cobra.Command{
		Use:   "token --user ID",
		Short: "Make a token, for trying things out and for services",
		Long: "Signs a token with JWT_SECRET (and JWT_ISSUER, JWT_AUDIENCE when set) and prints it.\n" +
			"It does not touch the database: the user must exist, or the node must run with AUTO_PROVISION=true.",
		Example: "  curl -H \"Authorization: Bearer $(parley token --user alice)\" localhost:3001/api/v1/users/me",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings()
			if err != nil {
				return err
			}
			p, err := principal(userID, username, roles)
			if err != nil {
				return err
			}
			if lifetime <= 0 {
				return usagef("--lifetime must be positive")
			}
			issuer, err := s.issuer()
			if err != nil {
				return err
			}
			token, _, err := issuer.Issue(p, lifetime)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
			return err
		},
	}
	cmd.Flags().StringVar(&userID, "user", "", "the user's id (required)")
	cmd.Flags().StringVar(&username, "username", "", "the username claim; the default is the id")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "admin or analyst; may be repeated")
	cmd.Flags().DurationVar(&lifetime, "lifetime", time.Hour, "how long the token is valid")
	return cmd
}

func principal(userID, username string, roles []string) (domain.Principal, error) {
	if !domain.ValidID(userID) {
		return domain.Principal{}, usagef("--user must be an id: 1 to %d letters, digits and -_.:@|+=", domain.MaxIDLength)
	}
	if username == "" {
		username = userID
	}
	parsed, err := parseRoles(roles)
	return domain.Principal{UserID: userID, Username: username, Roles: parsed}, err
}

func parseRoles(names []string) ([]domain.Role, error) {
	roles := make([]domain.Role, len(names))
	for i, name := range names {
		roles[i] = domain.Role(name)
		if roles[i] != domain.RoleAdmin && roles[i] != domain.RoleAnalyst {
			return nil, usagef("--role must be admin or analyst, not %q", name)
		}
	}
	return roles, nil
}

// issuer makes tokens that a node with these settings accepts.
func (s *settings) issuer() (*auth.Issuer, error) {
	switch {
	case s.JWTSecret == "":
		return nil, usagef("JWT_SECRET is required")
	case len(s.JWTSecret) < minSecretBytes:
		return nil, usagef("JWT_SECRET must have at least %d bytes", minSecretBytes)
	}
	return auth.NewIssuer([]byte(s.JWTSecret), auth.IssuerConfig{
		Issuer: s.JWTIssuer, Audience: s.JWTAudience, Lifetime: s.AccessTokenTTL,
	})
}
