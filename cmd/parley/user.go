package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/api/auth"
	"parley/commands"
	"parley/domain"
)

func userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage local accounts",
		Long: "Creates and changes local accounts directly in the database; running nodes follow within a few seconds.\n" +
			"Reads DATABASE_URL. A new password is read from standard input (--password-stdin), or made and printed.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.Help(); err != nil {
				return err
			}
			return usagef("name a subcommand")
		},
	}
	cmd.AddCommand(userCreate(), userList(), userPassword(), userRoles(), userLogout(), userActive(false), userActive(true), userErase())
	return cmd
}

func userCreate() *cobra.Command {
	var (
		email, displayName string
		roles              []string
		fromStdin          bool
	)
	cmd := &cobra.Command{
		Use: "create USERNAME", Short: "Create an account", Args: oneArg,
		Example: "  parley user create ada --role admin",
		RunE: func(cmd *cobra.Command, args []string) error {
			granted, err := parseRoles(roles)
			if err != nil {
				return err
			}
			password, made, err := newPassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				account, err := t.accounts.CreateAccount(ctx, auth.Registration{
					Username: args[0], Email: email, Password: password, DisplayName: displayName, Roles: granted,
				})
				if err != nil {
					return err
				}
				return tellPassword(cmd.OutOrStdout(), fmt.Sprintf("created %s with id %s", account.Username, account.UserID), password, made)
			})
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "e-mail address, unique")
	cmd.Flags().StringVar(&displayName, "display-name", "", "the name that others see")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "admin or analyst; may be repeated")
	passwordFlag(cmd, &fromStdin)
	return cmd
}

func userPassword() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use: "password USERNAME", Short: "Set a new password and log the user out everywhere", Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			password, made, err := newPassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				if err := t.accounts.SetPassword(ctx, args[0], password); err != nil {
					return err
				}
				return tellPassword(cmd.OutOrStdout(), "password changed", password, made)
			})
		},
	}
	passwordFlag(cmd, &fromStdin)
	return cmd
}

func userRoles() *cobra.Command {
	var roles []string
	cmd := &cobra.Command{
		Use: "roles USERNAME", Short: "Grant exactly these roles and log the user out everywhere", Args: oneArg,
		Example: "  parley user roles ada --role admin --role analyst\n  parley user roles ada          # none",
		RunE: func(cmd *cobra.Command, args []string) error {
			granted, err := parseRoles(roles)
			if err != nil {
				return err
			}
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				return t.accounts.SetRoles(ctx, args[0], granted)
			})
		},
	}
	cmd.Flags().StringSliceVar(&roles, "role", nil, "admin or analyst; may be repeated")
	return cmd
}

func userLogout() *cobra.Command {
	return &cobra.Command{
		Use: "logout USERNAME", Short: "Log the user out everywhere", Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				return t.accounts.Logout(ctx, args[0])
			})
		},
	}
}

// userActive makes deactivate and reactivate.
func userActive(activate bool) *cobra.Command {
	use, short := "deactivate USERNAME", "Shut a user out"
	if activate {
		use, short = "reactivate USERNAME", "Let a deactivated user in again"
	}
	return &cobra.Command{
		Use: use, Short: short, Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				account, err := t.accounts.FindAccount(ctx, args[0])
				if err != nil {
					return err
				}
				useCase := t.commands.DeactivateUser
				if activate {
					useCase = t.commands.ReactivateUser
				}
				_, err = useCase.Do(ctx, operator(), commands.UserRef{UserID: account.UserID})
				return err
			})
		},
	}
}

// operator is who the command line acts as: an admin without an account.
func operator() commands.Actor {
	return commands.Actor{Principal: domain.Principal{Roles: []domain.Role{domain.RoleAdmin}}}
}

func userList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the accounts", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAccounts(cmd, func(ctx context.Context, t *accountTools) error {
				return listAccounts(ctx, cmd.OutOrStdout(), t.accounts)
			})
		},
	}
}

func listAccounts(ctx context.Context, out io.Writer, accounts *auth.Accounts) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USERNAME\tID\tROLES\tCREATED")
	for after := ""; ; {
		page, err := accounts.ListAccounts(ctx, after, 0)
		if err != nil {
			return err
		}
		for _, a := range page {
			roles := make([]string, len(a.Roles))
			for i, r := range a.Roles {
				roles[i] = string(r)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Username, a.UserID, strings.Join(roles, ","), time.Time(a.CreatedAt).UTC().Format(time.RFC3339))
		}
		if len(page) < auth.MaxAccounts {
			return w.Flush()
		}
		after = page[len(page)-1].Username
	}
}

func passwordFlag(cmd *cobra.Command, fromStdin *bool) {
	cmd.Flags().BoolVar(fromStdin, "password-stdin", false, "read the password from the first line of standard input")
}

// newPassword reads a password, or makes one.
func newPassword(in io.Reader, fromStdin bool) (password string, made bool, err error) {
	if !fromStdin {
		return rand.Text(), true, nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, fmt.Errorf("read the password: %w", err)
	}
	password = strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", false, usagef("no password on standard input")
	}
	return password, false, nil
}

func tellPassword(out io.Writer, what, password string, made bool) error {
	if made {
		what += "\npassword: " + password
	}
	_, err := fmt.Fprintln(out, what)
	return err
}

// accountTools are the parts of a node that accounts need.
type accountTools struct {
	accounts *auth.Accounts
	commands *commands.Commands
	node     *node
}

// withAccounts runs do beside a log that appends. There is no bus: nodes see what was
// committed when they next ask for the head of the log.
func withAccounts(cmd *cobra.Command, do func(context.Context, *accountTools) error) error {
	s, err := loadSettings()
	if err != nil {
		return err
	}
	if s.DatabaseURL == "" {
		return usagef("DATABASE_URL is required")
	}
	ctx := cmd.Context()
	n := &node{settings: s, logger: slog.New(slog.DiscardHandler), name: nodeName()}
	defer n.close()
	if n.pool, err = openPostgres(ctx, "DATABASE_URL", s.DatabaseURL); err != nil {
		return err
	}
	if err := n.wireTools(ctx); err != nil {
		return err
	}
	stop := n.runStore(ctx)
	err = do(ctx, &accountTools{accounts: n.accounts, commands: n.commands, node: n})
	return errors.Join(err, stop())
}
