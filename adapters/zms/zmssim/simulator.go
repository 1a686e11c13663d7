package zmssim

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "zms".
func Simulator() hub.Simulator {
	return hub.Simulator{Name: "zms", Title: "ZMS (eAppointment): Terminverwaltung", Run: run}
}

// settings of the simulator; adapters/zms/README.md explains them.
type settings struct {
	Listen   string `yaml:"listen"`
	Name     string `yaml:"name"`
	Passwort string `yaml:"passwort"`
	Form     string `yaml:"form"`
	Termine  string `yaml:"termine"`
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{Listen: "127.0.0.1:8097", Form: "aufgezeichnet"}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	switch {
	case !simhttp.Loopback(set.Listen):
		return set, s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8097")
	case (set.Name == "") != (set.Passwort == ""):
		return set, s.Errorf("passwort", "name and passwort go together")
	case set.Form != "aufgezeichnet" && set.Form != "schema":
		return set, s.Errorf("form", "must be aufgezeichnet or schema")
	}
	if set.Termine != "" && !filepath.IsAbs(set.Termine) {
		set.Termine = filepath.Join(env.Federation, set.Termine)
	}
	return set, nil
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	server := New()
	server.Name, server.Password, server.PHP = set.Name, set.Passwort, set.Form == "aufgezeichnet"
	if err := server.load(set.Termine); err != nil {
		return s.Errorf("termine", "%w", err)
	}
	listener, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("zms: plays", zap.String("url", "http://"+listener.Addr().String()+BasePath))
	return simhttp.Serve(ctx, listener, server.Handler())
}

// load enters what a file has: {"termine": [process …], "frei": [fileSlot …]}.
func (s *Server) load(path string) error {
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return err
	}
	var all struct {
		Termine []json.RawMessage `json:"termine"`
		Frei    []fileSlot        `json:"frei"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for _, p := range all.Termine {
		if err := s.Put(p); err != nil {
			return err
		}
	}
	for _, f := range all.Frei {
		slot, err := f.at(s.now())
		if err != nil {
			return err
		}
		s.Offer(slot)
	}
	return nil
}
