package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// newCredentialsCommand deals with who may connect to NATS.
func newCredentialsCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "credentials",
		Short: "Issue, list, rotate, suspend and revoke the NATS credentials of applications",
		Long: `Issue, list, rotate, suspend and revoke the NATS credentials of applications. The
running hub does it at once, without a restart, and records it in the trail. A
credential is a file for any NATS client; its secret key is made by this command and
is nowhere else: the hub knows the public half. The reason of an act goes into the
trail, so it is no place for personal data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(
		newCredentialsIssueCommand(&f), newCredentialsListCommand(&f), newCredentialsRotateCommand(&f),
		newCredentialsActCommand(&f, "suspend APP|ORG", "Let nobody of an application or organisation in until resume; who is connected is dropped", decision.ActSuspend),
		newCredentialsActCommand(&f, "resume APP|ORG", "End a suspension", decision.ActResume),
		newCredentialsRevokeCommand(&f),
	)
	return cmd
}

// issueFlags are how a credential is to be.
type issueFlags struct {
	out, valid, reason string
	overlap            time.Duration
}

func (f *issueFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "file to write the credential to (default APP.creds); - for the standard output")
	fl.StringVar(&f.valid, "valid", "90d", "how long it is good: days (90d) or a duration (12h), at most 366d")
	fl.StringVar(&f.reason, "reason", "", "why, for the trail")
}

func newCredentialsIssueCommand(f *lookFlags) *cobra.Command {
	var i issueFlags
	cmd := &cobra.Command{
		Use:   "issue APP",
		Short: "Issue a credential for an application",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return issueCredential(cmd, f, i, decision.ActIssue, args[0])
		},
	}
	i.register(cmd)
	return cmd
}

func newCredentialsRotateCommand(f *lookFlags) *cobra.Command {
	var i issueFlags
	cmd := &cobra.Command{
		Use:   "rotate APP",
		Short: "Issue a new credential; the application's others end after the overlap",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return issueCredential(cmd, f, i, decision.ActRotate, args[0])
		},
	}
	i.register(cmd)
	cmd.Flags().DurationVar(&i.overlap, "overlap", 24*time.Hour, "how long the others go on; 0s: they end at once")
	return cmd
}

// days reads a number of days (90d) or a duration.
func days(text string) (time.Duration, error) {
	var n int
	if _, err := fmt.Sscanf(text, "%dd", &n); err == nil && text == fmt.Sprintf("%dd", n) && n < 10_000 {
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither days (90d) nor a duration (12h)", text)
	}
	return d, nil
}

func issueCredential(cmd *cobra.Command, f *lookFlags, i issueFlags, act, name string) error {
	valid, err := days(i.valid)
	if err != nil {
		return err
	}
	path := i.out
	if path == "" {
		path = name + ".creds"
	}
	if _, err := os.Lstat(path); path != "-" && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(f.t("%s gibt es schon: entfernen oder mit --out eine andere Datei nennen", "%s is there already: remove it, or name another file with --out"), path)
	}
	key, seed, err := accounts.NewUser()
	if err != nil {
		return err
	}
	var answer app.CredentialsAnswer
	req := app.CredentialsRequest{
		Act: act, Name: name, User: key, Valid: valid, Overlap: i.overlap, Who: userName(), Reason: i.reason, Lang: language(f.lang),
	}
	if err := f.ask(cmd.Context(), app.VerbCredentials, req, &answer); err != nil {
		return err
	}
	warn(cmd, answer)
	file, err := accounts.CredentialsFile(answer.JWT, seed)
	if err != nil {
		return err
	}
	if path == "-" {
		_, err = cmd.OutOrStdout().Write(file)
		return err
	}
	if err := accounts.WriteSecret(path, file); err != nil {
		return fmt.Errorf(f.t("%w; der Zugang %s ist ausgestellt und unbrauchbar: mit \"amtsbote credentials revoke\" zurückziehen",
			"%w; the credential %s was issued and is of no use: take it back with \"amtsbote credentials revoke\""), err, answer.Issued.ID)
	}
	fmt.Fprintf(cmd.OutOrStdout(), f.t("%s: Zugang %s für %s, gültig bis %s\n", "%s: credential %s for %s, good until %s\n"),
		path, answer.Issued.ID, name, answer.Issued.Expires.Format(time.RFC3339))
	return nil
}

func newCredentialsListCommand(f *lookFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List all credentials: id, application, issued, expires, state",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer app.CredentialsAnswer
			if err := f.ask(cmd.Context(), app.VerbCredentials, app.CredentialsRequest{Act: app.CredentialsList, Lang: language(f.lang)}, &answer); err != nil {
				return err
			}
			return f.printCredentials(cmd.OutOrStdout(), answer.List)
		},
	}
}

func (f *lookFlags) printCredentials(out io.Writer, list []accounts.Listed) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, f.t("es ist kein Zugang ausgestellt", "no credential was issued"))
		return err
	}
	words := map[accounts.Condition]string{
		accounts.Active: f.t("gültig", "active"), accounts.Suspended: f.t("gesperrt", "suspended"), accounts.Revoked: f.t("zurückgezogen", "revoked"),
		accounts.Replaced: f.t("ersetzt", "replaced"), accounts.Expired: f.t("abgelaufen", "expired"),
		accounts.Orphaned: f.t("Fachverfahren nicht im Verzeichnis", "application not in the directory"),
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, f.t("ID\tFACHVERFAHREN\tAUSGESTELLT\tGÜLTIG BIS\tZUSTAND", "ID\tAPPLICATION\tISSUED\tEXPIRES\tSTATE"))
	for _, c := range list {
		ends := c.Expires
		if !c.Until.IsZero() && c.Until.Before(ends) {
			ends = c.Until
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.ID, c.Application, c.Issued.Format(time.RFC3339), ends.Format(time.RFC3339), words[c.Condition])
	}
	return w.Flush()
}

func newCredentialsActCommand(f *lookFlags, use, short, act string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.actOnCredentials(cmd, app.CredentialsRequest{Act: act, Name: args[0], Reason: reason})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

func newCredentialsRevokeCommand(f *lookFlags) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "End a credential for good; who is connected with it is dropped",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.actOnCredentials(cmd, app.CredentialsRequest{Act: decision.ActRevoke, ID: args[0], Reason: reason})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

func (f *lookFlags) actOnCredentials(cmd *cobra.Command, req app.CredentialsRequest) error {
	req.Who, req.Lang = userName(), language(f.lang)
	var answer app.CredentialsAnswer
	if err := f.ask(cmd.Context(), app.VerbCredentials, req, &answer); err != nil {
		return err
	}
	warn(cmd, answer)
	_, err := fmt.Fprintln(cmd.OutOrStdout(), f.t("erledigt", "done"))
	return err
}

// warn says what is done and not in force yet.
func warn(cmd *cobra.Command, answer app.CredentialsAnswer) {
	if answer.Warning != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), answer.Warning)
	}
}
