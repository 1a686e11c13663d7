package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/adapters/postgres"
)

// newOutboxCommand makes "amtsbote outbox": looking at outbox tables.
func newOutboxCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "outbox", Short: "Look at the outbox tables of a database"}
	cmd.AddCommand(newOutboxCheckCommand())
	return cmd
}

func newOutboxCheckCommand() *cobra.Command {
	var table, passwordFile string
	cmd := &cobra.Command{
		Use:   "check DSN",
		Short: "Say whether a PostgreSQL outbox table can be read without loss, and print the SQL that is missing",
		Long: `Look at an outbox table in PostgreSQL: what the system does with its rows, whether
every row can be read exactly once and in order, what holds rows back, and which
rights are enough. Nothing is written; the SQL that is missing is printed for the
owner of the database.

DSN is as of libpq: "host=db.example.org dbname=fach user=amtsbote_outbox
sslmode=verify-full" or postgres://…. Leave the password to --password-file or
PGPASSWORD, since others see the arguments of a process.

The exit code is 1 if rows would be lost or never read.`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			i := postgres.Inspection{DSN: args[0], Table: table}
			if passwordFile != "" {
				raw, err := os.ReadFile(passwordFile) //nolint:gosec // named by the user
				if err != nil {
					return fmt.Errorf("read the password: %w", err)
				}
				i.Password = strings.TrimRight(string(raw), "\r\n")
			}
			reports, err := postgres.Inspect(cmd.Context(), i)
			if err != nil {
				return err
			}
			bad := false
			for _, r := range reports {
				r.Print(cmd.OutOrStdout())
				bad = bad || r.Bad()
			}
			if bad {
				return errSaid
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&table, "table", "", "schema.table; without it all tables that look like an outbox")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "file with the password")
	return cmd
}
