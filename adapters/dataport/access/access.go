// Package access is what every kind of FIT-Connect adapter needs to reach the
// service: addresses, credentials, and how they are checked.
package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

// Settings are those of the service; adapters/dataport/README.md explains them.
type Settings struct {
	Umgebung     string        `yaml:"umgebung"`
	TokenURL     string        `yaml:"token-url"`
	API          string        `yaml:"submission-api"`
	Version      string        `yaml:"version"`
	Aussteller   []string      `yaml:"aussteller"`
	Fehlt        []string      `yaml:"nicht-gefunden"`
	CA           string        `yaml:"ca"`
	ClientID     string        `yaml:"client-id"`
	ClientSecret string        `yaml:"client-secret"`
	Frist        time.Duration `yaml:"frist"`
}

// Defaults are what holds where nothing is said.
func Defaults() Settings {
	return Settings{Version: "v2", Frist: 2 * time.Minute, Fehlt: client.MissingNames()}
}

// Environment is one of FITKO's.
type Environment struct{ TokenURL, API, Routing string }

// Environments are FITKO's, by name.
var Environments = map[string]Environment{
	"test": {
		"https://auth-testing.fit-connect.fitko.dev/token", "https://test.fit-connect.fitko.dev/submission-api",
		"https://routing-api-testing.fit-connect.fitko.dev",
	},
	"stage": {
		"https://auth-refz.fit-connect.fitko.net/token", "https://stage.fit-connect.fitko.net/submission-api",
		"https://routing-api-testing.fit-connect.fitko.dev",
	},
	"produktion": {
		"https://auth-prod.fit-connect.fitko.net/token", "https://prod.fit-connect.fitko.net/submission-api",
		"https://routing-api-prod.fit-connect.fitko.net",
	},
}

// Complete takes what is not given from the environment that is named.
func (s *Settings) Complete() (key, text string) {
	e, known := Environments[s.Umgebung]
	if !known && s.Umgebung != "" {
		return "umgebung", "must be test, stage or produktion; or give token-url and submission-api"
	}
	s.TokenURL, s.API = OrElse(s.TokenURL, e.TokenURL), OrElse(s.API, e.API)
	return "", ""
}

// OrElse is given, or otherwise where that is empty.
func OrElse(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

// Problem names the first key that cannot work, and why; "" means none.
func (s *Settings) Problem(production bool) (key, text string) {
	switch {
	case AddressProblem(s.TokenURL, production) != "":
		return "token-url", AddressProblem(s.TokenURL, production)
	case AddressProblem(s.API, production) != "":
		return "submission-api", AddressProblem(s.API, production)
	case s.Version != "v2":
		return "version", "must be v2: no other version of the Submission API is spoken yet"
	case s.ClientID == "":
		return "client-id", "the client's id is missing (Self-Service-Portal)"
	case s.ClientSecret == "":
		return "client-secret", "the file with the client's secret is missing"
	case len(s.Fehlt) == 0:
		return "nicht-gefunden", "must name at least one problem by which the service says that it has no such submission or case"
	case s.Frist <= 0:
		return "frist", "must be longer than 0"
	}
	return "", ""
}

// AddressProblem lets plain HTTP pass to the machine itself, outside production.
func AddressProblem(address string, production bool) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return "must be an address https://… without user name and password"
	}
	if u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname()) && !production {
		return ""
	}
	return "must begin with https://"
}

// Loopback holds for hosts that only this machine reaches.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Place makes the paths of files absolute: they lie beside the configuration.
func (s *Settings) Place(federation string) {
	for _, f := range []*string{&s.CA, &s.ClientSecret} {
		if *f != "" {
			*f = Under(federation, *f)
		}
	}
}

// Under is path, starting at base where it is relative.
func Under(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// userAgent is told on every call; the routing service refuses calls without one.
const userAgent = "Amtsbote (https://github.com/amtsbote/amtsbote)"

// Config of a client that works with these settings; errors are about ca.
func (s *Settings) Config(production bool) (client.Config, error) {
	c := client.Config{
		TokenURL: s.TokenURL, BaseURL: s.API, Version: s.Version, ClientID: s.ClientID, Secret: func() (string, error) { return Secret(s.ClientSecret) },
		Issuers: s.Aussteller, Missing: s.Fehlt, MinBits: MinBits(production), Timeout: s.Frist, UserAgent: userAgent,
	}
	if s.CA == "" {
		return c, nil
	}
	roots, err := Roots(s.CA)
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return c, err
}

// Roots reads certificate authorities (PEM).
func Roots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("read certificate authorities: no certificate in the file")
	}
	return roots, nil
}

// MinBits are those of FIT-Connect; tests may use smaller keys.
func MinBits(production bool) int {
	if production {
		return fit.MinBits
	}
	return 2048
}

// Secret reads a file without the line's end.
func Secret(path string) (string, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if text == "" {
		return "", errors.New("read secret: the file is empty")
	}
	return text, nil
}
