package xtasim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "xta".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "xta",
		Title: "XTA-2-Server (211) mit Postfächern und bestellbaren Störungen",
		Run:   run,
	}
}

// settings of the simulator; adapters/akdb/README.md explains them.
type settings struct {
	Listen   string             `yaml:"listen"`
	Dir      string             `yaml:"dir"`
	MTOM     bool               `yaml:"mtom"`
	Poll     time.Duration      `yaml:"poll"`
	Accounts map[string]account `yaml:"accounts"`
	TLS      serverTLS          `yaml:"tls"`
	Faults   []Order            `yaml:"faults"`
}

type account struct {
	CommonName string `yaml:"common-name"`
	Locked     bool   `yaml:"locked"`
}

type serverTLS struct {
	Cert     string `yaml:"cert"`
	Key      string `yaml:"key"`
	ClientCA string `yaml:"client-ca"`
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := Defaults()
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return set, s.Errorf("listen", "must be host:port on the loopback interface")
	}
	if set.Dir == "" {
		return set, s.Errorf("dir", "the directory of the boxes is missing")
	}
	if set.Poll < time.Millisecond {
		return set, s.Errorf("poll", "must be at least 1ms")
	}
	for i, o := range set.Faults {
		if key, text := o.problem(); text != "" {
			return set, s.Errorf(fmt.Sprintf("faults.%d.%s", i, key), "%s", text)
		}
	}
	set.Dir = under(env.Dir, set.Dir)
	for _, file := range []*string{&set.TLS.Cert, &set.TLS.Key, &set.TLS.ClientCA} {
		if *file != "" {
			*file = under(env.Federation, *file)
		}
	}
	return set, nil
}

func under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

func (set settings) accounts() map[string]Account {
	if len(set.Accounts) == 0 {
		return nil
	}
	all := map[string]Account{}
	for kennung, a := range set.Accounts {
		all[kennung] = Account(a)
	}
	return all
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	office, err := openOffice(set.Dir)
	if err != nil {
		return err
	}
	server := New(Options{Accounts: set.accounts(), MTOM: set.MTOM, Dir: office.work, Accepted: office.keep})
	server.Order(set.Faults...)
	tlsConfig, err := set.TLS.config()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	web := &http.Server{Handler: server, TLSConfig: tlsConfig, ReadHeaderTimeout: 10 * time.Second, ErrorLog: zap.NewStdLog(env.Log)}
	served := make(chan error, 1)
	go func() {
		if tlsConfig != nil {
			served <- web.ServeTLS(listener, "", "")
			return
		}
		served <- web.Serve(listener)
	}()
	env.Log.Info("XTA simulator", zap.String("address", listener.Addr().String()), zap.Bool("tls", tlsConfig != nil))
	err = office.deliver(ctx, server, set.Poll, env.Log, served)
	server.Stop()
	return errors.Join(err, web.Close())
}

// keep is Options.Accepted: what authors send lies in sent/ too, to be seen.
func (o *office) keep(m *wire.MetaData, c *wire.Container) error {
	r, err := c.Message.Content.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	return writeFile(filepath.Join(o.sent, fileName(m.MessageID)+ending(c.Message.ContentType)), r)
}

func ending(contentType string) string {
	if contentType == "application/zip" {
		return ".zip"
	}
	return ".xml"
}

var errServer = errors.New("the XTA simulator stopped serving")

func makeDirs(dirs ...string) error {
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	return nil
}

// Settings of the simulator, for one that plays several (akdbsim).
type Settings = settings

// Defaults are what holds where nothing is said.
func Defaults() Settings {
	return settings{Listen: "127.0.0.1:0", MTOM: true, Poll: time.Second}
}
