package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amtsbote/amtsbote/hub"
)

// database says where the database is and how the adapter shows who it is.
type database struct {
	// Hosts: names or addresses, or the directory of a Unix socket. Of several the
	// one counts that can be written.
	Hosts []string `yaml:"hosts"`
	Port  int      `yaml:"port"`
	Name  string   `yaml:"name"`
	User  string   `yaml:"user"`
	// PasswordFile and the files of TLS: a relative path starts at the data
	// directory. They are read anew at each connection.
	PasswordFile string        `yaml:"password-file"`
	TLS          tlsSettings   `yaml:"tls"`
	Timeout      time.Duration `yaml:"statement-timeout"`
}

type tlsSettings struct {
	Mode string `yaml:"mode"` // verify-full, verify-ca, off
	CA   string `yaml:"ca"`
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

const (
	verifyFull = "verify-full"
	verifyCA   = "verify-ca"
	tlsOff     = "off"
)

const (
	dialTimeout = 20 * time.Second
	keepAlive   = 30 * time.Second
	// grace is what a statement may take beyond its time at the server before the
	// connection counts as dead.
	grace = 5 * time.Second
)

func databaseDefaults() database {
	return database{Port: 5432, TLS: tlsSettings{Mode: verifyFull}, Timeout: 30 * time.Second}
}

func (d database) problem() (key, why string) {
	switch {
	case len(d.Hosts) == 0 || len(d.Hosts) > 8:
		return "hosts", "must be 1 to 8 names of hosts, or the directory of a Unix socket"
	case d.Port < 1 || d.Port > 65535:
		return "port", "must be 1 to 65535"
	case d.Name == "":
		return "name", "is missing: the name of the database"
	case d.User == "":
		return "user", "is missing: a role of its own for the adapter, README.md has its GRANTs"
	case d.Timeout < 100*time.Millisecond || d.Timeout > time.Hour:
		return "statement-timeout", "must be 100ms to 1h"
	case d.TLS.Mode != verifyFull && d.TLS.Mode != verifyCA && d.TLS.Mode != tlsOff:
		return "tls.mode", "must be verify-full, verify-ca or off"
	case (d.TLS.Cert == "") != (d.TLS.Key == ""):
		return "tls", "cert and key belong together"
	}
	for _, host := range d.Hosts {
		switch {
		case host == "" || strings.ContainsAny(host, ",\x00 '\\"):
			return "hosts", "one is no name of a host; the port has a key of its own"
		case d.TLS.Mode == tlsOff && !near(host):
			return "tls.mode", "must not be off for a host that is not this machine"
		}
	}
	return "", ""
}

// near holds for what only this machine reaches.
func near(host string) bool {
	ip := net.ParseIP(host)
	return socket(host) || host == "localhost" || ip != nil && ip.IsLoopback()
}

func socket(host string) bool { return strings.HasPrefix(host, "/") }

// under makes relative paths of files start at dir.
func (d database) under(dir string) database {
	for _, file := range []*string{&d.PasswordFile, &d.TLS.CA, &d.TLS.Cert, &d.TLS.Key} {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(dir, *file)
		}
	}
	return d
}

// place names the database for people.
func (d database) place() string {
	return fmt.Sprintf("postgres://%s:%d/%s", strings.Join(d.Hosts, ","), d.Port, d.Name)
}

// config makes the driver's configuration; files are read, nothing is called.
func (d database) config(adapter string, params map[string]string) (*pgx.ConnConfig, error) {
	// sslmode=disable: TLS is set below, so that what stands in the environment
	// (PGSSLMODE and the like) weakens nothing.
	config, err := pgx.ParseConfig("host=localhost sslmode=disable")
	if err != nil {
		return nil, errors.New("the environment holds settings for PostgreSQL (PG…) that cannot be read")
	}
	config.Port, config.Database, config.User, config.Password = uint16(d.Port), d.Name, d.User, "" //nolint:gosec // 1 to 65535
	if d.PasswordFile != "" {
		raw, err := os.ReadFile(d.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("read the password: %w", err)
		}
		config.Password = strings.TrimRight(string(raw), "\r\n")
	}
	config.Host, config.Fallbacks, config.ConnectTimeout = d.Hosts[0], nil, dialTimeout
	if config.TLSConfig, err = d.TLS.config(d.Hosts[0]); err != nil {
		return nil, err
	}
	for _, host := range d.Hosts[1:] {
		way := &pgconn.FallbackConfig{Host: host, Port: config.Port}
		if way.TLSConfig, err = d.TLS.config(host); err != nil {
			return nil, err
		}
		config.Fallbacks = append(config.Fallbacks, way)
	}
	config.DialFunc = (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	timeout := strconv.FormatInt(d.Timeout.Milliseconds(), 10)
	config.RuntimeParams = map[string]string{
		"application_name": "amtsbote " + adapter, "client_encoding": "UTF8", "datestyle": "ISO, MDY", "timezone": "UTC",
		"statement_timeout": timeout, "lock_timeout": timeout, "idle_in_transaction_session_timeout": timeout,
	}
	for name, value := range params {
		config.RuntimeParams[name] = value
	}
	return config, nil
}

// config gives nil for a connection without TLS.
func (t tlsSettings) config(host string) (*tls.Config, error) {
	if socket(host) || t.Mode == tlsOff {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.CA != "" {
		raw, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(raw) {
			return nil, errors.New("tls.ca holds no certificate (PEM)")
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert and tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if t.Mode == verifyCA {
		roots := c.RootCAs
		c.InsecureSkipVerify = true // VerifyConnection checks the chain; only the name may be another
		c.VerifyConnection = func(s tls.ConnectionState) error { return chain(s, roots) }
	}
	return c, nil
}

// chain verifies the server's certificate, but not its name.
func chain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}

// connect opens a connection to the server that can be written.
func (d database) connect(ctx context.Context, env hub.Env, params map[string]string) (*pgx.Conn, error) {
	config, err := d.config(env.Adapter, params)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", tame(err))
	}
	return conn, nil
}

// hangUp closes a connection without waiting long for the server's farewell.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
