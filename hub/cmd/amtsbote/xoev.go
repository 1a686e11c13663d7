package main

import (
	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// newXoevCommand makes "amtsbote xoev": looking into XÖV messages.
func newXoevCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "xoev",
		Short: "Look into XÖV messages",
	}
	cmd.AddCommand(newXoevHeaderCommand())
	return cmd
}

// newXoevHeaderCommand makes "amtsbote xoev header": exit code 1 when a file
// could not be read.
func newXoevHeaderCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "header FILE...",
		Short: "Print the header of XÖV messages, one tab-separated row a file",
		Long: `Print the header (Nachrichtenkopf) of XÖV messages: XML files, or xdomea
containers (ZIP). Each file gives one row of tab-separated columns:

  file, dialect, namespace, element, standard, version, test, nachrichtenUUID,
  ProzessID, code, time, author's key and name, reader's key and name

A well-formed file without such a header has the dialect KEIN-KOPF. A file that
cannot be read is named on stderr with line, column and what is wrong; the
others are still printed, and the exit code is 1.`,
		Args:         cobra.MinimumNArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, files []string) error {
			return xoev.PrintHeaders(cmd.OutOrStdout(), cmd.ErrOrStderr(), files)
		},
	}
}
