package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/keep"
)

type serveFlags struct {
	data, listen, log, lang    string
	memory                     string
	nats, creds, nkey, monitor string
	operator, system           string
	accept                     []string
	cert, key, clientCA        string
	replicas                   int
	removeEvery                time.Duration
	noSimulators               bool
	profile                    string
	secrets, publicURL         string
	http                       httpFlags
	mail                       mailFlags
	console                    consoleFlags
}

func newServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Run the hub on a federation directory until Ctrl-C",
		Long: `Run the hub on a federation directory until Ctrl-C.

Without --nats the NATS server runs inside the process: synced writes, encrypted
store, listening on loopback, one generated credential (local.creds in the data
directory). With --http applications reach the hub by HTTP too; beyond loopback
that needs TLS (--http-cert, --http-key). Each flag can be given as AMTSBOTE_<FLAG>
in the environment, for example AMTSBOTE_NATS_CREDS.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return serve(cmd.Context(), cmd.OutOrStdout(), args[0], f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.data, "data", env("DATA", ""), "data directory (default DIR/.amtsbote)")
	fl.StringVar(&f.listen, "listen", env("LISTEN", "127.0.0.1:4222"), "address of the embedded NATS server, on loopback or with TLS; \"\" for none")
	fl.StringVar(&f.cert, "tls-cert", env("TLS_CERT", ""), "certificate (PEM) of the listeners; needed for addresses that are not loopback")
	fl.StringVar(&f.key, "tls-key", env("TLS_KEY", ""), "key (PEM) of --tls-cert")
	fl.StringVar(&f.clientCA, "tls-client-ca", env("TLS_CLIENT_CA", ""), "authorities (PEM) of which clients must show a certificate (mutual TLS)")
	fl.StringVar(&f.nats, "nats", env("NATS", ""), "address of an existing NATS server, used instead of the embedded one")
	fl.StringVar(&f.creds, "nats-creds", env("NATS_CREDS", ""), "credentials file for --nats")
	fl.StringVar(&f.nkey, "nats-nkey", env("NATS_NKEY", ""), "nkey seed file for --nats")
	fl.StringVar(&f.monitor, "nats-monitor", env("NATS_MONITOR", ""), "HTTP monitoring address of --nats, to verify its settings")
	fl.StringSliceVar(&f.accept, "nats-accept", nil, "promises that the server of --nats may break: "+strings.Join(bus.Deviations, ", ")+" (for trying things out)")
	fl.StringVar(&f.operator, "nats-operator", env("NATS_OPERATOR", ""), "seed file of a signing key of the operator of --nats: the hub makes the accounts there")
	fl.StringVar(&f.system, "nats-system-creds", env("NATS_SYSTEM_CREDS", ""), "credentials file of the system account, for --nats-operator")
	fl.IntVar(&f.replicas, "replicas", 1, "replicas of each stream: 1, or 3 or 5 in a cluster")
	fl.DurationVar(&f.removeEvery, "remove-every", keep.Every, "how often what has had its time is removed, from the start on; -1s: never")
	fl.StringVar(&f.secrets, "secrets", env("SECRETS", ""), "folder of the secrets that the directory names (default secrets in the data directory)")
	fl.StringVar(&f.publicURL, "public-url", env("PUBLIC_URL", ""), "https address of the HTTP door as receivers reach it, for consent to webhooks by callback")
	fl.StringVar(&f.memory, "memory", env("MEMORY", ""), "memory to get by with, like 512MiB (default: GOMEMLIMIT, else half of what the machine or its control group has, at most 4GiB)")
	fl.StringVar(&f.log, "log", env("LOG", "warn"), "log level: debug, info, warn, error")
	fl.StringVar(&f.lang, "lang", env("LANG", "en"), "language of the outcome lines: de or en")
	fl.BoolVar(&f.noSimulators, "no-simulators", false, "do not play the foreign systems of a test federation")
	f.http.register(fl)
	f.mail.register(fl)
	f.console.register(fl)
	fl.StringVar(&f.profile, "profile", "", "folder for profiles of this run (cpu.pprof, allocs.pprof)")
	_ = fl.MarkHidden("profile") // for `task profile`
	return cmd
}

// env gives a default from the environment.
func env(name, otherwise string) string {
	if v, ok := os.LookupEnv("AMTSBOTE_" + name); ok {
		return v
	}
	return otherwise
}

// envBool takes what strconv.ParseBool does; anything else is false.
func envBool(name string) bool {
	on, _ := strconv.ParseBool(env(name, ""))
	return on
}

func serve(ctx context.Context, out io.Writer, dir string, f serveFlags) (err error) {
	log, err := newLog(f.log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Sync() }()
	memory, err := limitMemory(f.memory)
	if err != nil {
		return err
	}
	collectLess(ctx, memory)
	profiled, err := startProfile(f.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profiled()) }()
	printed := newOutcomes(out, f.lang, gathers)
	defer printed.close(out)
	cfg := app.Config{
		Directory: dir, Data: dataDir(f.data, dir), Listen: f.listen, Monitor: f.monitor, Accept: f.accept,
		NoSimulators: f.noSimulators, Replicas: f.replicas, RemoveEvery: f.removeEvery, Memory: memory,
		Secrets: f.secrets, PublicURL: strings.TrimSuffix(f.publicURL, "/"),
		Kinds: kinds(), Simulators: adapters.Simulators(),
		Observer: printed, Log: log, HTTP: f.http.config(), Mail: f.mail.config(), Console: f.console.config(),
	}
	if err := f.connect(&cfg); err != nil {
		return err
	}
	a, err := app.New(cfg)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	if cfg.External != nil { // the syncs of a server in the process would hold one up
		spareProcessors(ctx, log)
	}
	introduce(out, a)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(out, "stopping")
			return a.Stop()
		case <-a.Done():
			return a.Stop()
		case <-hangup:
			if _, err := a.Reload(ctx); err != nil {
				log.Error("federation directory not reloaded", zap.Error(err))
			}
		}
	}
}

// connect says where NATS is, and how listeners show who they are.
func (f *serveFlags) connect(cfg *app.Config) (err error) {
	if (f.operator == "") != (f.system == "") {
		return errors.New("--nats-operator and --nats-system-creds belong together: give both")
	}
	for _, name := range f.accept {
		if !slices.Contains(bus.Deviations, name) {
			return fmt.Errorf("--nats-accept: there is no %q; there are %s", name, strings.Join(bus.Deviations, ", "))
		}
	}
	if f.nats != "" {
		cfg.External = &bus.External{URL: f.nats, Creds: f.creds, Nkey: f.nkey, OperatorKey: f.operator, SystemCreds: f.system}
	}
	cfg.TLS, err = app.ReadTLS(f.cert, f.key, f.clientCA)
	return err
}

// dataDir is where the data lies when no flag says so.
func dataDir(flag, dir string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(dir, ".amtsbote")
}

// introduce says what runs and where.
func introduce(out io.Writer, a *app.App) {
	fed := a.Federation()
	fmt.Fprintf(out, "Amtsbote serves %q (%s)\n", fed.Name, environment(fed.Production))
	fmt.Fprintf(out, "  data         %s\n", a.Data())
	if url := a.URL(); url != "" {
		fmt.Fprintf(out, "  NATS         %s (credential: %s)\n", url, filepath.Join(a.Data(), bus.LocalCredential))
	}
	if url := a.HTTPURL(); url != "" {
		fmt.Fprintf(out, "  HTTP         %s (all routes: %s/openapi.json)\n", url, url)
	}
	if url, link := a.ConsoleURL(); link != "" {
		fmt.Fprintf(out, "  console      %s (this link works once; \"amtsbote console\" gives another)\n", link)
	} else if url != "" {
		fmt.Fprintf(out, "  console      %s\n", url)
	}
	for _, ad := range a.Adapters() {
		fmt.Fprintf(out, "  adapter      %s (%s) for %s\n", ad.Name, ad.Kind, ad.Application)
		if ad.Places.In != "" {
			fmt.Fprintf(out, "    reads      %s\n", ad.Places.In)
		}
		if ad.Places.Out != "" {
			fmt.Fprintf(out, "    writes     %s\n", ad.Places.Out)
		}
	}
	for _, s := range fed.Simulators {
		fmt.Fprintf(out, "  simulator    %s (%s)\n", s.Name, s.Kind)
	}
	fmt.Fprintln(out, "One line an outcome follows; Ctrl-C stops.")
}

func environment(production bool) string {
	if production {
		return "production"
	}
	return "test"
}
