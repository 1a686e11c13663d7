package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// quarantineFlags are common to the commands below quarantine.
type quarantineFlags struct {
	lookFlags
	reason string
}

// newQuarantineCommand makes "amtsbote quarantine": events that were refused.
func newQuarantineCommand() *cobra.Command {
	var f quarantineFlags
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "List refused events (Klärungsfach), send them again, give them back, discard them",
		Long: `A refused event rests in quarantine (Klärungsfach), whole and with the reason, until
a steward (Datensteward/in) deals with it. Nothing here shows what an event holds;
the console does, with a reason, and there it can be edited and a group be dealt
with at once.`,
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(newQuarantineListCommand(&f), newQuarantineShowCommand(&f),
		f.actCommand("resubmit", decision.ActQuarantineResubmit, "Send a refused event again as it is, after what kept it out was mended",
			"The event is checked first: one that would be refused again stays where it is."),
		f.actCommand("return", decision.ActQuarantineReturn, "Give a refused event back to its sender (zurück an den Absender)",
			"Its sender gets a receipt with the reason, if it takes receipts."),
		f.actCommand("discard", decision.ActQuarantineDiscard, "Discard a refused event", "Its sender was told when it was refused, and is not told again."))
	return cmd
}

func newQuarantineListCommand(f *quarantineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list [ORG.APP CODE]",
		Short: "One line a group, or one an event of a group",
		Long: `One line a group: how many events of an application rest in quarantine for one
reason. With an application and a code: one line an event, with its number for the
other commands, when it was stored, its id and where in it the mistake is.

Works while the hub runs and when it is stopped.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return cobra.ExactArgs(2)(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.look(cmd.Context(), func(ctx context.Context, l *app.Looking) error {
				if len(args) == 0 {
					return f.groups(ctx, cmd.OutOrStdout(), l.Bus)
				}
				return f.events(ctx, cmd.OutOrStdout(), l.Bus, args[0], refusal.Code(args[1]))
			})
		},
	}
}

func (f *quarantineFlags) groups(ctx context.Context, out io.Writer, b *bus.Bus) error {
	subjects, err := b.Subjects(ctx, bus.Quarantine, "quarantine.>")
	if err != nil {
		return err
	}
	groups := map[string]uint64{}
	for subject, n := range subjects {
		if application, code, ok := quarantine.Group(subject); ok {
			groups[fmt.Sprintf("%-28s %s", application, code)] += n
		}
	}
	if len(groups) == 0 {
		fmt.Fprintln(out, f.t("Das Klärungsfach ist leer.", "Quarantine is empty."))
		return nil
	}
	var lines []string
	for group, n := range groups {
		lines = append(lines, fmt.Sprintf("%-52s %6d", group, n))
	}
	slices.Sort(lines)
	fmt.Fprintln(out, strings.Join(lines, "\n"))
	return nil
}

func (f *quarantineFlags) events(ctx context.Context, out io.Writer, b *bus.Bus, application string, code refusal.Code) error {
	if org, name, ok := strings.Cut(application, "."); !ok || !event.PlainType(org) || !event.PlainType(name) || !slices.Contains(refusal.Codes(), code) {
		return fmt.Errorf(f.t("%q %q ist keine Gruppe: \"amtsbote quarantine list\" nennt alle", "%q %q is no group: \"amtsbote quarantine list\" names all"), application, code)
	}
	return b.Read(ctx, bus.Quarantine, 1, []string{quarantine.Filter(application, code)}, func(m *event.Message) error {
		if it, ok := quarantine.Read(m); ok {
			fmt.Fprintf(out, "%8d  %s  %-38s %s\n", it.Seq, it.Original.Time.In(time.Local).Format("2006-01-02 15:04:05"), printable(it.ID()), printable(it.At))
		}
		return nil
	})
}

// printable keeps what a sender wrote from doing something to a terminal.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Trim(strconv.Quote(s), "\"")
}

func newQuarantineShowCommand(f *quarantineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show NUMBER",
		Short: "Why an event rests in quarantine, or what became of it",
		Long: `Why an event rests in quarantine (Klärungsfach), and where it came from; of one
that was dealt with, by whom and why. The number is that of "quarantine list". Nothing
of what the event holds is shown.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := f.number(args[0])
			if err != nil {
				return err
			}
			return f.look(cmd.Context(), func(ctx context.Context, l *app.Looking) error { return f.show(ctx, cmd.OutOrStdout(), l.Bus, seq) })
		},
	}
}

func (f *quarantineFlags) number(s string) (uint64, error) {
	seq, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf(f.t("%q ist keine Nummer: \"amtsbote quarantine list ORG.APP CODE\" nennt sie", "%q is no number: \"amtsbote quarantine list ORG.APP CODE\" names them"), s)
	}
	return seq, nil
}

func (f *quarantineFlags) show(ctx context.Context, out io.Writer, b *bus.Bus, seq uint64) error {
	m, err := b.Get(ctx, bus.Quarantine, seq)
	if err != nil {
		return err
	}
	if it, ok := quarantine.Read(m); ok {
		fmt.Fprintf(out, "%s  %s %d\n%s  %s\n", it.Application, it.Of.In, it.Of.Seq, it.Code, it.Code.Sentence(language(f.lang)))
		fmt.Fprintf(out, "id %s  at %s %s\nsha256:%s\n", printable(it.ID()), printable(it.At), it.Keyword, it.Digest)
		return nil
	}
	act, err := quarantine.Last(ctx, b, seq)
	if err != nil {
		return err
	}
	if act == nil {
		return fmt.Errorf(f.t("im Klärungsfach lag nie etwas unter %d", "nothing ever rested in quarantine as %d"), seq)
	}
	fmt.Fprintf(out, "%s  %s  %s  %s\n%s  %s: %s\n", act.Application, act.Code, printable(act.ID), act.Act, act.At.In(time.Local).Format("2006-01-02 15:04:05"), printable(act.Who), printable(act.Reason))
	return nil
}

// actCommand makes the command of one act.
func (f *quarantineFlags) actCommand(name, act, short, more string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " NUMBER --reason TEXT",
		Short: short,
		Long: short + ". " + more + `

The act is recorded in the trail (Nachweis) with your user name and the reason
before it takes effect; no personal data belongs into it. The hub must be running.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := f.number(args[0])
			if err != nil {
				return err
			}
			reason := strings.TrimSpace(f.reason)
			if reason == "" || len(reason) > maxReason || strings.ContainsAny(reason, "\r\n") {
				return fmt.Errorf(f.t("--reason ist eine Zeile mit 1 bis %d Zeichen", "--reason is one line of 1 to %d characters"), maxReason)
			}
			var a app.QuarantineAnswer
			req := app.QuarantineRequest{Act: act, Seq: seq, Who: userName(), Reason: reason, Lang: language(f.lang)}
			if err := f.ask(cmd.Context(), app.VerbQuarantine, req, &a); err != nil {
				return err
			}
			if a.Underway {
				fmt.Fprintln(cmd.OutOrStdout(), f.t("vermerkt, wird gleich erledigt", "noted, will be done in a moment"))
				return nil
			}
			fmt.Fprintln(cmd.OutOrStdout(), f.t("erledigt", "done"))
			return nil
		},
	}
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, one line without personal data; it stands in the trail")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
