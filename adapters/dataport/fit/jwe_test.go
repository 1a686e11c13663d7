package fit_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

const limit = 1 << 20

// TestSealIsReadByGoJose: what is written, another library reads.
func TestSealIsReadByGoJose(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	for _, size := range []int{0, 1, 16, 70_000} {
		plain := make([]byte, size)
		_, _ = rand.Read(plain)
		compact, tag, err := fit.Encrypt(key.Public(), "application/json", plain)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		got, err := parsed.Decrypt(key.Key)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", size, err)
		}
		if parsed.Header.KeyID != key.ID || parsed.Header.ExtraHeaders["cty"] != "application/json" || !strings.HasSuffix(compact, "."+tag) {
			t.Errorf("header %+v, tag %q", parsed.Header, tag)
		}
	}
}

// foreign is a JWE by go-jose.
func foreign(t testing.TB, key fit.PrivateKey, alg jose.KeyAlgorithm, enc jose.ContentEncryption, opt *jose.EncrypterOptions, plain []byte) string {
	t.Helper()
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key.Public().Key, KeyID: key.ID}, opt)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Encrypt(plain)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// TestDecryptReadsGoJose: what another library writes is read, also compressed and
// by an older key.
func TestDecryptReadsGoJose(t *testing.T) {
	t.Parallel()
	key, other := keys(t)
	plain := []byte(strings.Repeat(`{"F60000227":"Mustermann"}`, 5000))
	for _, c := range []struct {
		name string
		opt  *jose.EncrypterOptions
		ring fit.Keyring
		err  error
	}{
		{"plain", &jose.EncrypterOptions{}, fit.Keyring{key}, nil},
		{"with zip, as version 1", &jose.EncrypterOptions{Compression: jose.DEFLATE}, fit.Keyring{other, key}, nil},
		{"its key is not here", &jose.EncrypterOptions{}, fit.Keyring{other}, fit.ErrNoKey},
		{"another key has its name", &jose.EncrypterOptions{}, fit.Keyring{{ID: key.ID, Key: other.Key}}, fit.ErrDecrypt},
		{"no key", &jose.EncrypterOptions{}, nil, fit.ErrNoKey},
	} {
		compact := foreign(t, key, jose.RSA_OAEP_256, jose.A256GCM, c.opt.WithContentType("application/json"), plain)
		got, j, err := fit.Decrypt(" "+compact+"\r\n", c.ring, limit)
		if !errors.Is(err, c.err) || c.err == nil && !bytes.Equal(got, plain) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !fit.SameTag(j.Tag, compact[strings.LastIndexByte(compact, '.')+1:]) {
			t.Errorf("%s: tag %q", c.name, j.Tag)
		}
	}
}

func TestDecryptRefusesOtherAlgorithms(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	for _, c := range []struct {
		alg jose.KeyAlgorithm
		enc jose.ContentEncryption
	}{{jose.RSA1_5, jose.A256GCM}, {jose.RSA_OAEP, jose.A256GCM}, {jose.RSA_OAEP_256, jose.A128GCM}, {jose.RSA_OAEP_256, jose.A256CBC_HS512}} {
		compact := foreign(t, key, c.alg, c.enc, nil, []byte("x"))
		if _, _, err := fit.Decrypt(compact, fit.Keyring{key}, limit); !errors.Is(err, fit.ErrAlgorithm) && !errors.Is(err, fit.ErrForm) {
			t.Errorf("%s, %s: %v", c.alg, c.enc, err)
		}
	}
}

// TestDecryptLimits: a small part that grows is cut off at the limit, whatever its
// size says.
func TestDecryptLimits(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	bomb := foreign(t, key, jose.RSA_OAEP_256, jose.A256GCM, &jose.EncrypterOptions{Compression: jose.DEFLATE}, make([]byte, 30<<20))
	if len(bomb) > 100<<10 {
		t.Fatal("it is no bomb")
	}
	_, j, err := fit.Decrypt(bomb, fit.Keyring{key}, 20<<20)
	if !errors.Is(err, fit.ErrTooLarge) {
		t.Fatal(err)
	}
	c, err := j.Open(fit.Keyring{key})
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int64{0, 1, 20 << 20, 30<<20 - 1} {
		if n, err := io.Copy(io.Discard, c.Reader(most)); n != most || !errors.Is(err, fit.ErrTooLarge) {
			t.Errorf("limit %d: %d bytes, %v", most, n, err)
		}
	}
	if n, err := io.Copy(io.Discard, c.Reader(30<<20)); n != 30<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestDecryptRefusesChanges changes one character in each place.
func TestDecryptRefusesChanges(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	compact, _, err := fit.Encrypt(key.Public(), "application/json", []byte(`{"a":"Ein Antrag, der nicht verändert werden darf"}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range compact {
		if i > 20 && i < len(compact)-160 && i%23 != 0 {
			continue // of the wrapped key some are enough
		}
		other := byte('A')
		if compact[i] == other {
			other = 'Q'
		}
		changed := compact[:i] + string(other) + compact[i+1:]
		_, was, _ := fit.Decrypt(changed, fit.Keyring{key}, limit)
		got, _, err := fit.Decrypt(changed, fit.Keyring{key}, limit)
		sameTag := was != nil && fit.SameTag(was.Tag, compact[strings.LastIndexByte(compact, '.')+1:])
		if err == nil && (!sameTag || i != len(compact)-1 && compact[i+1] != '.') {
			t.Errorf("character %d was changed, and %d bytes came", i, len(got))
		}
	}
	for _, cut := range []string{"", ".", "....", compact[:len(compact)-5], strings.Replace(compact, ".", "", 1), compact + ".x", compact + "x"} {
		if _, _, err := fit.Decrypt(cut, fit.Keyring{key}, limit); err == nil {
			t.Errorf("accepted %d characters", len(cut))
		}
	}
}

func FuzzReadJWE(f *testing.F) {
	key, _ := keys(f)
	compact, _, err := fit.Encrypt(key.Public(), "application/json", []byte(`{"a":1}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	f.Add("....")
	f.Add("e30.e30.e30.e30.e30")
	f.Fuzz(func(t *testing.T, s string) {
		plain, _, err := fit.Decrypt(s, fit.Keyring{key}, 1<<16)
		if err == nil && strings.Contains(s, ".") && !bytes.Equal(plain, []byte(`{"a":1}`)) {
			t.Errorf("%q was decrypted to something that nobody encrypted", s)
		}
	})
}
