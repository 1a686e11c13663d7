package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/mend"
)

func newLedgerCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "What the comparison of the store with the hub's own ledger has found",
		Long: `The hub writes down beside its store what each stream must hold, and compares at
every start. What is missing is named, and put back where that is possible: the
trail from the ledger, copies and quarantined events from the event and its
decision. If something is lost for good, the hub does not start until a person
has taken note of it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(newLedgerStatusCommand(&f), newLedgerAcceptCommand(&f))
	return cmd
}

func newLedgerStatusCommand(f *lookFlags) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "The last comparison, and the last damage that was found",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := app.ReadLedger(f.data)
			if err != nil {
				return err
			}
			if l.Compared == nil {
				return fmt.Errorf("nothing was compared in %s yet: the hub does that when it starts", f.data)
			}
			printLedger(cmd.OutOrStdout(), l, all)
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "name every message that was missing")
	return cmd
}

// shown is how many missing messages are named without --all.
const shown = 20

func printLedger(out io.Writer, l app.Ledger, all bool) {
	fmt.Fprintf(out, "compared %s\n", l.Compared.At.Format("2006-01-02 15:04:05 UTC"))
	for _, s := range l.Compared.Streams {
		fmt.Fprintf(out, "  %-20s %d to %d: %d expected, %d missing\n", s.Stream, s.From, s.To, s.Expected, s.Missing)
		if s.Blind != "" {
			fmt.Fprintf(out, "    not all could be compared: %s\n", s.Blind)
		}
	}
	if l.Unreadable != "" {
		fmt.Fprintf(out, "the last damage that was found cannot be shown: %s\n", l.Unreadable)
		return
	}
	if l.Damage == nil {
		fmt.Fprintln(out, "no damage was ever found")
		return
	}
	count := map[mend.Fate]int{}
	for _, loss := range l.Damage.Losses {
		count[loss.Fate]++
	}
	fmt.Fprintf(out, "damage found %s: %d put back, %d delivered before, %d carried out before, %d lost\n",
		l.Damage.At.Format("2006-01-02 15:04:05 UTC"), count[mend.Restored], count[mend.Delivered], count[mend.CarriedOut], count[mend.Lost])
	for _, s := range l.Damage.Blind() {
		fmt.Fprintf(out, "  %s: not all could be compared: %s\n", s.Stream, s.Blind)
	}
	slices.SortStableFunc(l.Damage.Losses, func(a, b mend.Loss) int { return weight(a) - weight(b) })
	for i, loss := range l.Damage.Losses {
		if i == shown && !all {
			fmt.Fprintf(out, "  … and %d more: --all names them\n", len(l.Damage.Losses)-shown)
			break
		}
		fmt.Fprintf(out, "  %s: %s\n", loss, loss.Fate)
		for _, id := range loss.Others {
			if all {
				fmt.Fprintf(out, "    event %q\n", id)
			}
		}
	}
	switch {
	case l.Accepted:
		fmt.Fprintln(out, "the losses were taken note of; the hub was not started since")
	case len(l.Compared.Lost()) > 0 && !l.Compared.Settled:
		fmt.Fprintln(out, "the hub does not start before the losses are taken note of: amtsbote ledger accept")
	}
}

// weight is what brings those losses to the front that somebody must act on, and
// those without an event to the end.
func weight(l mend.Loss) int {
	switch {
	case l.Fate == mend.Lost:
		return 0
	case l.ID != "":
		return 1
	}
	return 2
}

func newLedgerAcceptCommand(f *lookFlags) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "accept --reason TEXT",
		Short: "Take note of what is lost, so that the hub starts without it; the hub must be stopped",
		Long: `Take note of what is lost, so that the hub starts without it. Who did so, when and
why goes into the trail with the list. Have the events sent again before: their ids
stand in "amtsbote ledger status --all". The reason is no place for personal data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reason == "" {
				return errors.New("give a --reason: it goes into the trail")
			}
			report, err := app.AcceptDamage(f.data, userName(), reason)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d lost messages are taken note of; start the hub\n", len(report.Lost()))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why the hub may go on without them")
	return cmd
}
