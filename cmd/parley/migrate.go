package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"parley/migrations"
)

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Move the database's schema up or down, or show where it is",
		Long:  "Migrations are embedded in the program and run under a lock, so two nodes may start at once.\nReads DATABASE_URL.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.Help(); err != nil {
				return err
			}
			return usagef("name one of up, down, status")
		},
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "up", Short: "Apply every pending migration", Args: noArgs,
			RunE: withDatabase(migrateUp),
		},
		&cobra.Command{
			Use: "down", Short: "Roll the newest migration back (this can drop data)", Args: noArgs,
			RunE: withDatabase(migrateDown),
		},
		&cobra.Command{
			Use: "status", Short: "List the migrations and when they were applied", Args: noArgs,
			RunE: withDatabase(migrateStatus),
		},
	)
	return cmd
}

// withDatabase runs do with DATABASE_URL.
func withDatabase(do func(cmd *cobra.Command, dsn string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		s, err := loadSettings()
		if err != nil {
			return err
		}
		if s.DatabaseURL == "" {
			return usagef("DATABASE_URL is required")
		}
		return do(cmd, s.DatabaseURL)
	}
}

func migrateUp(cmd *cobra.Command, dsn string) error {
	if err := migrations.Up(cmd.Context(), dsn); err != nil {
		return err
	}
	return migrateStatus(cmd, dsn)
}

func migrateDown(cmd *cobra.Command, dsn string) error {
	if err := migrations.Down(cmd.Context(), dsn); err != nil {
		return err
	}
	return migrateStatus(cmd, dsn)
}

func migrateStatus(cmd *cobra.Command, dsn string) error {
	steps, err := migrations.Status(cmd.Context(), dsn)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MIGRATION\tAPPLIED")
	for _, s := range steps {
		applied := "pending"
		if s.Applied {
			applied = s.AppliedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\n", s.Name, applied)
	}
	return w.Flush()
}
