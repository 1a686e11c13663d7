// Package webhookin is the generic adapter for systems that push: a listener for
// webhooks that are signed with a shared secret (HMAC), whose bodies mapping files
// turn into events. README.md says how one is set up.
package webhookin

import (
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// settings stand in the federation directory; README.md explains them.
type settings struct {
	Listen   string        `yaml:"listen"`
	Path     string        `yaml:"path"`
	TLS      tlsSettings   `yaml:"tls"`
	Source   string        `yaml:"source"`
	Mappings []string      `yaml:"mappings"`
	Secrets  []string      `yaml:"secret-files"`
	Sign     signature     `yaml:"signature"`
	MaxBytes int64         `yaml:"max-bytes"`
	AtOnce   int           `yaml:"at-once"`
	Timeout  time.Duration `yaml:"timeout"`
}

type tlsSettings struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

func defaults() settings {
	return settings{Path: "/", MaxBytes: 1 << 20, AtOnce: 32, Timeout: 30 * time.Second}
}

// Kind is the kind "webhook-in".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "webhook-in",
		Title:  "Signed webhooks of other systems, by a declared mapping",
		Source: newSource,
		Check:  check,
	}
}

func decode(env hub.Env, s hub.Settings) (settings, mapping.Set, error) {
	set := defaults()
	if err := s.Decode(&set); err != nil {
		return set, nil, err
	}
	if key, why := set.problem(); why != "" {
		return set, nil, s.Errorf(key, "%s", why)
	}
	var err error
	if set.Sign, err = set.Sign.complete(s); err != nil {
		return set, nil, err
	}
	maps, err := set.load(env, s)
	if err != nil {
		return set, nil, err
	}
	for _, file := range append([]*string{&set.TLS.Cert, &set.TLS.Key}, pointers(set.Secrets)...) {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(env.Dir, *file)
		}
	}
	return set, maps, nil
}

func pointers(texts []string) []*string {
	out := make([]*string, 0, len(texts))
	for i := range texts {
		out = append(out, &texts[i])
	}
	return out
}

// load compiles the mappings: all of one format, and none makes ids of what the
// signature does not cover.
func (set settings) load(env hub.Env, s hub.Settings) (mapping.Set, error) {
	var maps mapping.Set
	for _, name := range set.Mappings {
		m, err := mapping.Load(env.Federation, name)
		if err != nil {
			return nil, err
		}
		switch meta := m.MetaID(); {
		case m.Format() == mapping.CSV:
			return nil, s.Errorf("mappings", "%s is a mapping of csv; a webhook is json or xml", name)
		case len(maps) > 0 && m.Format() != maps[0].Format():
			return nil, s.Errorf("mappings", "%s is of another format than the first", name)
		case meta != "" && !set.Sign.covers(meta):
			return nil, s.Errorf("mappings", "%s makes the id of the header %s, which the signature does not cover: who repeats a message could change it", name, meta)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

func (set settings) problem() (key, why string) {
	host, _, err := net.SplitHostPort(set.Listen)
	switch {
	case set.Listen == "":
		return "listen", "is missing: the address to listen on, for example 127.0.0.1:8480"
	case err != nil:
		return "listen", "must be host:port"
	case !loopback(host) && set.TLS.Cert == "":
		return "listen", "is not this machine alone: give tls (cert, key), or listen on 127.0.0.1 behind a proxy that has it"
	case (set.TLS.Cert == "") != (set.TLS.Key == ""):
		return "tls", "cert and key belong together"
	case !strings.HasPrefix(set.Path, "/") || strings.ContainsAny(set.Path, "{}?# "):
		return "path", "must be a path like /meldungen"
	case set.Source == "":
		return "source", "is missing: the source of the events, below a prefix that the application owns"
	case len(set.Mappings) == 0:
		return "mappings", "is missing: mapping files of the federation directory"
	case len(set.Secrets) == 0 || len(set.Secrets) > 2:
		return "secret-files", "must be one file, or two while the secret is changed"
	}
	return set.limits()
}

func (set settings) limits() (key, why string) {
	switch {
	case set.MaxBytes < 1 || set.MaxBytes > 40<<20:
		return "max-bytes", "must be 1 to 40MiB"
	case set.AtOnce < 1 || set.AtOnce > 1000:
		return "at-once", "must be 1 to 1000"
	case set.Timeout < 100*time.Millisecond || set.Timeout > 10*time.Minute:
		return "timeout", "must be 100ms to 10m"
	}
	return "", ""
}

// loopback holds for addresses that only this machine reaches.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// check judges settings and mappings, and runs the mappings' examples.
func check(env hub.Env, s hub.Settings) ([]hub.Event, error) {
	set, maps, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return maps.Try(set.Source)
}

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, maps, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if _, err := maps.Try(set.Source); err != nil {
		return nil, err
	}
	if _, err := readSecrets(set.Secrets, set.Sign.SecretForm); err != nil {
		return nil, s.Errorf("secret-files", "%v", err)
	}
	return &source{set: set, maps: maps, log: env.Log}, nil
}
