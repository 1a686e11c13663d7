package xtasim_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
)

const message = `<x:fortschreibung.probe.0999 xmlns:x="http://www.osci.de/xmeld2511a" standard="XMeld" version="25.11a" test="ja">
 <nachrichtenkopf.g2g><identifikation.nachricht><nachrichtenUUID>aaaaaaaa-0000-4000-8000-000000000001</nachrichtenUUID>
  <nachrichtentyp><code>0999</code></nachrichtentyp><erstellungszeitpunkt>2026-03-02T09:15:00</erstellungszeitpunkt></identifikation.nachricht>
  <leser><kennung>%s</kennung><name>L</name></leser><autor><kennung>ags:09999001</kennung><name>A</name></autor></nachrichtenkopf.g2g>
</x:fortschreibung.probe.0999>`

// authority signs certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{dir: dir}
	a.cert, a.key = a.issue(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue writes name.pem and name.key.
func (a *authority) issue(t *testing.T, name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for ending, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(a.dir, name+ending), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// start runs the simulator and gives its address.
func start(t *testing.T, dir, settings string) string {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	env := adaptertest.Env(dir)
	env.Federation, env.Log = dir, zap.New(core)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- xtasim.Simulator().Run(ctx, env, adaptertest.Settings(settings)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var address string
	eventually(t, func() bool {
		for _, e := range logs.FilterMessage("XTA simulator").All() {
			address, _ = e.ContextMap()["address"].(string)
		}
		return address != ""
	})
	return address
}

func eventually(t *testing.T, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for !ready() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come to that")
		}
	}
}

func dial(t *testing.T, address, kennung string, files xta.Files) xta.Service {
	t.Helper()
	config, err := files.TLS()
	if err != nil {
		t.Fatal(err)
	}
	transport := xta.Transport(config)
	t.Cleanup(transport.CloseIdleConnections)
	url := "https://" + address + "/"
	return xta.Dial(xta.Config{
		ManagementPort: url, SendPort: url, BoxPort: url, Account: wire.Party{Type: "xoev", Kennung: kennung},
		Timeout: 10 * time.Second, Dir: t.TempDir(),
	}, transport)
}

// TestSimulator serves a box from a folder by mutual TLS.
func TestSimulator(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, dir)
	ca.issue(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	for _, name := range []string{"kvr", "fremd"} {
		ca.issue(t, name, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	}
	address := start(t, dir, `{listen: '127.0.0.1:0', dir: xta, poll: 2ms, tls: {cert: server.pem, key: server.key, client-ca: ca.pem},
		accounts: {'ags:09162000': {common-name: kvr}, 'ags:09184119': {locked: true}}, faults: [{on: getMessage, do: "9030"}]}`)
	file := func(name string) string { return filepath.Join(dir, name) }
	own := xta.Files{Cert: file("kvr.pem"), Key: file("kvr.key"), CA: file("ca.pem")}
	kvr := dial(t, address, "ags:09162000", own)
	ctx := t.Context()
	if err := kvr.CheckAccountActive(ctx); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files   xta.Files
		kennung string
		code    string
	}{
		"another's certificate": {xta.Files{Cert: file("fremd.pem"), Key: file("fremd.key"), CA: file("ca.pem")}, "ags:09162000", "fault 9014"},
		"locked":                {own, "ags:09184119", "fault 9011"},
		"unknown":               {own, "ags:00000001", "fault 9012"},
		"no certificate":        {xta.Files{CA: file("ca.pem")}, "ags:09162000", ""}, // in the words of whichever of TLS and HTTP/2 notices first
		"unknown server":        {xta.Files{Cert: file("kvr.pem"), Key: file("kvr.key")}, "ags:09162000", "x509: "},
		"other server":          {xta.Files{CA: file("ca.pem"), ServerName: "xta.example.org"}, "ags:09162000", "x509: "},
	} {
		if err := dial(t, address, c.kennung, c.files).CheckAccountActive(ctx); err == nil || !strings.Contains(err.Error(), c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	letterFromFolder(t, kvr, dir)
}

func letterFromFolder(t *testing.T, kvr xta.Service, dir string) {
	t.Helper()
	ctx := t.Context()
	post := filepath.Join(dir, "xta", "post")
	if err := os.WriteFile(filepath.Join(post, "a.xml"), nil, 0o600); err != nil { // as one that is being written
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"a.xml": fmt.Sprintf(message, "ags:09162000"), "b.xml": "<brief/>", "c.txt": "",
	} {
		if err := os.WriteFile(filepath.Join(post, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var page *xta.Page
	eventually(t, func() bool {
		var err error
		if page, err = kvr.List(ctx, xta.Query{NewOnly: true, Max: 10}); err != nil {
			t.Fatal(err)
		}
		return len(page.Entries) > 0
	})
	id := page.Entries[0].MessageID
	if m := page.Entries[0].MetaData; m.Author.Kennung != "ags:09999001" || !m.Test || m.Type.Code != "0999" {
		t.Error(m)
	}
	if _, err := kvr.Fetch(ctx, id); wire.ClassOf(err) != wire.Retry || !strings.Contains(err.Error(), "9030") {
		t.Error("the order of the settings was not carried out:", err)
	}
	f, err := kvr.Fetch(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := kvr.Close(ctx, f.RequestID, id); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fetched/a.xml", "refused/b.xml", "post/c.txt"} {
		eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(dir, "xta", name))
			return err == nil
		})
	}
	sendOne(t, kvr, dir)
}

func sendOne(t *testing.T, kvr xta.Service, dir string) {
	t.Helper()
	id, err := kvr.NewMessageID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "xta", "fetched", "a.xml")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	meta := &wire.MetaData{
		Author: wire.Party{Type: "xoev", Kennung: "ags:09162000"}, Reader: wire.Party{Type: "xoev", Kennung: "ags:09162000"},
		MessageID: id, Service: "urn:a", Scenario: wire.Code{Code: "a"}, PayloadSchema: "urn:a",
	}
	item := wire.Item{ContentType: "text/xml", Content: wire.Content{Size: info.Size(), Open: opens(file)}}
	if err := kvr.Send(t.Context(), meta, &wire.Container{Message: item}); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "xta", "sent", "*.xml")); err != nil || len(left) != 1 {
		t.Error(left, err)
	}
	if page, err := kvr.List(t.Context(), xta.Query{}); err != nil || len(page.Entries) != 1 || page.Entries[0].MessageID != id {
		t.Error("what was sent is not in its reader's box:", page, err)
	}
}

func opens(file string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(file) }
}

func TestSettings(t *testing.T) {
	for key, yaml := range map[string]string{
		"listen":      "{dir: a, listen: '0.0.0.0:80'}",
		"dir":         "{}",
		"poll":        "{dir: a, poll: 0s}",
		"faults.0.on": "{dir: a, faults: [{on: nothing, do: lost}]}",
		"faults.0.do": "{dir: a, faults: [{on: close, do: nothing}]}",
	} {
		err := xtasim.Simulator().Run(t.Context(), adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml))
		if got, _, _ := strings.Cut(fmt.Sprint(err), ":"); got != key {
			t.Errorf("%s: %v", key, err)
		}
	}
}
