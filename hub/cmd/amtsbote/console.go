package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// consoleFlags say where people reach the console, and how they log in.
type consoleFlags struct {
	listen, url string
	tls         httpapi.TLSFiles
	oidc        app.ConsoleOIDC
}

func (f *consoleFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.listen, "console", env("CONSOLE", ""), "address of the steward's console, like 127.0.0.1:8443 (default: none)")
	fl.StringVar(&f.url, "console-url", env("CONSOLE_URL", ""), "where browsers reach it, like https://konsole.example, when that is another address; needed for --console-oidc-issuer")
	fl.StringVar(&f.tls.Cert, "console-cert", env("CONSOLE_CERT", ""), "certificate of the console (PEM), needed beyond loopback; read again when it changes")
	fl.StringVar(&f.tls.Key, "console-key", env("CONSOLE_KEY", ""), "its key (PEM)")
	fl.StringVar(&f.oidc.Issuer, "console-oidc-issuer", env("CONSOLE_OIDC_ISSUER", ""), "issuer (iss) at which people log in; without it one person on this machine may, by a link that is printed")
	fl.StringVar(&f.oidc.Client, "console-oidc-client", env("CONSOLE_OIDC_CLIENT", ""), "client id of the console there")
	fl.StringVar(&f.oidc.SecretFile, "console-oidc-secret", env("CONSOLE_OIDC_SECRET", ""), "file with the client's secret (default: a public client)")
	fl.StringVar(&f.oidc.JWKS, "console-oidc-jwks", env("CONSOLE_OIDC_JWKS", ""), "file or URL of the issuer's keys (default: as its configuration says)")
	fl.StringSliceVar(&f.oidc.Scopes, "console-oidc-scopes", nil, "scopes to ask for beyond openid")
	fl.StringVar(&f.oidc.Name, "console-oidc-name", env("CONSOLE_OIDC_NAME", "sub"), "claim that names a person in the trail")
}

// config is nil when there is to be no console.
func (f *consoleFlags) config() *app.Console {
	if f.listen == "" {
		return nil
	}
	return &app.Console{Listen: f.listen, URL: f.url, TLS: f.tls, OIDC: f.oidc}
}

// newConsoleCommand makes "amtsbote console": a new link to the console of a hub that
// runs.
func newConsoleCommand() *cobra.Command {
	var f lookFlags
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Print a link that opens the steward's console on this machine, once",
		Long: `Print a link that opens the steward's console of the running hub (serve --console)
on this machine, once. Where people log in, it is the console's address.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var a app.ConsoleAnswer
			if err := f.ask(cmd.Context(), app.VerbConsole, struct{}{}, &a); err != nil {
				return err
			}
			if a.Link == "" {
				a.Link = a.URL
			}
			fmt.Fprintln(cmd.OutOrStdout(), a.Link)
			return nil
		},
	}
	f.register(cmd.Flags())
	return cmd
}
