package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

type webhookFlags struct {
	lookFlags
	reason string
}

// newWebhookCommand makes "amtsbote webhook".
func newWebhookCommand() *cobra.Command {
	var f webhookFlags
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "List, pause or resume the webhooks of applications",
		Long: `A webhook sends what lies in an application's mailbox to its own HTTP endpoint. It
sends nothing without the receiver's consent, after the receiver answered 410 (gone),
or while a person has paused it; its events wait in the mailbox. All three commands
ask the running hub.`,
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "One line a webhook: application, how many wait, how it stands",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				var all []app.WebhookStatus
				if err := f.ask(cmd.Context(), app.VerbWebhooks, struct{}{}, &all); err != nil {
					return err
				}
				printWebhooks(cmd.OutOrStdout(), &f, all)
				return nil
			},
		},
		f.act("pause", "Send nothing more to an application until resume", app.VerbWebhookPause, "pausiert", "paused"),
		f.act("resume", "Go on sending to an application, after a pause or a 410", app.VerbWebhookResume, "geht weiter", "resumed"),
	)
	return cmd
}

func (f *webhookFlags) act(name, short, verb, de, en string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " ORG.APP",
		Short: short,
		Long: short + `. The act is recorded in the trail (Nachweis)
with your user name and the reason, and holds over restarts.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reason := strings.TrimSpace(f.reason)
			if len(reason) > maxReason || strings.ContainsAny(reason, "\r\n") {
				return fmt.Errorf(f.t("--reason ist eine Zeile mit höchstens %d Zeichen", "--reason is one line of at most %d characters"), maxReason)
			}
			req := app.WebhookRequest{Application: args[0], Who: userName(), Reason: reason, Lang: language(f.lang)}
			if err := f.ask(cmd.Context(), verb, req, &struct{}{}); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", args[0], f.t(de, en))
			return nil
		},
	}
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, one line without personal data; it stands in the trail")
	return cmd
}

func printWebhooks(out io.Writer, f *webhookFlags, all []app.WebhookStatus) {
	if len(all) == 0 {
		fmt.Fprintln(out, f.t("Kein Webhook läuft.", "No webhook is running."))
		return
	}
	for _, one := range all {
		fmt.Fprintf(out, "%-28s %6d  %s\n", one.Application, one.Waiting, webhookStanding(f, one.State, one.Now))
	}
}

// webhookStanding says in a few words whether events go out, and if not why.
func webhookStanding(f *webhookFlags, s *webhook.State, now time.Time) string {
	at := func(t time.Time) string { return t.In(time.Local).Format("2006-01-02 15:04:05") }
	switch {
	case s.Halt != nil && s.Halt.Why == webhook.HaltGone:
		return fmt.Sprintf(f.t("angehalten: der Empfänger antwortete am %s mit 410; weiter mit resume", "halted: the receiver answered 410 on %s; resume goes on"), at(s.Halt.At))
	case s.Halt != nil:
		return fmt.Sprintf(f.t("pausiert von %s am %s %s", "paused by %s on %s %s"), s.Halt.Who, at(s.Halt.At), s.Halt.Reason)
	case now.Before(s.Until):
		return fmt.Sprintf(f.t("der Empfänger will bis %s nichts", "the receiver wants nothing until %s"), at(s.Until))
	case !s.Consent.Valid(now):
		return fmt.Sprintf(f.t("ohne Zustimmung des Empfängers (%d-mal gefragt)", "without the receiver's consent (asked %d times)"), s.Refusals)
	case s.Trouble != nil && s.Trouble.Paused:
		return fmt.Sprintf(f.t("nichts kommt an seit %s (%s); nächster Versuch %s", "nothing gets through since %s (%s); next try %s"), at(s.Trouble.Since), s.Trouble.Code, at(s.Trouble.Probe))
	case s.Trouble != nil:
		return fmt.Sprintf(f.t("sendet; seit %s %d Fehler in Folge (%s)", "sending; %[2]d failures in a row since %[1]s (%[3]s)"), at(s.Trouble.Since), s.Trouble.Failures, s.Trouble.Code)
	}
	return fmt.Sprintf(f.t("sendet; Zustimmung vom %s", "sending; consent of %s"), at(s.Consent.At))
}
