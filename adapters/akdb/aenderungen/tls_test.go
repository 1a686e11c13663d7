package aenderungen_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

// city.md 2.4: the feed wants TLS with a client certificate.
func TestMutualTLS(t *testing.T) {
	c := newCity(t, true)
	ca, caKey, _ := certify(t, nil, nil)
	pair := func() tls.Certificate {
		_, _, pemBytes := certify(t, ca, caKey)
		p, err := tls.X509KeyPair(pemBytes, pemBytes)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	_, _, client := certify(t, ca, caKey)
	c.write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})))
	c.write(t, "client.pem", string(client))
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "lhm-ewo-eai-aenderungen-tls"), kfake.TLS(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair()}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	producer, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.DialTLSConfig(&tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{pair()},
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	for _, value := range []string{om(1), `"` + om(1) + `"`} { // as Spring's JsonSerializer would write it
		if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: "lhm-ewo-eai-aenderungen-tls", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	yaml := strings.NewReplacer(c.feed.Broker(), broker.ListenAddrs()[0], "klartext: true",
		"ca: ca.pem, zertifikat: client.pem, schluessel: client.pem").Replace(c.settings("keine"))
	in := adaptertest.NewIntake()
	c.listen(t, in, yaml)
	if all := events(t, in, 2); all[0].Subject() != all[1].Subject() {
		t.Error("bare and quoted value are two persons")
	}
	// A broker's certificate that nobody vouches for is an error, not a way around.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	src, err := c.source(strings.Replace(yaml, "ca: ca.pem, ", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Run(ctx, adaptertest.NewIntake()); err == nil && ctx.Err() == nil {
		t.Error("Run went on with an untrusted broker")
	}
}

// certify makes a certificate for 127.0.0.1, signed by the parent or by itself;
// the PEM holds certificate and key.
func certify(t *testing.T, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: fmt.Sprintf("probe-%t", parent == nil)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, parentKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	keyRaw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: raw})
	_ = pem.Encode(&out, &pem.Block{Type: "EC PRIVATE KEY", Bytes: keyRaw})
	return cert, key, out.Bytes()
}
