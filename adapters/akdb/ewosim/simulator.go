package ewosim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "okewo-aenderungen".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "okewo-aenderungen",
		Title: "OK.EWO mit REST-Auskunft und Änderungsmeldungen auf Kafka",
		Run:   run,
	}
}

// settings of the simulator; adapters/akdb/README.md explains them.
type settings struct {
	Listen     string `yaml:"listen"`
	KafkaPort  int    `yaml:"kafka-port"`
	Topic      string `yaml:"topic"`
	Partitions int32  `yaml:"partitionen"`
	Personen   string `yaml:"personen"`
	Form       string `yaml:"form"`
	Benutzer   string `yaml:"benutzer"`
	Passwort   string `yaml:"passwort"`
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := Defaults()
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil || !ip.IsLoopback():
		return set, s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8095")
	case set.KafkaPort < 0 || set.KafkaPort > 65535:
		return set, s.Errorf("kafka-port", "must be a port")
	case set.Partitions < 1:
		return set, s.Errorf("partitionen", "must be at least 1")
	case set.Form != "aufgezeichnet" && set.Form != "swagger":
		return set, s.Errorf("form", "must be aufgezeichnet or swagger")
	case (set.Benutzer == "") != (set.Passwort == ""):
		return set, s.Errorf("passwort", "benutzer and passwort go together")
	}
	if set.Personen != "" && !filepath.IsAbs(set.Personen) {
		set.Personen = filepath.Join(env.Federation, set.Personen)
	}
	return set, nil
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	feed, err := OpenFeed(set.KafkaPort, set.Topic, set.Partitions)
	if err != nil {
		return err
	}
	defer feed.Close()
	register := NewRegister(func(om string) error {
		_, err := feed.Announce(ctx, om)
		return err
	})
	if err := load(register, set.Personen); err != nil {
		return s.Errorf("personen", "%w", err)
	}
	facade := &Facade{Register: register, Recorded: set.Form == "aufgezeichnet", User: set.Benutzer, Password: set.Passwort}
	listener, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("okewo-aenderungen: plays", zap.String("rest", "http://"+listener.Addr().String()+BasePath), zap.String("kafka", feed.Broker()))
	return serve(ctx, listener, Handler(facade))
}

// load enters persons from a file, a JSON array; the feed is not told.
func load(r *Register, path string) error {
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return err
	}
	var persons []json.RawMessage
	if err := json.Unmarshal(raw, &persons); err != nil {
		return err
	}
	for _, p := range persons {
		if _, err := r.enter(p); err != nil {
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

// Settings of the simulator, for one that plays several (akdbsim).
type Settings = settings

// Defaults are what holds where nothing is said.
func Defaults() Settings {
	return settings{
		Listen: "127.0.0.1:8095", KafkaPort: 9095, Topic: "lhm-ewo-eai-aenderungen-simulator", Partitions: 1, Form: "aufgezeichnet",
	}
}
