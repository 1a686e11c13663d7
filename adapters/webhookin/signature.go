package webhookin

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// signature says how senders sign. A style fills in what is not given:
//
//   - github: X-Hub-Signature-256: sha256=<hex>, over the body
//     (https://docs.github.com/webhooks, "Validating webhook deliveries")
//   - standard-webhooks: webhook-signature: v1,<base64> …, over id.timestamp.body
//     (https://github.com/standard-webhooks/standard-webhooks, spec 1.0.0)
//   - fit-connect: callback-authentication: <hex HMAC-SHA-512>, over timestamp.body
//     (docs.fitko.de, callbacks)
type signature struct {
	Style     string `yaml:"style"`
	Header    string `yaml:"header"`
	Timestamp string `yaml:"timestamp-header"` // Unix seconds; "" has none
	ID        string `yaml:"id-header"`        // "" has none
	Algorithm string `yaml:"algorithm"`        // sha256, sha512
	Encoding  string `yaml:"encoding"`         // hex, base64
	Prefix    string `yaml:"prefix"`           // before the encoded value: "sha256="
	Signed    string `yaml:"signed"`           // "{id}.{timestamp}.{body}"
	// SecretForm is text, or base64 with or without "whsec_".
	SecretForm string        `yaml:"secret-form"`
	Freshness  time.Duration `yaml:"freshness"`
}

var styles = map[string]signature{
	"github": {
		Header: "X-Hub-Signature-256", Algorithm: "sha256", Encoding: "hex", Prefix: "sha256=", Signed: "{body}", SecretForm: "text",
	},
	"standard-webhooks": {
		Header: "webhook-signature", Timestamp: "webhook-timestamp", ID: "webhook-id", Algorithm: "sha256", Encoding: "base64",
		Prefix: "v1,", Signed: "{id}.{timestamp}.{body}", SecretForm: "base64",
	},
	"fit-connect": {
		Header: "callback-authentication", Timestamp: "callback-timestamp", Algorithm: "sha512", Encoding: "hex",
		Signed: "{timestamp}.{body}", SecretForm: "text",
	},
	"": {Algorithm: "sha256", Encoding: "hex", Signed: "{body}", SecretForm: "text"},
}

const defaultFreshness = 5 * time.Minute

// complete fills in the style and judges the whole.
func (g signature) complete(s hub.Settings) (signature, error) {
	style, known := styles[g.Style]
	if !known {
		return g, s.Errorf("signature.style", "must be github, standard-webhooks, fit-connect or not given")
	}
	for _, f := range []struct{ given, usual *string }{
		{&g.Header, &style.Header},
		{&g.Timestamp, &style.Timestamp},
		{&g.ID, &style.ID},
		{&g.Algorithm, &style.Algorithm},
		{&g.Encoding, &style.Encoding},
		{&g.Prefix, &style.Prefix},
		{&g.Signed, &style.Signed},
		{&g.SecretForm, &style.SecretForm},
	} {
		if *f.given == "" {
			*f.given = *f.usual
		}
	}
	if g.Freshness == 0 {
		g.Freshness = defaultFreshness
	}
	if key, why := g.problem(); why != "" {
		return g, s.Errorf("signature."+key, "%s", why)
	}
	return g, nil
}

func (g signature) problem() (key, why string) {
	switch {
	case g.Header == "":
		return "header", "is missing: the header with the signature (or give style)"
	case g.Algorithm != "sha256" && g.Algorithm != "sha512":
		return "algorithm", "must be sha256 or sha512"
	case g.Encoding != "hex" && g.Encoding != "base64":
		return "encoding", "must be hex or base64"
	case g.SecretForm != "text" && g.SecretForm != "base64":
		return "secret-form", "must be text or base64"
	case strings.Count(g.Signed, "{body}") != 1:
		return "signed", "must have {body} once"
	case (g.Timestamp == "") == strings.Contains(g.Signed, "{timestamp}"):
		return "signed", "must have {timestamp} when timestamp-header is given, and only then"
	case (g.ID == "") == strings.Contains(g.Signed, "{id}"):
		return "signed", "must have {id} when id-header is given, and only then"
	case g.Freshness < time.Second || g.Freshness > time.Hour:
		return "freshness", "must be 1s to 1h"
	}
	return "", ""
}

