package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

// newWhoCommand answers who would get an event, with the code that routes.
func newWhoCommand() *cobra.Command {
	var f struct {
		dir, at, lang string
		all, json     bool
	}
	cmd := &cobra.Command{
		Use:   "who EVENT.json",
		Short: "Tell who would get an event, under which agreement, with which fields; and why all others not",
		Long: `Tell who would get an event, under which agreement and law, with which fields, and
for every other application the first reason why not. EVENT.json is a CloudEvent
in the JSON format, "-" reads it from standard input; the federation directory is
that of --dir. The answer comes from the code that routes; nothing is sent.

Exit code 1 when the event would be refused or nobody would get it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := time.Now()
			if f.at != "" {
				var err error
				if at, err = time.Parse(time.RFC3339, f.at); err != nil {
					return fmt.Errorf("--at is a moment like 2026-01-31T12:00:00+01:00, not %q", f.at)
				}
			}
			raw, err := readEvent(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			fed, err := loadFederation(cmd.ErrOrStderr(), f.dir, language(f.lang))
			if err != nil {
				return err
			}
			answer := who.Ask(fed, raw, at)
			if err := printAnswer(cmd.OutOrStdout(), answer, language(f.lang), f.all, f.json); err != nil {
				return err
			}
			if len(answer.Receivers) == 0 {
				return errSaid
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "dir", env("DIR", "."), "federation directory")
	fl.StringVar(&f.at, "at", "", "moment at which the event comes (default now)")
	fl.StringVar(&f.lang, "lang", env("LANG", "en"), "language: de or en")
	fl.BoolVar(&f.all, "all", false, "name also the applications of which no agreement speaks")
	fl.BoolVar(&f.json, "json", false, "answer in JSON")
	return cmd
}

func printAnswer(out io.Writer, a *who.Answer, lang string, all, asJSON bool) error {
	if !asJSON {
		a.Print(out, lang, all)
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(a)
}

func readEvent(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, 2<<20))
	}
	return os.ReadFile(name) //nolint:gosec // the file that the user names
}

// loadFederation compiles a federation directory for a command; what is wrong is
// written to errs.
func loadFederation(errs io.Writer, dir, lang string) (*federation.Federation, error) {
	kinds := app.Kinds{Adapters: adapters.Kinds(), Simulators: adapters.Simulators()}
	fed, found := federation.Load(dir, kinds)
	if fed != nil {
		return fed, nil
	}
	for _, f := range found {
		fmt.Fprintln(errs, f.In(lang))
	}
	return nil, fmt.Errorf("the federation directory %s has errors", dir)
}

// language is de or en.
func language(s string) string {
	if len(s) >= 2 && s[:2] == "de" {
		return "de"
	}
	return "en"
}
