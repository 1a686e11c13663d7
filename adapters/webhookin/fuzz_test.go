package webhookin_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/webhookin"
)

// FuzzVerify: a valid message passes; changed in its signature, its headers or its
// body it does not, and none is anything but refused.
func FuzzVerify(f *testing.F) {
	f.Add("v1,AAAA", "msg_1", "1800000000", body, uint(0), byte(0))
	f.Add("", "msg_1", "1800000100", body, uint(5), byte(1))
	f.Fuzz(func(t *testing.T, signature, id, timestamp, body string, at uint, flip byte) {
		now := time.Unix(1_800_000_000, 0)
		for style, names := range map[string][3]string{
			"standard-webhooks": {"Webhook-Signature", "Webhook-Id", "Webhook-Timestamp"},
			"fit-connect":       {"Callback-Authentication", "X", "Callback-Timestamp"},
			"github":            {"X-Hub-Signature-256", "X", "Y"},
		} {
			verify := func(signature, id, timestamp, body string) error {
				h := http.Header{names[0]: {signature}, names[1]: {id}, names[2]: {timestamp}}
				return webhookin.Verify(style, h, []byte(body), now, []byte(secret))
			}
			if verify(signature, id, timestamp, body) == nil {
				t.Fatal("passes without the secret")
			}
			valid := signed(style, "msg_1", "1800000000", body)
			if err := verify(valid, "msg_1", "1800000000", body); err != nil {
				t.Fatalf("%s: the valid message: %v", style, err)
			}
			if flip == 0 {
				continue
			}
			if changed := mutated(body, at, flip); changed != body && verify(valid, "msg_1", "1800000000", changed) == nil {
				t.Fatalf("%s: passes with another body", style)
			}
			if style != "github" && verify(valid, "msg_1", mutated("1800000000", at, flip), body) == nil {
				t.Fatalf("%s: passes with another time", style)
			}
			if style == "standard-webhooks" && verify(valid, mutated("msg_1", at, flip), "1800000000", body) == nil {
				t.Fatalf("%s: passes with another id", style)
			}
		}
	})
}

// mutated is the text with one byte changed.
func mutated(text string, at uint, flip byte) string {
	if text == "" {
		return string([]byte{flip})
	}
	b := []byte(text)
	b[at%uint(len(b))] ^= flip
	return string(b)
}

// signed is the signature of a message, made by hand for each style.
func signed(style, id, timestamp, body string) string {
	sum := func(h func() hash.Hash, text string) []byte {
		m := hmac.New(h, []byte(secret))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	switch style {
	case "standard-webhooks":
		return "v1," + base64.StdEncoding.EncodeToString(sum(sha256.New, id+"."+timestamp+"."+body))
	case "fit-connect":
		return hex.EncodeToString(sum(sha512.New, timestamp+"."+body))
	}
	return "sha256=" + hex.EncodeToString(sum(sha256.New, body))
}
