package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/amtsbote/amtsbote/adapters"
	outside "github.com/amtsbote/amtsbote/adapters/host"
)

// newAdapterCommand runs an adapter outside of the hub, at the authority.
func newAdapterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "adapter", Short: "Run an adapter as its own process, beside the system that it connects"}
	var data, level string
	run := &cobra.Command{
		Use:   "run FILE",
		Short: "Run the adapter that FILE describes until Ctrl-C (adapters/host/README.md)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := newLog(level)
			if err != nil {
				return err
			}
			f, err := outside.ReadFile(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s connects %s with %s; Ctrl-C stops.\n", f.Kind, f.Application, f.Hub.URL)
			return outside.Run(cmd.Context(), f, data, log, adapters.Kinds()...)
		},
	}
	run.Flags().StringVar(&data, "data", env("DATA", ""), "data directory of the adapter: its memory, and where relative paths in its settings start")
	run.Flags().StringVar(&level, "log", env("LOG", "warn"), "log level: debug, info, warn, error")
	_ = run.MarkFlagRequired("data")
	cmd.AddCommand(run)
	return cmd
}
