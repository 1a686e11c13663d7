package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// newSimulateCommand plays a foreign system in a process of its own, from a
// settings file with the same keys as in federation.yaml.
func newSimulateCommand() *cobra.Command {
	var dir, settings, level string
	var citizen submission
	var names []string
	for _, s := range adapters.Simulators() {
		names = append(names, s.Name)
	}
	cmd := &cobra.Command{
		Use:       "simulate " + strings.Join(names, "|"),
		Short:     "Play a foreign system for examples and tests until Ctrl-C",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case citizen.file != "" && args[0] == "dataport":
				return citizen.run(cmd)
			case citizen.file != "":
				return errors.New("--submit is for the simulator dataport")
			case settings == "":
				return errors.New("--settings is missing: a file that says how the simulator is to be (see its README)")
			}
			log, err := newLog(level)
			if err != nil {
				return err
			}
			read, err := strictyaml.SettingsFile(settings)
			if err != nil {
				return err
			}
			for _, s := range adapters.Simulators() {
				if s.Name == args[0] {
					fmt.Fprintf(cmd.OutOrStdout(), "%s plays; Ctrl-C stops.\n", s.Title)
					e := hub.Env{Adapter: s.Name, Dir: dir, Federation: dir, Log: log.With(zap.String("simulator", s.Name))}
					return s.Run(cmd.Context(), e, read)
				}
			}
			return fmt.Errorf("there is no simulator %q", args[0])
		},
	}
	cmd.Flags().StringVar(&settings, "settings", "", "YAML file with the simulator's settings (see its README)")
	cmd.Flags().StringVar(&dir, "dir", ".", "where relative paths in the settings start")
	cmd.Flags().StringVar(&level, "log", env("LOG", "info"), "log level: debug, info, warn, error")
	citizen.register(cmd)
	return cmd
}
