// Package mail tells the contacts of webhooks by e-mail what they have to hear: in
// German and English, without anything personal and anything of an event. What is to
// be told waits in a bounded book that outlives restarts; one goroutine sends it
// (Post.Run), so that nobody who tells something waits for a mail server.
package mail

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/amtsbote/amtsbote/hub/internal/mail/address"
)

// Config says by which server mail is sent, as the flags of serve give it.
type Config struct {
	// Server is its address, host:port.
	Server string
	// From is the sender's e-mail address, which gets the bounces.
	From string
	// User logs in, with the password in PasswordFile, which is read for each mail.
	// Both "": no login.
	User, PasswordFile string
	// TLS is StartTLS, Implicit or None; "": None on loopback, StartTLS elsewhere.
	TLS string
	// CA is a file of authorities (PEM) to believe instead of the system's; "": the
	// system's.
	CA string
}

// How a connection to the server is protected.
const (
	StartTLS = "starttls" // RFC 3207; a server that does not offer it gets nothing
	Implicit = "implicit" // RFC 8314, usually port 465
	None     = "none"     // on loopback only
)

// Server is a mail server, ready to be sent to.
type Server struct {
	host, from     string
	port           int
	user, password string // the latter is a file
	security       string
	tls            *tls.Config
	dial           dialFunc
}

// Open checks the configuration and reads its files. It connects to nobody: the mail
// server may be away when the hub starts. Errors name the flag.
func (c Config) Open() (*Server, error) {
	host, port, err := c.server()
	if err != nil {
		return nil, err
	}
	from, err := address.Parse(c.From)
	if err != nil {
		return nil, fmt.Errorf("--mail-from %q: %w; give one, like amtsbote@example.de", c.From, err)
	}
	s := &Server{host: host, port: port, from: from, user: c.User, password: c.PasswordFile, dial: (&net.Dialer{}).DialContext}
	if s.security, err = c.security(host); err != nil {
		return nil, err
	}
	if (c.User == "") != (c.PasswordFile == "") {
		return nil, errors.New("--mail-user and --mail-password-file belong together: give both")
	}
	if c.User != "" {
		if _, err := readPassword(c.PasswordFile); err != nil {
			return nil, err
		}
	}
	s.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	s.tls.RootCAs, err = readCA(c.CA)
	return s, err
}

func (c Config) server() (host string, port int, err error) {
	if c.Server == "" {
		return "", 0, errors.New("mail settings without a server: give --mail-server, like mail.example.de:587")
	}
	host, service, err := net.SplitHostPort(c.Server)
	if err == nil {
		port, err = strconv.Atoi(service)
	}
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("--mail-server %q: not host:port, like mail.example.de:587", c.Server)
	}
	return host, port, nil
}

func (c Config) security(host string) (string, error) {
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	switch c.TLS {
	case "":
		if loopback {
			return None, nil
		}
		return StartTLS, nil
	case StartTLS, Implicit:
		return c.TLS, nil
	case None:
		if loopback {
			return None, nil
		}
		return "", fmt.Errorf("--mail-tls none is for a server on loopback only, not for %s: %s or %s", host, StartTLS, Implicit)
	}
	return "", fmt.Errorf("--mail-tls %q: %s, %s or %s", c.TLS, StartTLS, Implicit, None)
}

// maxPassword is the largest file of a password.
const maxPassword = 1024

func readPassword(file string) (string, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("--mail-password-file: %w", err)
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" || len(raw) > maxPassword || strings.ContainsFunc(password, unicode.IsControl) {
		return "", fmt.Errorf("--mail-password-file: %s does not hold a password alone, on one line", file)
	}
	return password, nil
}

func readCA(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("--mail-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--mail-ca: %s holds no certificate (PEM)", file)
	}
	return pool, nil
}
