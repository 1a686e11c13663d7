package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
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
			return f.look(cmd.Context(), func(ctx context.Context, l *app.Looking) error {
				raw, err := l.Bus.Call(ctx, app.VerbReload, nil)
				if errors.Is(err, bus.ErrNoHub) {
					return errors.New("no hub runs on this data directory: start it, it reads the federation directory then")
				}
				if err != nil {
					return err
				}
				var answer struct {
					Before, Now string
					Findings    []finding.Finding
					Invalid     bool
				}
				if err := json.Unmarshal(raw, &answer); err != nil {
					return fmt.Errorf("read the hub's answer: %w", err)
				}
				for _, one := range answer.Findings {
					fmt.Fprintln(cmd.OutOrStdout(), one.In(language(f.lang)))
				}
				switch {
				case answer.Invalid:
					fmt.Fprintf(cmd.OutOrStdout(), "nothing changed; %s stays in force\n", answer.Now)
					return errSaid
				case answer.Before == answer.Now:
					fmt.Fprintf(cmd.OutOrStdout(), "nothing to do: %s is in force already\n", answer.Now)
				default:
					fmt.Fprintf(cmd.OutOrStdout(), "%s is in force (before: %s)\n", answer.Now, answer.Before)
				}
				return nil
			})
		},
	}
	f.register(cmd)
	return cmd
}

// lookFlags say which hub a command talks to.
type lookFlags struct{ data, lang, nats, creds, nkey string }

func (f *lookFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", env("DATA", ".amtsbote"), "data directory of the hub")
	fl.StringVar(&f.lang, "lang", env("LANG", "en"), "language: de or en")
	fl.StringVar(&f.nats, "nats", env("NATS", ""), "NATS server of a hub that uses an external one")
	fl.StringVar(&f.creds, "nats-creds", env("NATS_CREDS", ""), "credentials file for --nats")
	fl.StringVar(&f.nkey, "nats-nkey", env("NATS_NKEY", ""), "nkey seed file for --nats")
}

func (f *lookFlags) look(ctx context.Context, fn func(context.Context, *app.Looking) error) error {
	return app.Look(ctx, f.data, f.external(), fn)
}
