package eaktesim

import (
	"context"
	"fmt"
	"net"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "eakte".
func Simulator() hub.Simulator {
	return hub.Simulator{Name: "eakte", Title: "E-Akte (REST-EAI 1.2.5)", Run: run}
}

// settings of the simulator; adapters/eakte/README.md explains them.
type settings struct {
	Listen   string `yaml:"listen"`
	Benutzer string `yaml:"benutzer"`
	Passwort string `yaml:"passwort"`
	Form     string `yaml:"form"`
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set := settings{Listen: "127.0.0.1:8098", Form: "api-doc"}
	if err := s.Decode(&set); err != nil {
		return err
	}
	switch {
	case !simhttp.Loopback(set.Listen):
		return s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8098")
	case (set.Benutzer == "") != (set.Passwort == ""):
		return s.Errorf("passwort", "benutzer and passwort go together")
	case set.Form != "api-doc" && set.Form != "yaml":
		return s.Errorf("form", "must be api-doc or yaml")
	}
	server := New()
	server.User, server.Password, server.Yaml = set.Benutzer, set.Passwort, set.Form == "yaml"
	listener, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("eakte: plays", zap.String("url", "http://"+listener.Addr().String()+BasePath))
	return simhttp.Serve(ctx, listener, server.Handler())
}
