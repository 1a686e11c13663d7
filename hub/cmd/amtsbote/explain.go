package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
)

func newExplainCommand() *cobra.Command {
	var f struct {
		data, lang, nats, creds, nkey string
	}
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell from the trail what happened to an event, and why",
		Long: `Tell from the trail (Nachweis) what happened to the event with this id.

Works while the hub runs on the data directory and when it is stopped. Exit code
1 when the trail holds nothing about the id.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ext *bus.External
			if f.nats != "" {
				ext = &bus.External{URL: f.nats, Creds: f.creds, Nkey: f.nkey}
			}
			return app.Look(cmd.Context(), f.data, ext, func(ctx context.Context, l *app.Looking) error {
				return explainTo(ctx, cmd.OutOrStdout(), l, args[0], f.lang)
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", env("DATA", ".amtsbote"), "data directory of the hub")
	fl.StringVar(&f.lang, "lang", env("LANG", "en"), "language: de or en")
	fl.StringVar(&f.nats, "nats", env("NATS", ""), "NATS server of a hub that uses an external one")
	fl.StringVar(&f.creds, "nats-creds", env("NATS_CREDS", ""), "credentials file for --nats")
	fl.StringVar(&f.nkey, "nats-nkey", env("NATS_NKEY", ""), "nkey seed file for --nats")
	return cmd
}

func explainTo(ctx context.Context, out io.Writer, l *app.Looking, id, lang string) error {
	answer, err := explain.Explain(ctx, l.Bus, id)
	if err != nil {
		return err
	}
	if strings.HasPrefix(lang, "de") {
		lang = "de"
	}
	answer.Print(out, lang)
	if len(answer.Events) > 0 {
		return nil
	}
	for _, line := range l.FilesInError() {
		fmt.Fprintln(out, line)
	}
	return errors.Join(errSaid, fmt.Errorf("no event %q", id))
}
