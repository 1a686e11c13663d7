package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// parkedFlags are common to the commands below parked.
type parkedFlags struct {
	lookFlags
	application, reason string
}

// newParkedCommand makes "amtsbote parked": keys that cannot proceed.
func newParkedCommand() *cobra.Command {
	var f parkedFlags
	cmd := &cobra.Command{
		Use:   "parked",
		Short: "List, release or return the events of keys that cannot proceed",
		Long: `A key (correlationid, else subject, else source) whose first event cannot proceed
is parked: this event and all later ones of the key wait, whole and in order,
while all other keys go on. A steward (Datensteward/in) mends the cause and
releases the key, or returns its events to the sender.`,
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(newParkedListCommand(&f), newParkedReleaseCommand(&f), newParkedReturnCommand(&f))
	return cmd
}

func newParkedListCommand(f *parkedFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "One line a parked key: where, key, how many, since when, why",
		Long: `One line a parked key, the oldest first: the application (in: the sender, whose
events cannot be carried out; out: the receiver, who cannot take its copies), how
many events wait, since when, the code of the fault, and the key.

Works while the hub runs and when it is stopped.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.look(cmd.Context(), func(ctx context.Context, l *app.Looking) error {
				entries, err := parked.List(ctx, l.Bus)
				if err != nil {
					return err
				}
				printParked(cmd.OutOrStdout(), f, entries)
				return nil
			})
		},
	}
}

func printParked(out io.Writer, f *parkedFlags, entries []parked.Entry) {
	if len(entries) == 0 {
		fmt.Fprintln(out, f.t("Kein Schlüssel ist geparkt.", "No key is parked."))
		return
	}
	for _, e := range entries {
		state := ""
		switch e.Underway {
		case decision.ActRelease:
			state = f.t("  (wird freigegeben)", "  (being released)")
		case decision.ActReturn:
			state = f.t("  (geht zurück)", "  (being returned)")
		}
		fmt.Fprintf(out, "%-28s %-3s  %6d  %s %s  %-20s %s%s\n", e.Application, e.Direction, e.Messages,
			f.t("seit", "since"), e.Since.In(time.Local).Format("2006-01-02 15:04:05"), e.Code, e.Key, state)
	}
}

func newParkedReleaseCommand(f *parkedFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "release KEY",
		Short: "Have a parked key's events go on, in order, before newer ones",
		Long: `Have a parked key's events go on, in order, before newer ones of the key. What is
released to a receiver and still cannot be taken is parked again by the ordinary
rules; what waits for its sender's side is decided anew, by the federation
directory that is in force now. The act is recorded in the trail (Nachweis)
with your user name. The hub must be running.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var a app.ParkedAnswer
			if err := f.act(cmd.Context(), app.VerbRelease, args[0], &a); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), f.t("freigegeben: %d Ereignisse bei %s (%s)\n", "released: %d events at %s (%s)\n"), a.Messages, a.Application, a.Direction)
			return nil
		},
	}
	f.applicationFlag(cmd)
	return cmd
}

func newParkedReturnCommand(f *parkedFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "return KEY --reason TEXT",
		Short: "Send a parked key's events back to their sender (zurück an den Absender)",
		Long: `Send a parked key's events back to their sender (zurück an den Absender): they rest
in quarantine (Klärungsfach) with the code RETURNED, and the key is free. The act
is recorded in the trail (Nachweis) with your user name and the reason; no
personal data belongs into it. The hub must be running.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason := strings.TrimSpace(f.reason); reason == "" || len(reason) > maxReason || strings.ContainsAny(reason, "\r\n") {
				return fmt.Errorf(f.t("--reason ist eine Zeile mit 1 bis %d Zeichen", "--reason is one line of 1 to %d characters"), maxReason)
			}
			var a app.ParkedAnswer
			if err := f.act(cmd.Context(), app.VerbReturn, args[0], &a); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), f.t("zurückgegeben: %d Ereignisse bei %s (%s)\n", "returned: %d events at %s (%s)\n"), a.Messages, a.Application, a.Direction)
			return nil
		},
	}
	f.applicationFlag(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, one line without personal data; it stands in the trail")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

const maxReason = 200

func (f *parkedFlags) applicationFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.application, "application", "", "ORG.APP, when the key is parked at several")
}

// act has the running hub act on a key.
func (f *parkedFlags) act(ctx context.Context, verb, key string, answer *app.ParkedAnswer) error {
	return f.ask(ctx, verb, app.ParkedRequest{
		Key: key, Application: f.application, Reason: strings.TrimSpace(f.reason), Who: userName(), Lang: language(f.lang),
	}, answer)
}

// userName is under what name the person uses this computer.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
