package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

func newIndexCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Look at the index of seen events, or build it anew from the trail",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newIndexStatusCommand(), newIndexRebuildCommand())
	return cmd
}

func newIndexStatusCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell how much the index holds and how far it has read the trail",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, counted, err := app.IndexStatus(cmd.Context(), f.data, f.external())
			if err != nil {
				return err
			}
			printIndex(cmd.OutOrStdout(), s, counted)
			return nil
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func newIndexRebuildCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Drop the index and build it anew from the trail; the hub must be stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			began := time.Now()
			s, err := app.RebuildIndex(cmd.Context(), f.data, f.external(), zap.NewNop())
			if errors.Is(err, app.ErrInUse) {
				return fmt.Errorf("%w: stop the hub first; it goes on by itself where the index ends", err)
			}
			if err != nil {
				return err
			}
			printIndex(cmd.OutOrStdout(), s, true)
			fmt.Fprintf(cmd.OutOrStdout(), "built in %v\n", time.Since(began).Round(time.Millisecond))
			return nil
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func printIndex(out io.Writer, s index.Status, counted bool) {
	switch {
	case counted:
		fmt.Fprintf(out, "identities:    %d\n", s.Entries)
	case s.Entries >= 0:
		fmt.Fprintf(out, "identities:    about %d\n", s.Entries)
	}
	fmt.Fprintf(out, "copies:        %d settled, %d parked, of %d mailboxes\n", s.Settled, s.Parked, s.Mailboxes)
	fmt.Fprintf(out, "on disk:       %d bytes\n", s.Bytes)
	fmt.Fprintf(out, "trail read to: %d\n", s.Applied)
}
