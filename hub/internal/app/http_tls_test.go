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
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// certifier signs certificates and revocation lists.
type certifier struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newCertifier(t *testing.T, dir, name string) *certifier {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte(name),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(raw)
	must(t, err)
	a := &certifier{dir, key, cert}
	a.write(t, name+".pem", "CERTIFICATE", raw)
	return a
}

func (a *certifier) write(t *testing.T, file, kind string, raw []byte) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600))
}

// issue makes <name>.crt and <name>.key.
func (a *certifier) issue(t *testing.T, name string, serial int64, subject pkix.Name) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{name + ".example"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	must(t, err)
	a.write(t, name+".crt", "CERTIFICATE", raw)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	a.write(t, name+".key", "PRIVATE KEY", der)
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key"))
	must(t, err)
	return pair
}

// revoke writes crl.pem.
func (a *certifier) revoke(t *testing.T, number int64, until time.Time, serials ...int64) {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: until}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: time.Now()})
	}
	raw, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	must(t, err)
	a.write(t, "crl.pem", "X509 CRL", raw)
}

// TestHTTPCertificates: a client certificate lets in the application that the
// directory assigns its name to, unless it is revoked, its authority is unknown, or the
// revocation list is out of date or gone; over TLS 1.3 alone.
func TestHTTPCertificates(t *testing.T) {
	dir := t.TempDir()
	ca, evil := newCertifier(t, dir, "ca"), newCertifier(t, dir, "evil")
	ca.issue(t, "server", 2, pkix.Name{CommonName: "server"})
	mine := ca.issue(t, "alpha", 3, pkix.Name{CommonName: "alpha", Organization: []string{"Alpha"}})
	other := ca.issue(t, "other", 4, pkix.Name{CommonName: "other"})
	later := ca.issue(t, "later", 5, pkix.Name{CommonName: "later"})
	forged := evil.issue(t, "forged", 3, pkix.Name{CommonName: "alpha", Organization: []string{"Alpha"}})
	ca.revoke(t, 1, time.Now().Add(time.Hour), 99)
	fed := t.TempDir()
	hubtest.WriteFederation(t, fed)
	sub(t, fed, "organisations/alpha.yaml", "    title: Alpha\n", "    title: Alpha\n    access: {certificate: [{subject: \"CN=alpha,O=Alpha\"}, {dns: later.example}]}\n")
	a := startApp(t, app.Config{Directory: fed, Data: filepath.Join(t.TempDir(), "data"), HTTP: &app.HTTP{
		Listen: "127.0.0.1:0", CRL: filepath.Join(dir, "crl.pem"),
		TLS: httpapi.TLSFiles{Cert: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key"), ClientCA: filepath.Join(dir, "ca.pem")},
	}})
	defer stopApp(t, a)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	ask := func(cfg *tls.Config) int {
		cfg.RootCAs = roots
		transport := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.HTTPURL()+"/check", strings.NewReader(thing("1", `{"n":1}`)))
		must(t, err)
		req.Header.Set("Content-Type", "application/cloudevents+json")
		resp, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(req)
		if err != nil {
			return 0 // no connection
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode
	}
	with := func(c tls.Certificate) *tls.Config {
		return &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }}
	}
	for _, tc := range []struct {
		what string
		cfg  *tls.Config
		want int
	}{
		{"its certificate", with(mine), http.StatusOK},
		{"another of its certificates", with(later), http.StatusOK},
		{"a certificate of nobody", with(other), http.StatusUnauthorized},
		{"no certificate", &tls.Config{}, http.StatusUnauthorized},
		{"a certificate of another authority", with(forged), 0},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, 0},
	} {
		if got := ask(tc.cfg); got != tc.want {
			t.Errorf("%s is answered %d, want %d", tc.what, got, tc.want)
		}
	}
	ca.revoke(t, 200, time.Now().Add(time.Hour), 3, 4)
	if one, two := ask(with(mine)), ask(with(later)); one != http.StatusUnauthorized || two != http.StatusOK {
		t.Errorf("the revoked one is answered %d, the other %d", one, two)
	}
	ca.revoke(t, 30_000, time.Now().Add(-time.Hour))
	if got := ask(with(later)); got != http.StatusUnauthorized {
		t.Errorf("with a list that is out of date the answer is %d", got)
	}
	must(t, os.Remove(filepath.Join(dir, "crl.pem")))
	if got := ask(with(later)); got != http.StatusUnauthorized {
		t.Errorf("without its list the answer is %d", got)
	}
}

// TestHTTPNeedsTLS: beyond loopback the hub does not start without it.
func TestHTTPNeedsTLS(t *testing.T) {
	for listen, cfg := range map[string]app.HTTP{
		"0.0.0.0:0": {}, ":0": {}, "127.0.0.1:0": {TLS: httpapi.TLSFiles{Cert: "x"}}, "localhost:0": {CRL: "x"}, "[::1]:0": {OIDC: app.OIDC{Issuer: "https://x"}},
	} {
		dir := t.TempDir()
		hubtest.WriteFederation(t, dir)
		cfg.Listen = listen
		a, err := app.New(app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), AllowTemp: true, HTTP: &cfg})
		must(t, err)
		if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "--") {
			t.Errorf("on %s with %+v it starts: %v", listen, cfg, err)
			stopApp(t, a)
		}
	}
}
