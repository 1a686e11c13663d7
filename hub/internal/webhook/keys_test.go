package webhook

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
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLoad: secrets come from below the folder and from the environment; links that
// lead out are not followed, and no error says what a secret is.
func TestLoad(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "a", "gut"), []byte(secretText+"\n"))
	writeFile(t, filepath.Join(dir, "schlecht"), []byte("geheim!"))
	writeFile(t, filepath.Join(dir, "gross"), []byte(strings.Repeat("x", maxSecret+1)))
	writeFile(t, filepath.Join(outside, "fremd"), []byte(secretText))
	if err := os.Symlink(filepath.Join(outside, "fremd"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("a", "gut"), filepath.Join(dir, "innen")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AMTSBOTE_SECRET_A", secretText)
	for name, c := range map[string]struct {
		secret federation.Secret
		want   string // in the error; "": none
	}{
		"file":        {federation.Secret{File: "a/gut"}, ""},
		"link inside": {federation.Secret{File: "innen"}, ""},
		"variable":    {federation.Secret{Env: "AMTSBOTE_SECRET_A"}, ""},
		"none":        {federation.Secret{File: "fehlt"}, "secret fehlt"},
		"unset":       {federation.Secret{Env: "AMTSBOTE_SECRET_B"}, "AMTSBOTE_SECRET_B"},
		"no secret":   {federation.Secret{File: "schlecht"}, "schlecht: no secret"},
		"link out":    {federation.Secret{File: "link"}, "secret link"},
		"too large":   {federation.Secret{File: "gross"}, "64 KiB"},
	} {
		_, err := Load(&federation.Webhook{Secrets: []federation.Secret{c.secret}}, dir)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	one := &federation.Webhook{Secrets: []federation.Secret{{File: "a/gut"}}}
	before, err := Load(one, dir)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "a", "gut"), []byte("whsec_"+strings.Repeat("A", 32)))
	if after, err := Load(one, dir); err != nil || after.Digest() == before.Digest() {
		t.Errorf("another secret has the same digest: %v", err)
	}
	if _, err := Load(&federation.Webhook{Certificate: "schlecht", Key: "schlecht", CA: "schlecht"}, dir); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("certificates: %v", err)
	}
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority, and its
// key, in PEM.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, made, made, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// TestTLS: over a real connection the hub shows its certificate and believes the
// authority that it was given; without either nothing is delivered.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := selfSigned(t)
	writeFile(t, filepath.Join(dir, "hub.pem"), cert)
	writeFile(t, filepath.Join(dir, "hub.key"), key)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(cert)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(headerAllowedOrigin, "*")
		w.WriteHeader(http.StatusNoContent)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: known, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	defer server.Close()
	for name, c := range map[string]struct {
		certificate, key, ca string
		ok                   bool
	}{
		"both":           {"hub.pem", "hub.key", "hub.pem", true},
		"no certificate": {"", "", "hub.pem", false},
		"no authority":   {"hub.pem", "hub.key", "", false},
	} {
		w := &federation.Webhook{
			URL: server.URL + "/", Timeout: 5 * time.Second, Origin: "hub.example", Rate: 600, Format: federation.FormatStructured,
			Certificate: c.certificate, Key: c.key, CA: c.ca, Allow: []string{strings.TrimPrefix(server.URL, "https://")},
		}
		keys, err := Load(w, dir)
		if err != nil {
			t.Fatal(err)
		}
		h := &Hook{Application: "beta.one", Webhook: w, Keys: keys, Store: &memory{}, Turns: &mailbox.Turnstile{}, Log: zap.NewNop()}
		h.Open()
		if _, ok, code := h.handshake(t.Context(), ""); ok != c.ok {
			t.Errorf("%s: consent %v (%s)", name, ok, code)
		}
		m := message{id: "d1", header: http.Header{"Content-Type": {typeStructured}}, body: []byte("{}")}
		if a := h.request(t.Context(), m); (a.verdict == delivered) != c.ok {
			t.Errorf("%s: %+v", name, a)
		} else if c.ca == "" && a.code != "tls" {
			t.Errorf("%s: the fault is %s", name, a.code)
		}
		h.client.CloseIdleConnections()
	}
}
