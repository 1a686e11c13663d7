package fit

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGCMVector is test case 16 of McGrew and Viega, The Galois/Counter Mode of
// Operation.
func TestGCMVector(t *testing.T) {
	t.Parallel()
	g, err := newGCM(unhex(t, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), unhex(t, "cafebabefacedbaddecaf888"))
	if err != nil {
		t.Fatal(err)
	}
	plain := unhex(t, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
	additional := unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2")
	cipherText := make([]byte, len(plain))
	g.stream().XORKeyStream(cipherText, plain)
	if want := "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"; hex.EncodeToString(cipherText) != want {
		t.Errorf("ciphertext %x", cipherText)
	}
	m := g.mac(additional)
	for i := range cipherText { // in pieces of one byte
		_, _ = m.Write(cipherText[i : i+1])
	}
	if tag := m.end(int64(len(cipherText))); hex.EncodeToString(tag) != "76fc6ece0f4e1768cddf8853bb2d551b" {
		t.Errorf("tag %x", tag)
	}
}

// TestGCMAgainstStandardLibrary compares ciphertexts and tags at all edges of
// blocks and chunks.
func TestGCMAgainstStandardLibrary(t *testing.T) {
	t.Parallel()
	random := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return b
	}
	for _, size := range []int{0, 1, 15, 16, 17, 1000, ghashChunk - 1, ghashChunk, ghashChunk + 1, 3*ghashChunk + 21} {
		for _, additional := range []int{0, 1, 16, 99, ghashChunk + 5} {
			key, nonce, plain, aad := random(keySize), random(nonceSize), random(size), random(additional)
			block, err := aes.NewCipher(key)
			if err != nil {
				t.Fatal(err)
			}
			aead, err := cipher.NewGCM(block)
			if err != nil {
				t.Fatal(err)
			}
			g, err := newGCM(key, nonce)
			if err != nil {
				t.Fatal(err)
			}
			out := make([]byte, size)
			g.stream().XORKeyStream(out, plain)
			m := g.mac(aad)
			_, _ = m.Write(out)
			if out = append(out, m.end(int64(size))...); !bytes.Equal(out, aead.Seal(nil, nonce, plain, aad)) {
				t.Errorf("%d bytes with %d additional: another result", size, additional)
			}
		}
	}
}
