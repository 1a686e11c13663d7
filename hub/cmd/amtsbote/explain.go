package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

func newExplainCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell from the trail what happened to an event, and why",
		Long: `Tell from the trail (Nachweis) what happened to the event with this id.

Works while the hub runs on the data directory and when it is stopped. Exit code
1 when the trail holds nothing about the id.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.look(cmd.Context(), func(ctx context.Context, l *app.Looking) error {
				return explainTo(ctx, cmd.OutOrStdout(), l, args[0], f.lang)
			})
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func explainTo(ctx context.Context, out io.Writer, l *app.Looking, id, lang string) error {
	answer, err := explain.Explain(ctx, l.Bus, id)
	if err != nil {
		return err
	}
	lang = language(lang)
	answer.Print(out, lang)
	if err := othersTo(ctx, out, l, answer, lang); err != nil {
		return err
	}
	if len(answer.Events) > 0 {
		return nil
	}
	for _, line := range l.FilesInError() {
		fmt.Fprintln(out, line)
	}
	return errors.Join(errSaid, fmt.Errorf("no event %q", id))
}

// othersTo tells for every routed or unrouted event why all others got nothing,
// by the version of the federation directory that decided.
func othersTo(ctx context.Context, out io.Writer, l *app.Looking, answer *explain.Answer, lang string) error {
	for _, e := range answer.Events {
		d := e.Decision
		if d.Outcome != hub.Routed && d.Outcome != hub.Unrouted {
			continue
		}
		fed, err := app.Version(ctx, l.Bus, d.Federation)
		if err != nil {
			return err
		}
		if fed == nil {
			continue
		}
		who.Recall(fed, d).PrintOthers(out, lang)
	}
	return nil
}
