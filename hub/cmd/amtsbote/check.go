package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

// newCheckCommand reports everything wrong with a federation directory at once.
func newCheckCommand() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Check a federation directory: organisations, groups, laws, agreements, examples, adapters, schemas",
		Long: `Check a federation directory and report all findings at once, one a line:

  file:line:column: CODE severity: sentence

Examples beside the agreements (*.example.yaml: an event, and who is expected to get
which fields) are tried with the code that routes. Adapters that can, judge their
settings and mappings and run the mappings' examples. The exit code is 1 if any finding
is an error; warnings do not count.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if lang != "de" && lang != "en" {
				return fmt.Errorf("--lang is de or en, not %q", lang)
			}
			kinds := app.Kinds{Adapters: adapters.Kinds(), Simulators: adapters.Simulators()}
			fed, found := federation.Load(args[0], kinds)
			if fed != nil {
				found = append(found, who.Try(fed, time.Now())...)
				found = append(found, kinds.Check(fed, time.Now())...)
			}
			for _, f := range found {
				fmt.Fprintln(cmd.OutOrStdout(), f.In(lang))
			}
			fmt.Fprintln(cmd.OutOrStdout(), summary(args[0], fed, found, lang))
			if slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Severity == finding.Error }) {
				return errSaid
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&lang, "lang", env("LANG", "en"), "language of the findings: de or en")
	return cmd
}

// summary is the last line: how many findings, or what was found in order.
func summary(dir string, fed *federation.Federation, found []finding.Finding, lang string) string {
	faults := 0
	for _, f := range found {
		if f.Severity == finding.Error {
			faults++
		}
	}
	format := "%s: %d errors, %d warnings"
	if lang == "de" {
		format = "%s: %d Fehler, %d Warnungen"
	}
	line := fmt.Sprintf(format, dir, faults, len(found)-faults)
	if fed == nil {
		return line
	}
	format = "%s (%d organisations, %d agreements, %d adapters, %s)"
	if lang == "de" {
		format = "%s (%d Organisationen, %d Übermittlungsregeln, %d Adapter, %s)"
	}
	return fmt.Sprintf(format, line, len(fed.Organisations), len(fed.Agreements), len(fed.Adapters), fed.Digest[:len("sha256:")+12])
}
