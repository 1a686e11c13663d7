package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// lookFlags say which hub a command talks to, and in which language to people.
type lookFlags struct{ data, lang, nats, creds, nkey string }

func (f *lookFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.data, "data", env("DATA", ".amtsbote"), "data directory of the hub")
	fl.StringVar(&f.lang, "lang", env("LANG", "en"), "language: de or en")
	fl.StringVar(&f.nats, "nats", env("NATS", ""), "NATS server of a hub that uses an external one")
	fl.StringVar(&f.creds, "nats-creds", env("NATS_CREDS", ""), "credentials file for --nats")
	fl.StringVar(&f.nkey, "nats-nkey", env("NATS_NKEY", ""), "nkey seed file for --nats")
}

// t picks the text in the language asked for.
func (f *lookFlags) t(de, en string) string {
	if language(f.lang) == "de" {
		return de
	}
	return en
}

// look reads what a hub keeps, running or not.
func (f *lookFlags) look(ctx context.Context, fn func(context.Context, *app.Looking) error) error {
	return app.Look(ctx, f.data, f.external(), fn)
}

// ask has the running hub do something.
func (f *lookFlags) ask(ctx context.Context, verb string, req, answer any) error {
	err := app.Ask(ctx, f.data, f.external(), verb, req, answer)
	if errors.Is(err, bus.ErrNoHub) {
		return fmt.Errorf(f.t("auf %s läuft kein Amtsbote: mit \"amtsbote serve\" starten und wiederholen", "no hub is running on %s: start it with \"amtsbote serve\" and repeat"), f.data)
	}
	return err
}

func (f *lookFlags) external() *bus.External {
	if f.nats == "" {
		return nil
	}
	return &bus.External{URL: f.nats, Creds: f.creds, Nkey: f.nkey}
}
