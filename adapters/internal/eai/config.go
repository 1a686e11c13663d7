package eai

import (
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Config says how a gateway is reached; the README of adapters/akdb explains
// the keys.
type Config struct {
	URL        string        `yaml:"url"`
	Benutzer   string        `yaml:"benutzer"`   // for Basic authentication
	Passwort   string        `yaml:"passwort"`   // file that holds the password
	CA         string        `yaml:"ca"`         // PEM; empty: the system's
	Zertifikat string        `yaml:"zertifikat"` // PEM, of the client
	Schluessel string        `yaml:"schluessel"` // PEM, of the client
	Frist      time.Duration `yaml:"frist"`      // of one call
	// OAuth asks for a bearer token instead of Basic authentication.
	OAuth *OAuth `yaml:"oauth"`
	// OneByOne makes a connection for each call: for who has no moment to close
	// one.
	OneByOne bool `yaml:"-"`
}

// Defaults are the times that the change service of Ehrenamt-Justiz uses.
func Defaults() Config { return Config{Frist: 30 * time.Second} }

// Check judges the settings, which stand at the key at, without opening a file.
func (c Config) Check(env hub.Env, s hub.Settings, at string) error {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return s.Errorf(at+".url", "the gateway's address is missing")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "":
		return s.Errorf(at+".url", "must be http(s)://host[:port][/path], without user, password or query")
	case u.Scheme == "http" && env.Production && !loopback(u.Hostname()):
		return s.Errorf(at+".url", "must be https in production")
	case (c.Benutzer == "") != (c.Passwort == ""):
		return s.Errorf(at+".passwort", "benutzer and passwort go together")
	case (c.Zertifikat == "") != (c.Schluessel == ""):
		return s.Errorf(at+".schluessel", "zertifikat and schluessel go together")
	case c.Frist <= 0:
		return s.Errorf(at+".frist", "must be longer than 0")
	}
	return c.OAuth.check(env, s, at, c.Benutzer != "")
}

// Under makes relative paths start at dir.
func (c Config) Under(dir string) Config {
	for _, path := range []*string{&c.Passwort, &c.CA, &c.Zertifikat, &c.Schluessel} {
		*path = Under(dir, *path)
	}
	if c.OAuth != nil {
		o := *c.OAuth
		o.Geheimnis = Under(dir, o.Geheimnis)
		c.OAuth = &o
	}
	return c
}

// Under makes a relative path start at dir; "" stays.
func Under(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