// covers tells whether a header's value is part of what is signed.
func (g signature) covers(header string) bool {
	return g.ID != "" && strings.EqualFold(header, g.ID) || g.Timestamp != "" && strings.EqualFold(header, g.Timestamp)
}

// Why a request is not authentic. The answer to the sender is the same for all.
var (
	errNoSignature = errors.New("signature-missing")
	errWrong       = errors.New("signature-wrong")
	errStale       = errors.New("signature-stale")
)

// maxSignatures is how many values one header may carry (Standard Webhooks lists
// one for each secret).
const maxSignatures = 8

// verify holds a request against the secrets, before anything of the body is
// read for what it says. The MAC it gives tells a repetition.
func (g signature) verify(h http.Header, body []byte, secrets [][]byte, now time.Time) (mac []byte, err error) {
	values := h.Values(g.Header)
	if len(values) != 1 || g.Timestamp != "" && len(h.Values(g.Timestamp)) != 1 || g.ID != "" && len(h.Values(g.ID)) != 1 {
		return nil, errNoSignature
	}
	signed := g.message(h, body)
	given := strings.Fields(values[0])
	if len(given) == 0 || len(given) > maxSignatures {
		return nil, errNoSignature
	}
	for _, secret := range secrets {
		want := g.mac(secret, signed)
		for _, text := range given {
			if got, ok := g.decode(text); ok && hmac.Equal(got, want) {
				mac = want
			}
		}
	}
	if mac == nil {
		return nil, errWrong
	}
	return mac, g.fresh(h.Get(g.Timestamp), now)
}

// fresh refuses what was signed too long ago, or will be.
func (g signature) fresh(timestamp string, now time.Time) error {
	if g.Timestamp == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return errStale
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > g.Freshness || age < -g.Freshness {
		return errStale
	}
	return nil
}

// message puts together what is signed; the body is put in last, so that what
// stands in it is not taken for one of the marks.
func (g signature) message(h http.Header, body []byte) []byte {
	before, after, _ := strings.Cut(g.Signed, "{body}")
	fill := strings.NewReplacer("{id}", h.Get(g.ID), "{timestamp}", h.Get(g.Timestamp))
	return bytes.Join([][]byte{[]byte(fill.Replace(before)), body, []byte(fill.Replace(after))}, nil)
}

func (g signature) mac(secret, message []byte) []byte {
	algorithm := sha256.New
	if g.Algorithm == "sha512" {
		algorithm = sha512.New
	}
	m := hmac.New(algorithm, secret)
	m.Write(message)
	return m.Sum(nil)
}

func (g signature) decode(text string) ([]byte, bool) {
	text, ok := strings.CutPrefix(text, g.Prefix)
	if !ok {
		return nil, false
	}
	decode := hex.DecodeString
	if g.Encoding == "base64" {
		decode = base64.StdEncoding.DecodeString
	}
	mac, err := decode(text)
	return mac, err == nil
}

const (
	minSecret = 16
	maxSecret = 4096
)

// readSecrets reads the files anew for each request: a secret is changed by
// writing a file. Two may be valid at once. Of a second file that is not there,
// or empty, nothing is said: the change is over.
func readSecrets(files []string, form string) ([][]byte, error) {
	var out [][]byte
	for i, name := range files {
		raw, err := os.ReadFile(name) //nolint:gosec // named by the operator
		if i > 0 && (os.IsNotExist(err) || err == nil && len(bytes.TrimSpace(raw)) == 0) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read secret file %d: %w", i+1, err)
		}
		secret, err := parseSecret(raw, form)
		if err != nil {
			return nil, fmt.Errorf("secret file %d: %w", i+1, err)
		}
		out = append(out, secret)
	}
	return out, nil
}

func parseSecret(raw []byte, form string) ([]byte, error) {
	secret := bytes.TrimSpace(raw)
	if form == "base64" {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(secret), "whsec_"))
		if err != nil {
			return nil, errors.New("is not base64")
		}
		secret = decoded
	}
	if len(secret) < minSecret || len(secret) > maxSecret {
		return nil, fmt.Errorf("must have %d to %d bytes", minSecret, maxSecret)
	}
	return secret, nil
}
