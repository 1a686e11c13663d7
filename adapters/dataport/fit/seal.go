package fit

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Seal encrypts content to a destination's key as a compact JWE, streaming, and
// gives its authentication tag. contentType (cty) is mandatory in version 2 for
// metadata and data. It does not compress: version 2 forbids zip.
func Seal(w io.Writer, to PublicKey, contentType string, content io.Reader) (tag string, err error) {
	header, err := json.Marshal(struct {
		Algorithm   string `json:"alg"`
		Encryption  string `json:"enc"`
		KeyID       string `json:"kid"`
		ContentType string `json:"cty,omitempty"`
	}{AlgRSAOAEP256, EncA256GCM, to.ID, contentType})
	if err != nil {
		return "", err
	}
	return seal(w, to, header, content)
}

func seal(w io.Writer, to PublicKey, header []byte, content io.Reader) (tag string, err error) {
	secret := make([]byte, keySize+nonceSize)
	_, _ = rand.Read(secret) // never fails
	key, nonce := secret[:keySize], secret[keySize:]
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, to.Key, key, nil)
	if err != nil {
		return "", fmt.Errorf("wrap key: %w", err)
	}
	g, err := newGCM(key, nonce)
	if err != nil {
		return "", err
	}
	protected := base64url.EncodeToString(header)
	if _, err := io.WriteString(w, protected+"."+base64url.EncodeToString(wrapped)+"."+base64url.EncodeToString(nonce)+"."); err != nil {
		return "", err
	}
	m := g.mac([]byte(protected))
	text := base64.NewEncoder(base64url, w)
	n, err := io.Copy(io.MultiWriter(m, text), &cipher.StreamReader{S: g.stream(), R: io.LimitReader(content, maxContent+1)})
	if err == nil {
		err = text.Close()
	}
	if err == nil && n > maxContent {
		err = ErrTooLarge
	}
	if err != nil {
		return "", err
	}
	tag = base64url.EncodeToString(m.end(n))
	_, err = io.WriteString(w, "."+tag)
	return tag, err
}

// Encrypt is Seal for a small part.
func Encrypt(to PublicKey, contentType string, content []byte) (compact, tag string, err error) {
	var out strings.Builder
	tag, err = Seal(&out, to, contentType, strings.NewReader(string(content)))
	return out.String(), tag, err
}

// EncryptZipped is Encrypt for content that is compressed already (DEFLATE), as
// version 1 had it. Version 2 forbids it: it is for those who test readers.
func EncryptZipped(to PublicKey, contentType string, deflated []byte) (compact, tag string, err error) {
	header, err := json.Marshal(map[string]string{"alg": AlgRSAOAEP256, "enc": EncA256GCM, "kid": to.ID, "cty": contentType, "zip": zipDeflate})
	if err != nil {
		return "", "", err
	}
	var out strings.Builder
	tag, err = seal(&out, to, header, strings.NewReader(string(deflated)))
	return out.String(), tag, err
}
