package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// newApproveCommand enters the approval of an authority into an agreement.
func newApproveCommand() *cobra.Command {
	var f struct{ dir, authority, ref, on, lang string }
	cmd := &cobra.Command{
		Use:   "approve AGREEMENT...",
		Short: "Enter an authority's approval of agreements, with the digest of their text",
		Long: `Enter the approval (Zustimmung) of an authority into the files of agreements: day,
reference, and the digest of what was approved, which is the agreement's text and
every single field that it discloses. An edit of either loses the approval; check
says so. The layout and comments of the file stay; comments within "approved" go.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			on, err := federation.ParseDay(f.on)
			if err != nil {
				return fmt.Errorf("--on: %w", err)
			}
			kinds := app.Kinds{Adapters: adapters.Kinds(), Simulators: adapters.Simulators()}
			for _, id := range args {
				file, found, err := federation.Approve(f.dir, kinds, id, federation.Approval{Authority: f.authority, On: on, Ref: f.ref})
				for _, one := range found {
					fmt.Fprintln(cmd.ErrOrStderr(), one.In(language(f.lang)))
				}
				if err != nil {
					return err
				}
				if file == "" {
					return errors.New("the federation directory has errors: nothing was approved")
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, f.authority)
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "dir", env("DIR", "."), "federation directory")
	fl.StringVar(&f.authority, "authority", "", "key of the authority that approves, such as ags:09162000")
	fl.StringVar(&f.ref, "ref", "", "its file reference (Aktenzeichen)")
	fl.StringVar(&f.on, "on", time.Now().Format(time.DateOnly), "day of the approval")
	fl.StringVar(&f.lang, "lang", env("LANG", "en"), "language of findings: de or en")
	_ = cmd.MarkFlagRequired("authority")
	return cmd
}
