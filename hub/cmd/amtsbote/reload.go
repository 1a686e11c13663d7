package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// newReloadCommand has the running hub read its federation directory again.
func newReloadCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running hub read its federation directory again",
		Long: `Have the running hub read its federation directory again and put it in force:
whole or not at all. Events go on meanwhile; each decision record names the version
that decided. With findings that are errors the version before stays in force, and
the exit code is 1. The signal HUP does the same; its findings go to the log.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Before, Now string
				Findings    []finding.Finding
				Invalid     bool
			}
			if err := f.ask(cmd.Context(), app.VerbReload, nil, &answer); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, one := range answer.Findings {
				fmt.Fprintln(out, one.In(language(f.lang)))
			}
			switch {
			case answer.Invalid:
				fmt.Fprintf(out, f.t("nichts geändert; es gilt weiter %s\n", "nothing changed; %s stays in force\n"), answer.Now)
				return errSaid
			case answer.Before == answer.Now:
				fmt.Fprintf(out, f.t("nichts zu tun: %s gilt schon\n", "nothing to do: %s is in force already\n"), answer.Now)
			default:
				fmt.Fprintf(out, f.t("es gilt %s (vorher: %s)\n", "%s is in force (before: %s)\n"), answer.Now, answer.Before)
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	return cmd
}
