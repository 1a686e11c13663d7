package webhookin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// certificate writes a self-signed one for 127.0.0.1 and gives who believes it.
func (h *house) certificate(t *testing.T, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "tls/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	h.write(t, "tls/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return pool
}

// TestXMLOverTLS: XML comes over TLS, before and after the certificate is
// replaced, and plain HTTP gets nothing.
func TestXMLOverTLS(t *testing.T) {
	h := newHouse(t, github+"tls: {cert: tls/cert.pem, key: tls/key.pem}\n")
	h.write(t, "mappings/m.yaml", `format: xml
type: de.test.geschehen.v1
id: {from: /M/@nr}
data: {/betrag: {from: /M/Betrag, as: number}}
beispiele: [{input: mappings/gut.xml, expect: {betrag: 1}}]
`)
	h.write(t, "mappings/gut.xml", `<M nr="0"><Betrag>1</Betrag></M>`)
	pool := h.certificate(t, 1)
	in := adaptertest.NewIntake()
	h.run(t, in)
	secure := func(pool *x509.CertPool) *http.Client {
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	}
	send := func(client *http.Client, url, body string) (int, string) {
		status, code, err := post(t.Context(), client, url, body, map[string]string{"Content-Type": "text/xml; charset=utf-8", "X-Hub-Signature-256": sign256(body)})
		if err != nil {
			return 0, err.Error()
		}
		return status, code
	}
	url := strings.Replace(h.url(), "http:", "https:", 1)
	if status, code := send(secure(pool), url, `<M nr="1"><Betrag>1.5</Betrag></M>`); status != 200 {
		t.Errorf("over TLS: %d %s", status, code)
	}
	if status, code := send(secure(pool), url, `<!DOCTYPE M><M nr="1"/>`); status != 400 || code != "not-xml" {
		t.Errorf("a document type: %d %s", status, code)
	}
	if status, _ := send(secure(pool), h.url(), `<M nr="2"><Betrag>1</Betrag></M>`); status != 400 && status != 0 {
		t.Errorf("without TLS: %d", status)
	}
	newer := h.certificate(t, 2)
	if status, code := send(secure(newer), url, `<M nr="3"><Betrag>1</Betrag></M>`); status != 200 {
		t.Errorf("with the new certificate: %d %s", status, code)
	}
	if n := len(in.Events()); n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestBusy: beyond at-once a request is turned away at once.
func TestBusy(t *testing.T) {
	h := newHouse(t, github+"at-once: 1\n")
	in := adaptertest.NewIntake()
	reached, release := make(chan struct{}), make(chan struct{})
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		close(reached)
		<-release
		return store()
	})
	client := h.run(t, in)
	first := make(chan int, 1)
	go func() {
		status, _, _ := post(t.Context(), client, h.url(), body, map[string]string{"X-Hub-Signature-256": sign256(body)})
		first <- status
	}()
	<-reached
	if status, code, err := post(t.Context(), client, h.url(), body, map[string]string{"X-Hub-Signature-256": sign256(body)}); status != 503 || code != "busy" {
		t.Errorf("the second: %d %s (%v)", status, code, err)
	}
	close(release)
	if status := <-first; status != 200 {
		t.Errorf("the first: %d", status)
	}
}
