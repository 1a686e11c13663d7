package postgres

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// pseudonym is a name of 26 letters and digits for texts, which nobody finds by
// trying who lacks the key: HMAC-SHA-256 over the texts, each with its length.
func pseudonym(key []byte, parts ...string) string {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = h.Write(append(binary.BigEndian.AppendUint64(nil, uint64(len(p))), p...))
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16]))
}
