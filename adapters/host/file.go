package host

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/hub"
)

// File is what an adapter's own process is told.
type File struct {
	// Application that it acts for, as <organisation>.<application>; its mailbox in the
	// federation directory has mode http, and no adapter there is its own.
	Application string `yaml:"application"`
	Kind        string `yaml:"kind"`
	// Production: messages with a test mark are refused.
	Production bool `yaml:"production"`
	Hub        Hub  `yaml:"hub"`
	// Lease is how long the hub waits for a delivery to be settled; it is extended while
	// one goes on. AtOnce is how many deliveries of different keys go on.
	Lease    time.Duration `yaml:"lease"`
	AtOnce   int           `yaml:"at-once"`
	Settings settings      `yaml:"settings"`

	dir string // of the file
}

// Hub is where the hub is, and how the process shows who it is.
type Hub struct {
	URL string `yaml:"url"` // https://hub.example.org:8443
	// TokenFile holds an API token of the application or an access token; it is read
	// anew for each request, so that it can be replaced.
	TokenFile string `yaml:"token-file"`
	CAFile    string `yaml:"ca-file"` // authorities of the hub's certificate; "": those of the machine
	// CertFile and KeyFile are a client certificate, instead of a token or beside it.
	CertFile string `yaml:"cert-file"`
	KeyFile  string `yaml:"key-file"`
}

const (
	defaultLease  = time.Minute
	defaultAtOnce = 16
	maxAtOnce     = 100 // what the hub hands out in one answer
)

// ReadFile reads the settings of an adapter's own process; relative paths of files start
// beside it.
func ReadFile(path string) (*File, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // named by the operator
	if err != nil {
		return nil, fmt.Errorf("read the adapter's file: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read the adapter's file: %w", err)
	}
	f := &File{Lease: defaultLease, AtOnce: defaultAtOnce, dir: dir}
	if err := yaml.Load(raw, f, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *File) check() error {
	org, app, ok := strings.Cut(f.Application, ".")
	u, err := url.Parse(f.Hub.URL)
	switch {
	case !ok || org == "" || app == "" || strings.Contains(app, "."):
		return errors.New("application: <organisation>.<application> is missing")
	case f.Kind == "":
		return errors.New("kind: the kind of adapter is missing")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("hub.url: the address of the hub is missing (https://host:port)")
	case u.Scheme == "http" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1":
		return errors.New("hub.url: http is for this machine only, others are reached by https")
	case f.Hub.TokenFile == "" && f.Hub.CertFile == "":
		return errors.New("hub: token-file, or cert-file and key-file, are missing: the hub would not know who asks")
	case (f.Hub.CertFile == "") != (f.Hub.KeyFile == ""):
		return errors.New("hub: cert-file and key-file belong together")
	case f.Lease < 5*time.Second || f.Lease > time.Hour:
		return errors.New("lease: must be 5s to 1h")
	case f.AtOnce < 1 || f.AtOnce > maxAtOnce:
		return fmt.Errorf("at-once: must be 1 to %d", maxAtOnce)
	}
	return nil
}

func (f *File) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

// tls is the client's side of TLS 1.3.
func (f *File) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS13}
	if f.Hub.CAFile != "" {
		pem, err := os.ReadFile(f.path(f.Hub.CAFile)) //nolint:gosec // named by the operator
		if err != nil {
			return nil, fmt.Errorf("hub.ca-file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("hub.ca-file: holds no certificate (PEM)")
		}
	}
	if f.Hub.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(f.path(f.Hub.CertFile), f.path(f.Hub.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("hub.cert-file: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

// settings are the kind's own.
type settings struct{ node yaml.Node }

var (
	_ hub.Settings     = (*settings)(nil)
	_ yaml.Unmarshaler = (*settings)(nil)
)

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *settings) UnmarshalYAML(n *yaml.Node) error {
	s.node = *n
	return nil
}

// Decode implements hub.Settings.
func (s *settings) Decode(into any) error {
	if s.node.IsZero() {
		return nil
	}
	raw, err := yaml.Dump(&s.node)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := yaml.Load(raw, into, yaml.WithKnownFields()); err != nil {
		return fmt.Errorf("settings (from line %d): %w", s.node.Line, err)
	}
	return nil
}

// Errorf implements hub.Settings.
func (s *settings) Errorf(key, format string, args ...any) error {
	return fmt.Errorf("settings: %s: %w", key, fmt.Errorf(format, args...))
}
