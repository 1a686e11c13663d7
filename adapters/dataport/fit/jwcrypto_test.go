package fit_test

import (
	"bytes"
	"compress/flate"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// jwcrypto reads {"key": PEM, "kid": its name, "zipped": JWE, "set": JWS}; it decrypts the one,
// verifies the other, and encrypts in its own way: metadata, and ten million spaces,
// both with zip.
const jwcrypto = `
import json, sys
from jwcrypto import jwk, jwe, jws
i = json.load(sys.stdin)
key = jwk.JWK.from_pem(i["key"].encode())
def seal(text):
    t = jwe.JWE(text, json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF", "kid": i["kid"], "cty": "application/json"}))
    t.add_recipient(key)
    return t.serialize(compact=True)
opened = jwe.JWE()
opened.deserialize(i["zipped"], key)
signed = jws.JWS()
signed.allowed_algs = ["PS512"]
signed.deserialize(i["set"], key)
json.dump({"opened": opened.payload.decode(), "set": signed.payload.decode(), "metadata": seal(i["metadata"]), "bomb": seal(" " * 10000000)}, sys.stdout)
`

func deflated(t *testing.T, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestJWCrypto: another library than the one that this package is built beside reads
// what is written here and is read here, compressed parts among it; what inflates
// beyond the limit is refused.
func TestJWCrypto(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	der, err := x509.MarshalPKCS8PrivateKey(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	compact, _, err := fit.EncryptZipped(key.Public(), "application/json", deflated(t, []byte(metadata2)))
	if err != nil {
		t.Fatal(err)
	}
	set, err := fit.SET{
		Schema: fit.DefaultSetSchema, Issuer: "d12caea8-f372-4eb1-b102-b0a228253a11", Subject: fit.Submission("d12caea8-f372-4eb1-b102-b0a228253a11"),
		Case: "d12caea8-f372-4eb1-b102-b0a228253a11", Event: fit.AcceptSubmission,
	}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{"key": private, "kid": key.ID, "zipped": compact, "set": set, "metadata": metadata2})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Opened, Set, Metadata, Bomb string }
	if err := json.Unmarshal(interop.Python(t, jwcrypto, input, "jwcrypto"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Opened != metadata2 || !strings.Contains(got.Set, fit.EventPrefix+fit.AcceptSubmission) {
		t.Errorf("jwcrypto has read %q and %q", got.Opened, got.Set)
	}
	plain, j, err := fit.Decrypt(got.Metadata, fit.Keyring{key}, 1<<20)
	if err != nil || string(plain) != metadata2 || j.Header.Zip != "DEF" {
		t.Errorf("read %q: %v", plain, err)
	}
	if _, err := fit.ReadMetadata(plain); err != nil {
		t.Error(err)
	}
	if len(got.Bomb) > 100_000 {
		t.Errorf("the bomb has %d bytes", len(got.Bomb))
	}
	bomb, err := fit.ReadJWE(strings.NewReader(got.Bomb), int64(len(got.Bomb)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := bomb.Open(fit.Keyring{key})
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]error{1 << 20: fit.ErrTooLarge, 9_999_999: fit.ErrTooLarge, 10_000_000: nil} {
		n, err := io.Copy(io.Discard, content.Reader(most))
		if !errors.Is(err, want) || n > most || want == nil && err != nil {
			t.Errorf("limit %d: %d bytes, %v", most, n, err)
		}
	}
	if !bytes.Equal(plain, []byte(got.Opened)) {
		t.Error("both ways differ")
	}
}
