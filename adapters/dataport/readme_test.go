package dataport_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
)

// TestReadme runs the YAML of README.md through the code that reads it: the
// simulator makes the keys that the adapter has.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")
	block := func(n int) []byte { part, _, _ := strings.Cut(blocks[n], "```"); return []byte(part) }
	var adapter, sender struct{ Settings map[string]any }
	var federation struct {
		Simulators []struct{ Settings map[string]any }
	}
	if err := yaml.Unmarshal(block(1), &adapter); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(block(2), &sender); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(block(3), &federation); err != nil || len(federation.Simulators) != 1 {
		t.Fatal(federation, err)
	}
	env := adaptertest.Env(t.TempDir())
	env.Federation = env.Dir
	if err := os.Mkdir(filepath.Join(env.Dir, "fit"), 0o750); err != nil {
		t.Fatal(err)
	}
	former, err := keys()[1].WriteJWK(fit.Decryption)
	if err != nil {
		t.Fatal(err)
	}
	key, certificate := signs(t)
	for name, content := range map[string][]byte{
		"client": []byte("geheim"), "callback": []byte("geheim"), "2025.jwk": former, "sender": []byte("geheim"), "zbp.key": key, "zbp.crt": certificate,
	} {
		if err := os.WriteFile(filepath.Join(env.Dir, "fit", name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	(&service{dir: env.Dir}).lay(t)
	simulator := federation.Simulators[0].Settings
	simulator["listen"], simulator["bits"] = "127.0.0.1:0", 2048
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fitsim.Simulator().Run(ended, env, dump(t, simulator)); err != nil {
		t.Fatal(err)
	}
	if _, err := dataport.Kind().Source(env, dump(t, adapter.Settings)); err != nil {
		t.Error(err)
	}
	if _, err := send.Kind().Sink(env, dump(t, sender.Settings)); err != nil {
		t.Error(err)
	}
}

// signs gives a key and its certificate, PEM.
func signs(t *testing.T) (key, certificate []byte) {
	t.Helper()
	k := keys()[2].Key
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Stadt Beispiel"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func dump(t *testing.T, v any) adaptertest.Settings {
	t.Helper()
	b, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return adaptertest.Settings(b)
}
