package okverkehrsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "okverkehr".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "okverkehr",
		Title: "OK.VERKEHR mit der Halterabfrage",
		Run:   run,
	}
}

// Settings of the simulator; adapters/akdb/README.md explains them.
type Settings struct {
	Listen    string `yaml:"listen"`
	Fahrzeuge string `yaml:"fahrzeuge"` // file
	Benutzer  string `yaml:"benutzer"`
	Passwort  string `yaml:"passwort"`
}

// Defaults are what holds where nothing is said.
func Defaults() Settings { return Settings{Listen: "127.0.0.1:8096"} }

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set := Defaults()
	if err := s.Decode(&set); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8096")
	}
	if (set.Benutzer == "") != (set.Passwort == "") {
		return s.Errorf("passwort", "benutzer and passwort go together")
	}
	server := New()
	server.User, server.Password = set.Benutzer, set.Passwort
	if err := server.load(eai.Under(env.Federation, set.Fahrzeuge)); err != nil {
		return s.Errorf("fahrzeuge", "%w", err)
	}
	listener, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("okverkehr: plays", zap.String("address", "http://"+listener.Addr().String()+BasePath))
	return serve(ctx, listener, server.Handler())
}

// load lays out answers from a file, a JSON array.
func (s *Server) load(path string) error {
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return err
	}
	var answers []json.RawMessage
	if err := json.Unmarshal(raw, &answers); err != nil {
		return err
	}
	for _, a := range answers {
		if err := s.Put(a); err != nil {
			return err
		}
	}
	return nil
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	end := make(chan error, 1)
	go func() { end <- server.Serve(l) }()
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
