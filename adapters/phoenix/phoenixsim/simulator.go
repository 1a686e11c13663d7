package phoenixsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "phoenix".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "phoenix",
		Title: "Nextcloud eines openDesk-Arbeitsplatzes (Benachrichtigungen, WebDAV) mit bestellbaren Störungen",
		Run:   run,
	}
}

// settings of the simulator; adapters/phoenix/README.md explains them.
type settings struct {
	Listen   string   `yaml:"listen"`
	Dir      string   `yaml:"dir"`
	Admin    string   `yaml:"admin"`
	Passwort string   `yaml:"passwort"`
	Benutzer []string `yaml:"benutzer"`
	Faults   []Order  `yaml:"faults"`
}

var userForm = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,64}$`)

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{Listen: "127.0.0.1:0", Dir: "nextcloud", Admin: "amtsbote"}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return set, s.Errorf("listen", "must be host:port on the loopback interface")
	}
	if !userForm.MatchString(set.Admin) || set.Passwort == "" || len(set.Benutzer) == 0 {
		return set, s.Errorf("admin", "admin, passwort and benutzer are needed")
	}
	for i, o := range set.Faults {
		if key, text := o.problem(); text != "" {
			return set, s.Errorf(fmt.Sprintf("faults.%d.%s", i, key), "%s", text)
		}
	}
	if !filepath.IsAbs(set.Dir) {
		set.Dir = filepath.Join(env.Dir, set.Dir)
	}
	return set, nil
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(set.Dir, 0o750); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := New(Options{Admin: set.Admin, Password: set.Passwort, Users: set.Benutzer, Dir: set.Dir})
	if err := server.Order(set.Faults...); err != nil {
		return errors.Join(err, listener.Close())
	}
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second, ErrorLog: zap.NewStdLog(env.Log)}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	env.Log.Info("Nextcloud simulator", zap.String("url", "http://"+listener.Addr().String()))
	select {
	case <-ctx.Done():
	case err = <-served:
		err = fmt.Errorf("the Nextcloud simulator stopped serving: %w", err)
	}
	server.Stop()
	return errors.Join(err, web.Close())
}
