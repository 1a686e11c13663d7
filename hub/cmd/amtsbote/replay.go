package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
)

// replayFlags are common to the commands below replay.
type replayFlags struct {
	lookFlags
	scope    decision.ReplayScope
	from, to string
	reason   string
}

// newReplayCommand makes "amtsbote replay": bringing receivers again what they were sent.
func newReplayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Count, ask for, list or cancel replays: what brings a receiver again what it was sent",
		Long: `A replay (Wiederholung) brings a receiver again what it was sent before, as far as
that is still kept, by the agreements in force when each event's turn comes. One
person asks for it, another one approves: both log in at the steward's console,
since a command cannot tell two people apart. The hub must be running.`,
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(newReplayLookCommand(&f), newReplayRequestCommand(&f), newReplayListCommand(&f), newReplayCancelCommand(&f))
	return cmd
}

// scopeFlags are those of the scope.
func (f *replayFlags) scopeFlags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.scope.Agreement, "agreement", "", "only what went by this agreement")
	fl.StringVar(&f.scope.Type, "type", "", "only events of this type")
	fl.StringVar(&f.scope.Case, "case", "", "only events of this case (correlationid)")
	fl.StringVar(&f.scope.Sender, "sender", "", "only what this application sent, ORG.APP")
	fl.StringVar(&f.from, "from", "", "only what was accepted on this day or later, YYYY-MM-DD")
	fl.StringVar(&f.to, "to", "", "only what was accepted on this day or before, YYYY-MM-DD")
}

// request is what the hub is asked, for an application.
func (f *replayFlags) request(application string) (req app.ReplayRequest, err error) {
	f.scope.Application = application
	for _, one := range []struct {
		flag, text string
		days       int
		into       *time.Time
	}{{"--from", f.from, 0, &f.scope.From}, {"--to", f.to, 1, &f.scope.To}} {
		if one.text == "" {
			continue
		}
		day, err := console.ParseDay(one.text)
		if err != nil {
			return req, fmt.Errorf(f.t("%s ist ein Tag wie 2026-11-28", "%s is a day like 2026-11-28"), one.flag)
		}
		*one.into = day.AddDate(0, 0, one.days)
	}
	return app.ReplayRequest{Scope: f.scope, Who: userName(), Reason: strings.TrimSpace(f.reason), Lang: language(f.lang)}, nil
}

func newReplayLookCommand(f *replayFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dry-run ORG.APP",
		Short: "Count what a replay to an application would send, and what not and why",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(args[0])
			if err != nil {
				return err
			}
			var a app.ReplayAnswer
			if err := f.ask(cmd.Context(), app.VerbReplayLook, req, &a); err != nil {
				return err
			}
			f.printLook(cmd.OutOrStdout(), &a.Found)
			return nil
		},
	}
	f.scopeFlags(cmd)
	return cmd
}

func (f *replayFlags) printLook(out io.Writer, look *replay.Look) {
	for _, v := range decision.ReplayVerdicts {
		if n := look.Counts[v]; n > 0 || v == decision.ReplayGoes {
			fmt.Fprintf(out, "%8d  %s\n", n, explain.VerdictSentence(v, language(f.lang)))
		}
	}
	if !look.Whole {
		fmt.Fprintln(out, f.t("Die Zeit reichte nicht: Es sind mindestens so viele.", "There was not enough time: there are at least as many."))
	}
}

func newReplayRequestCommand(f *replayFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "request ORG.APP",
		Short: "Print the address of the console's page where you ask for a replay, filled in",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(args[0])
			if err != nil {
				return err
			}
			var a app.ReplayAnswer
			if err := f.ask(cmd.Context(), app.VerbReplayRequest, req, &a); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), a.Link)
			return nil
		},
	}
	f.scopeFlags(cmd)
	return cmd
}

func newReplayListCommand(f *replayFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "One line a replay, the newest first: name, receiver, status, copies, by whom",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var a app.ReplayAnswer
			if err := f.ask(cmd.Context(), app.VerbReplayList, app.ReplayRequest{Lang: language(f.lang)}, &a); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if len(a.Runs) == 0 {
				fmt.Fprintln(out, f.t("Es gibt keine Wiederholungen.", "There are no replays."))
			}
			for _, r := range a.Runs {
				fmt.Fprintf(out, "%s  %-28s  %-10s  %s  %d/%d  %q\n", r.Run, r.Application, r.State, r.Requested.In(time.Local).Format("2006-01-02 15:04:05"),
					r.Counts[decision.ReplayGoes], r.Expected[decision.ReplayGoes], r.Who)
			}
			return nil
		},
	}
}

func newReplayCancelCommand(f *replayFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel NAME --reason TEXT",
		Short: "Cancel a replay, or the request for one",
		Long: `Cancel a replay, or the request for one. What is decided already still goes: at most
the batch that is underway. The act is recorded in the trail (Nachweis) with your
user name and the reason; no personal data belongs into it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason := strings.TrimSpace(f.reason); reason == "" || len(reason) > maxReason || strings.ContainsAny(reason, "\r\n") {
				return fmt.Errorf(f.t("--reason ist eine Zeile mit 1 bis %d Zeichen", "--reason is one line of 1 to %d characters"), maxReason)
			}
			req, err := f.request("")
			if err != nil {
				return err
			}
			req.Run = args[0]
			if err := f.ask(cmd.Context(), app.VerbReplayCancel, req, &app.ReplayAnswer{}); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), f.t("wird abgebrochen", "being cancelled"))
			return nil
		},
	}
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, one line without personal data; it stands in the trail")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
