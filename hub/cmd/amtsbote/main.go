// Command amtsbote is the hub: one binary that serves a federation directory,
// checks it, and explains what happened to an event.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		easeTimers()
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments; tests call it too.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintln(stderr, "amtsbote:", err)
	}
	return 1
}

// errSaid ends a command with exit code 1 when all is said already.
var errSaid = errors.New("see above")

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "amtsbote",
		Short:         "Carries workflow events between public authorities",
		Long:          "Amtsbote carries workflow events between public authorities: it checks what a specialist\napplication reports, decides who may know it and under which law, brings it to them, and can\nprove later what it did.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newServeCommand(), newDemoCommand(), newCheckCommand(), newApproveCommand(), newWhoCommand(),
		newReloadCommand(), newExplainCommand(), newParkedCommand(), newQuarantineCommand(), newTokenCommand(), newWebhookCommand(), newIndexCommand(), newLedgerCommand(), newSchemaCommand(), newSimulateCommand(), newXoevCommand(), newCredentialsCommand(), newAdapterCommand(), newConsoleCommand(),
		newOutboxCommand(), newReplayCommand(),
	)
	return root
}
