package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// pki makes certificates, as files.
type pki struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	a := &pki{t: t, dir: t.TempDir()}
	a.cert, a.key, _ = a.make("ca", nil, nil)
	a.pool = x509.NewCertPool()
	a.pool.AddCert(a.cert)
	return a
}

// make writes NAME.pem and NAME.key and gives what they hold.
func (a *pki) make(name string, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, tls.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	must(a.t, err)
	rawKey, err := x509.MarshalECPrivateKey(key)
	must(a.t, err)
	certPEM, keyPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: rawKey})
	must(a.t, os.WriteFile(a.file(name+".pem"), certPEM, 0o600))
	must(a.t, os.WriteFile(a.file(name+".key"), keyPEM, 0o600))
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	must(a.t, err)
	parsed, err := x509.ParseCertificate(der)
	must(a.t, err)
	return parsed, key, pair
}

func (a *pki) file(name string) string { return filepath.Join(a.dir, name) }

// TestListenerTLS tries versions of TLS and certificates of clients at a listener that
// other machines can reach.
func TestListenerTLS(t *testing.T) {
	ca, stranger := newPKI(t), newPKI(t)
	ca.make("hub", ca.cert, ca.key)
	_, _, known := ca.make("client", ca.cert, ca.key)
	_, _, unknown := stranger.make("client", stranger.cert, stranger.key)
	for name, c := range map[string]struct {
		clientCA string
		version  uint16
		certs    []tls.Certificate
		plain    bool
		ok       bool
	}{
		"TLS 1.3":                        {version: tls.VersionTLS13, ok: true},
		"TLS 1.2":                        {version: tls.VersionTLS12},
		"without TLS":                    {plain: true},
		"a client of the authority":      {clientCA: ca.file("ca.pem"), version: tls.VersionTLS13, certs: []tls.Certificate{known}, ok: true},
		"a client of another":            {clientCA: ca.file("ca.pem"), version: tls.VersionTLS13, certs: []tls.Certificate{unknown}},
		"a client without a certificate": {clientCA: ca.file("ca.pem"), version: tls.VersionTLS13},
		"a known client with an old TLS": {clientCA: ca.file("ca.pem"), version: tls.VersionTLS12, certs: []tls.Certificate{known}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := app.ReadTLS(ca.file("hub.pem"), ca.file("hub.key"), c.clientCA)
			must(t, err)
			w := &world{t: t, dir: t.TempDir(), w: newWatch()}
			hubtest.WriteFederation(t, w.dir)
			data, err := os.MkdirTemp("", "d") // the name of a test is too long for a socket's address
			must(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(data) })
			w.App = startApp(t, app.Config{Directory: w.dir, Data: data, Observer: w.w, Listen: "0.0.0.0:0", TLS: cfg})
			t.Cleanup(func() { stopApp(t, w.App) })
			file, _ := w.issue(app.CredentialsRequest{Name: "alpha.app"}) // commands reach the hub in any case
			_, port, err := net.SplitHostPort(strings.TrimPrefix(w.URL(), "tls://"))
			must(t, err)
			url, opts := "tls://127.0.0.1:"+port, []nats.Option{nats.UserCredentials(file), nats.NoReconnect()}
			if c.plain {
				if answer := plainly(t, "127.0.0.1:"+port); !strings.Contains(answer, "ERR") && answer != "" {
					t.Errorf("without TLS the server says %q", answer)
				}
				return
			}
			opts = append(opts, nats.Secure(&tls.Config{RootCAs: ca.pool, MinVersion: c.version, MaxVersion: c.version, Certificates: c.certs}))
			nc, err := nats.Connect(url, opts...)
			if err == nil {
				defer nc.Close()
			}
			if (err == nil) != c.ok {
				t.Errorf("connect: %v, want ok = %v", err, c.ok)
			}
		})
	}
}

// plainly asks to connect without TLS and gives what is answered after the greeting.
func plainly(t *testing.T, address string) string {
	t.Helper()
	c, err := net.Dial("tcp", address) //nolint:noctx // a test
	must(t, err)
	defer func() { _ = c.Close() }()
	must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	buf := make([]byte, 64<<10)
	_, err = c.Read(buf)
	must(t, err)
	_, err = c.Write([]byte("CONNECT {\"verbose\":true,\"tls_required\":false}\r\nPING\r\n"))
	must(t, err)
	n, _ := c.Read(buf)
	return string(buf[:n])
}

// TestListenerRefused: without TLS the hub does not start on an address that other
// machines can reach, and says what to do.
func TestListenerRefused(t *testing.T) {
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:4222", "example.org:4222"} {
		a, err := app.New(app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Listen: listen, AllowTemp: true, Kinds: adapters.Kinds()})
		must(t, err)
		if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
			t.Errorf("listen on %s: %v", listen, err)
			must(t, a.Stop())
		}
	}
	ca := newPKI(t)
	for name, args := range map[string][3]string{
		"no key":         {ca.file("ca.pem"), "", ""},
		"no certificate": {"", ca.file("ca.key"), ""},
		"only clients":   {"", "", ca.file("ca.pem")},
		"no file":        {ca.file("none.pem"), ca.file("none.key"), ""},
		"no authority":   {ca.file("ca.pem"), ca.file("ca.key"), ca.file("ca.key")},
		"swapped":        {ca.file("ca.key"), ca.file("ca.pem"), ""},
	} {
		if _, err := app.ReadTLS(args[0], args[1], args[2]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCertificateRenewed: a renewed certificate is shown without a restart.
func TestCertificateRenewed(t *testing.T) {
	ca := newPKI(t)
	ca.make("hub", ca.cert, ca.key)
	cfg, err := app.ReadTLS(ca.file("hub.pem"), ca.file("hub.key"), "")
	must(t, err)
	before, err := cfg.GetCertificate(nil)
	must(t, err)
	must(t, os.WriteFile(ca.file("hub.pem"), []byte("half"), 0o600))
	must(t, os.Chtimes(ca.file("hub.pem"), time.Now(), time.Now().Add(time.Minute)))
	if now, err := cfg.GetCertificate(nil); err != nil || now != before {
		t.Errorf("half written: %v", err)
	}
	ca.make("hub", ca.cert, ca.key)
	must(t, os.Chtimes(ca.file("hub.pem"), time.Now(), time.Now().Add(2*time.Minute)))
	if now, err := cfg.GetCertificate(nil); err != nil || now == before {
		t.Errorf("renewed, and the one before is shown: %v", err)
	}
}
