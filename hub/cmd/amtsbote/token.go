package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// newTokenCommand makes "amtsbote token": API tokens for HTTP.
func newTokenCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Issue, list or revoke API tokens, by which applications prove over HTTP who they are",
		Long: `Issue, list or revoke API tokens, by which applications (Fachverfahren) prove over
HTTP who they are: Authorization: Bearer amtsbote_…

A token is shown once; the hub keeps its digest alone. Each act is recorded in the
trail (Nachweis) with your user name, and takes effect at once. The hub must be
running.`,
	}
	f.register(cmd.PersistentFlags())
	cmd.AddCommand(newTokenIssueCommand(&f), newTokenListCommand(&f), newTokenRevokeCommand(&f))
	return cmd
}

func newTokenIssueCommand(f *lookFlags) *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use:   "issue APPLICATION",
		Short: "Print a new token for an application, or for the metrics",
		Long: `Print a new token for an application (ORG.APP), or for "metrics": that one opens
/metrics and nothing else. Standard output holds the token alone, so that it can go
into a file; everything about it goes to standard error.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var a app.TokenAnswer
			if err := f.ask(cmd.Context(), app.VerbToken, app.TokenRequest{
				Do: app.TokenIssue, Application: args[0], Lifetime: time.Duration(days) * 24 * time.Hour, Who: userName(), Lang: language(f.lang),
			}, &a); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), f.t("Token %s für %s, gültig bis %s; er wird nur dieses eine Mal gezeigt.\n", "token %s for %s, valid until %s; it is shown this once only\n"),
				a.ID, a.Application, day(a.Expires))
			fmt.Fprintln(cmd.OutOrStdout(), a.Secret)
			return nil
		},
	}
	cmd.Flags().IntVar(&days, "days", int(token.DefaultLifetime/(24*time.Hour)), "how long it is valid, 1 to 366 days")
	return cmd
}

func newTokenListCommand(f *lookFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list [APPLICATION]",
		Short: "One line a token: id, application, issued, valid until, by whom",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := app.TokenRequest{Do: app.TokenList, Lang: language(f.lang)}
			if len(args) == 1 {
				req.Application = args[0]
			}
			var a app.TokenAnswer
			if err := f.ask(cmd.Context(), app.VerbToken, req, &a); err != nil {
				return err
			}
			if len(a.List) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), f.t("Es gibt keine Tokens.", "There are no tokens."))
			}
			for _, r := range a.List {
				state := ""
				if !time.Now().Before(r.Expires) {
					state = f.t("  (abgelaufen)", "  (expired)")
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-12s  %-28s  %s  %s  %s%s\n", r.ID, r.Application, day(r.Issued), day(r.Expires), r.By, state)
			}
			return nil
		},
	}
}

func newTokenRevokeCommand(f *lookFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var a app.TokenAnswer
			if err := f.ask(cmd.Context(), app.VerbToken, app.TokenRequest{Do: app.TokenRevoke, ID: args[0], Who: userName(), Lang: language(f.lang)}, &a); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), f.t("widerrufen: Token %s von %s\n", "revoked: token %s of %s\n"), a.ID, a.Application)
			return nil
		},
	}
}

// day is a date for people, in local time.
func day(t time.Time) string { return t.In(time.Local).Format("2006-01-02") }
