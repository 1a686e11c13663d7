package fitsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "dataport".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "dataport",
		Title: "FIT-Connect-Zustelldienst mit Onlinedienst und bestellbaren Störungen",
		Run:   run,
	}
}

// settings of the simulator; adapters/dataport/README.md explains them.
type settings struct {
	Listen       string                 `yaml:"listen"`
	Dir          string                 `yaml:"dir"`
	Poll         time.Duration          `yaml:"poll"`
	Token        time.Duration          `yaml:"token-dauer"`
	Tag          time.Duration          `yaml:"tag"`
	Bits         int                    `yaml:"bits"`
	Clients      map[string]simClient   `yaml:"clients"`
	Destinations map[string]destination `yaml:"zustellpunkte"`
	Antraege     []string               `yaml:"antraege"` // folders of applications that are handed in at the start
	Faults       []Order                `yaml:"faults"`
}

type simClient struct {
	Secret       string   `yaml:"secret"`
	Destinations []string `yaml:"zustellpunkte"`
}

type destination struct {
	Schluessel string   `yaml:"schluessel"`
	Signatur   string   `yaml:"signaturschluessel"`
	Leistungen []string `yaml:"leistungen"`
	Region     string   `yaml:"region"`
	Schema     string   `yaml:"schema"`
	Orte       []string `yaml:"orte"`
	NimmtAn    bool     `yaml:"nimmt-an"` // the simulator plays the receiver, and accepts
	Callback   struct {
		URL       string `yaml:"url"`
		Geheimnis string `yaml:"geheimnis"`
	} `yaml:"callback"`
}

// Settings of the simulator, for one that plays several.
type Settings = settings

// Defaults are what holds where nothing is said.
func Defaults() Settings {
	return settings{
		Listen: "127.0.0.1:0", Dir: "fit-connect", Poll: time.Second, Token: 30 * time.Minute, Tag: 24 * time.Hour, Bits: fit.MinBits,
	}
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
	switch {
	case len(set.Destinations) == 0:
		return set, s.Errorf("zustellpunkte", "at least one destination is needed")
	case set.Poll < time.Millisecond || set.Token <= 0 || set.Tag < time.Millisecond:
		return set, s.Errorf("", "poll, token-dauer and tag must be longer than 0")
	case set.Bits < 2048:
		return set, s.Errorf("bits", "must be at least 2048")
	}
	for i, o := range set.Faults {
		if key, text := o.problem(); text != "" {
			return set, s.Errorf(fmt.Sprintf("faults.%d.%s", i, key), "%s", text)
		}
	}
	set.Dir = under(env.Dir, set.Dir)
	return set, nil
}

func under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// destinations reads the keys of the destinations. A file that is not there is made,
// with a new private key: it is the one that the adapter is to have.
func (set settings) destinations(env hub.Env) (map[string]Destination, error) {
	all := map[string]Destination{}
	for id, d := range set.Destinations {
		id = strings.ToLower(id)
		if !fit.IsUUID(id) {
			return nil, errors.New("zustellpunkte: an id is no UUID")
		}
		encryption, err := keyFile(under(env.Federation, orElse(d.Schluessel, id+".entschluesseln.jwk")), fit.Decryption, set.Bits)
		if err != nil {
			return nil, err
		}
		signature, err := keyFile(under(env.Federation, orElse(d.Signatur, id+".signieren.jwk")), fit.Signature, set.Bits)
		if err != nil {
			return nil, err
		}
		one := Destination{Encryption: encryption, Signature: signature, Region: d.Region, Schema: d.Schema, Keys: d.Orte, CallbackURL: d.Callback.URL, CallbackSecret: d.Callback.Geheimnis}
		for _, l := range d.Leistungen {
			one.Services = append(one.Services, fit.ServicePrefix+l)
		}
		all[id] = one
	}
	return all, nil
}

func orElse(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

func keyFile(path string, purpose fit.Purpose, bits int) (fit.PublicKey, error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		key, err := fit.NewKey(bits)
		if err != nil {
			return fit.PublicKey{}, err
		}
		raw, err := key.WriteJWK(purpose)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		if err != nil {
			return fit.PublicKey{}, fmt.Errorf("write a new key: %w", err)
		}
		return key.Public(), nil
	}
	keys, err := fit.ReadPrivateKeys(path, purpose, 2048)
	if err != nil {
		return fit.PublicKey{}, err
	}
	return keys[0].Public(), nil
}

func (set settings) options(env hub.Env, base string) (Options, error) {
	destinations, err := set.destinations(env)
	if err != nil {
		return Options{}, err
	}
	key, err := fit.NewKey(set.Bits)
	if err != nil {
		return Options{}, err
	}
	clients := map[string]Client{}
	for id, c := range set.Clients {
		one := Client{Secret: c.Secret}
		for _, d := range c.Destinations {
			one.Destinations = append(one.Destinations, strings.ToLower(d))
		}
		clients[id] = one
	}
	work := filepath.Join(set.Dir, "work")
	if err := os.MkdirAll(work, 0o750); err != nil {
		return Options{}, fmt.Errorf("make directory: %w", err)
	}
	return Options{
		Base: base, Clients: clients, Destinations: destinations, TokenLife: set.Token, Day: set.Tag, Key: key, Dir: work, MinBits: set.Bits,
	}, nil
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	base := "http://" + listener.Addr().String() + "/submission-api"
	opt, err := set.options(env, base)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	citizens, err := openFolder(set.Dir)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	takers, err := set.takers(env)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := New(opt)
	if err := errors.Join(server.Order(set.Faults...), set.submitFirst(env, server)); err != nil {
		server.Stop()
		return errors.Join(err, listener.Close())
	}
	return serve(ctx, env, listener, server, base, func(ctx context.Context) {
		var both sync.WaitGroup
		both.Go(func() { citizens.watch(ctx, server, set.Poll, env.Log) })
		both.Go(func() { watchDestinations(ctx, takers, server, set.Poll, env.Log) })
		both.Wait()
	})
}

func serve(ctx context.Context, env hub.Env, listener net.Listener, server *Server, base string, beside func(context.Context)) error {
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second, ErrorLog: zap.NewStdLog(env.Log)}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	env.Log.Info("FIT-Connect simulator", zap.String("submission-api", base), zap.String("token-url", strings.TrimSuffix(base, "/submission-api")+"/token"))
	ctx, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); beside(ctx) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
		err = fmt.Errorf("the FIT-Connect simulator stopped serving: %w", err)
	}
	stop()
	<-watched
	server.Stop()
	return errors.Join(err, web.Close())
}
