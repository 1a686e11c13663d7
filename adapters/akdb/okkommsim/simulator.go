// Package okkommsim plays OK.KOMM for examples and tests, on loopback: both SOAP
// services under one address.
//
// XoevService answers an XMeld 1330 with a 1331 that tells of the persons who were
// entered before, or that nobody was found, and a 1332 with a 1333 that nobody was, in
// the shape of the recorded xoevservice-soap-response-1331.xml. KomService answers an ABRUFEN with
// the messages that were laid out, each once, as OK_KOMM_RAW_BASE64; with none, an
// empty DATEN. Faults are ordered.
package okkommsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "okkomm".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "okkomm",
		Title: "OK.KOMM mit XoevService und KomService",
		Run:   run,
	}
}

// settings of the simulator; adapters/akdb/README.md explains them.
type settings struct {
	Listen  string `yaml:"listen"`
	Kennung string `yaml:"kennung"` // author of the answers
	Name    string `yaml:"name"`
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set := Defaults()
	if err := s.Decode(&set); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8380")
	}
	listener, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("okkomm: plays", zap.String("address", listener.Addr().String()))
	server := &http.Server{
		Handler: New(set.Kennung, set.Name).Handler(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	end := make(chan error, 1)
	go func() { end <- server.Serve(listener) }()
	select {
	case err := <-end:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err := server.Close()
		if served := <-end; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}

// Settings of the simulator, for one that plays several (akdbsim).
type Settings = settings

// Defaults are what holds where nothing is said.
func Defaults() Settings {
	return settings{Listen: "127.0.0.1:8380", Kennung: "ags:09000009", Name: "BayBIS (Simulator)"}
}
