package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/raced"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
)

// pemFiles writes a certificate for host and its key.
func pemFiles(t *testing.T, dir, host string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{host},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	raw, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	for name, block := range map[string]*pem.Block{"server.crt": {Type: "CERTIFICATE", Bytes: der}, "server.key": {Type: "EC PRIVATE KEY", Bytes: raw}} {
		must(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}

// startByNetwork starts the server at a free port, which another program may take
// first: then at another.
func startByNetwork(t *testing.T, c *pgtest.Cluster) (port string) {
	t.Helper()
	var failed error
	for range 10 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		_, port, _ = net.SplitHostPort(l.Addr().String())
		must(t, l.Close())
		c.Also("-c", "ssl=on", "-c", "listen_addresses=127.0.0.1", "-c", "port="+port)
		if failed = c.Start(); failed == nil {
			return port
		}
	}
	t.Fatal(failed)
	return ""
}

// TestTLS: by the network only with TLS, a certificate of the right authority and
// name, and a password, whose file is read anew.
func TestTLS(t *testing.T) {
	raced.Skip(t, "one thing after another")
	c := pgtest.New(t)
	r := newRoom(t, c)
	r.outbox()
	r.add(0, 1)
	r.exec("CREATE ROLE fern LOGIN PASSWORD '" + secret + "'")
	r.exec("GRANT USAGE ON SCHEMA " + r.schema + " TO fern")
	r.exec("GRANT SELECT ON S.outbox TO fern")
	r.exec("ALTER SYSTEM SET listen_addresses = '127.0.0.1'")
	must(t, c.Stop(syscall.SIGINT))
	pemFiles(t, c.Data(), "localhost")
	must(t, c.Own(filepath.Join(c.Data(), "server.crt"), filepath.Join(c.Data(), "server.key")))
	must(t, os.WriteFile(filepath.Join(c.Data(), "pg_hba.conf"), []byte("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"), 0o600))
	port := startByNetwork(t, c)
	pemFiles(t, r.dir, "localhost") // another authority
	raw, err := os.ReadFile(filepath.Join(c.Data(), "server.crt"))
	must(t, err)
	r.write("ca.pem", string(raw))
	r.write("password", "falsch\n")
	settings := func(host, tls string) string {
		return plainTypes + fmt.Sprintf("database: {hosts: [%s], port: %s, name: postgres, user: fern, password-file: password, tls: %s}\n", host, port, tls)
	}
	fails := func(more, part string) {
		t.Helper()
		r.more = more
		log := r.failure()
		if !strings.Contains(log, part) || strings.Contains(log, secret) {
			t.Errorf("the log says %q, want %q", log, part)
		}
	}
	fails(settings("localhost", "{ca: ca.pem}"), "password authentication failed")
	r.write("password", secret+"\n")
	fails(settings("localhost", "{ca: server.crt}"), "certificate")
	fails(settings("127.0.0.1", "{ca: ca.pem}"), "certificate")
	fails(settings("127.0.0.1", `{mode: "off"}`), "no encryption")
	for _, more := range []string{settings("localhost", "{ca: ca.pem}"), settings("127.0.0.1", "{mode: verify-ca, ca: ca.pem}")} {
		r.more = more
		in := adaptertest.NewIntake()
		r.play(in, func() bool { return len(in.Events()) == 1 })
	}
}
