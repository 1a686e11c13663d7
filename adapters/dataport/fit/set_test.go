package fit_test

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

const (
	destination = "d12caea8-f372-4eb1-b102-b0a228253a11"
	submission  = "f39ab143-d91a-474a-b69f-b00f1a1873c2"
	theCase     = "9eec7d3e-dc66-4f82-9f52-1520bf96a32e"
	serviceURL  = "https://test.fit-connect.fitko.dev/submission-api"
)

// issuers are trusted by name.
type issuers map[string]fit.PublicKey

func (i issuers) Key(_ context.Context, issuer, keyID string) (*rsa.PublicKey, error) {
	if k, known := i[issuer]; known && k.ID == keyID {
		return k.Key, nil
	}
	return nil, fit.ErrSET
}

func acceptance() fit.SET {
	return fit.SET{
		Schema: fit.DefaultSetSchema, Issuer: destination, IssuedAt: time.Unix(1780000000, 0).UTC(), ID: "4ac47caa-bce1-435a-b04f-3322b224b32e",
		Subject: fit.Submission(submission), Case: theCase, Event: fit.AcceptSubmission,
		Payload: fit.Payload{Tags: &fit.Tags{Metadata: "XFBoMYUZodetZdvTiFvSkQ", Data: "UCGiqJxhBI3IFVdPalHHvA", Attachments: map[string]string{theCase: "rT99rwrBTbTI7IJM8fU3El"}}},
	}
}

func TestSET(t *testing.T) {
	t.Parallel()
	key, other := keys(t)
	compact, err := acceptance().Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fit.VerifySET(t.Context(), compact, issuers{destination: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	want := acceptance()
	if got.Payload.Tags == nil || got.Payload.Tags.Digest() != want.Payload.Tags.Digest() {
		t.Errorf("tags %+v", got.Payload.Tags)
	}
	got.Payload, want.Payload = fit.Payload{}, fit.Payload{}
	if got.Schema != want.Schema || got.ID != want.ID || got.Issuer != want.Issuer || !got.IssuedAt.Equal(want.IssuedAt) ||
		got.Subject != want.Subject || got.Case != want.Case || got.Event != want.Event {
		t.Errorf("got %+v", got)
	}
	for name, trust := range map[string]issuers{
		"foreign issuer":              {serviceURL: key.Public()},
		"another key":                 {destination: other.Public()},
		"another key of the name":     {destination: {ID: key.ID, Key: other.Public().Key}},
		"the key has another name":    {destination: {ID: "anders", Key: key.Public().Key}},
		"no issuer is trusted at all": nil,
	} {
		if _, err := fit.VerifySET(t.Context(), compact, trust); !errors.Is(err, fit.ErrSET) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// token signs any payload.
func token(t *testing.T, key fit.PrivateKey, alg jose.SignatureAlgorithm, typ string, payload string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key.Key, KeyID: key.ID}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func TestSETRefused(t *testing.T) {
	t.Parallel()
	key, _ := keys(t)
	const good = `{"$schema":"https://schema.fitko.de/fit-connect/set-payload/1.2.2/set-payload.schema.json","jti":"a","iss":"` + destination +
		`","iat":1780000000,"sub":"submission:` + submission + `","txn":"case:` + theCase + `","events":{"https://schema.fitko.de/fit-connect/events/accept-submission":{}}}`
	trust := issuers{destination: key.Public()}
	if _, err := fit.VerifySET(t.Context(), token(t, key, jose.PS512, "secevent+jwt", good), trust); err != nil {
		t.Fatal(err)
	}
	change := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatal("nothing to change: ", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for name, compact := range map[string]string{
		"another algorithm":  token(t, key, jose.RS512, "secevent+jwt", good),
		"another type":       token(t, key, jose.PS512, "jwt", good),
		"two events":         token(t, key, jose.PS512, "secevent+jwt", change(`{}}`, `{},"https://schema.fitko.de/fit-connect/events/reject-submission":{}}`)),
		"no event":           token(t, key, jose.PS512, "secevent+jwt", change(`"https://schema.fitko.de/fit-connect/events/accept-submission":{}`, ``)),
		"a stranger's event": token(t, key, jose.PS512, "secevent+jwt", change(`https://schema.fitko.de/fit-connect/events/`, `https://example.org/`)),
		"another schema":     token(t, key, jose.PS512, "secevent+jwt", change(`1.2.2`, `2.0.0`)),
		"no subject":         token(t, key, jose.PS512, "secevent+jwt", change(`submission:`, ``)),
		"no case":            token(t, key, jose.PS512, "secevent+jwt", change(`case:`, ``)),
		"too early":          token(t, key, jose.PS512, "secevent+jwt", change(`1780000000`, `1577833199`)),
		"a claim twice":      token(t, key, jose.PS512, "secevent+jwt", change(`"jti":"a"`, `"jti":"a","jti":"b"`)),
		"no JSON":            token(t, key, jose.PS512, "secevent+jwt", `x`),
		"unsigned":           base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"secevent+jwt"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(good)) + ".",
		"nothing":            "",
	} {
		if _, err := fit.VerifySET(t.Context(), compact, trust); !errors.Is(err, fit.ErrSET) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// serviceKeys are the recorded keys of the service in TEST, 2022.
func serviceKeys(t *testing.T) fit.PublicKey {
	t.Helper()
	raw, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "jose-utils", "zustelldienst-testing-jwks-2022.json"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := fit.ReadJWKS(raw)
	if err != nil || len(set) != 1 {
		t.Fatal(len(set), err)
	}
	key, err := set[0].Public(fit.AlgPS512, fit.OpVerify, fit.MinBits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestRecordedSETs: the recorded token with a wrong signature is refused with the
// service's keys, whatever name they go by; the payload of the real one is understood.
func TestRecordedSETs(t *testing.T) {
	t.Parallel()
	service := serviceKeys(t)
	bad, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "jose-utils", "set-submit-submission.badsig.jws"))
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(bad), ".")
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	var named struct{ Kid string }
	if err := json.Unmarshal(raw, &named); err != nil || named.Kid == "" {
		t.Fatal(named, err)
	}
	for name, trust := range map[string]issuers{
		"the issuer's keys lack its name": {"https://api.fitko.de/fit-connect/": service},
		"a key under its name":            {"https://api.fitko.de/fit-connect/": {ID: named.Kid, Key: service.Key}},
		"the issuer is another":           {serviceURL: service},
	} {
		if _, err := fit.VerifySET(t.Context(), string(bad), trust); !errors.Is(err, fit.ErrSET) {
			t.Errorf("%s: %v", name, err)
		}
	}
	real, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "jose-utils", "set-submit-submission.payload.json"))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := keys(t)
	got, err := fit.VerifySET(t.Context(), token(t, key, jose.PS512, "secevent+jwt", string(real)),
		issuers{"https://submission-api-testing.fit-connect.fitko.dev": key.Public()})
	if err != nil || got.Event != fit.SubmitSubmission || len(got.Payload.Tags.Attachments) != 2 || got.Case != "c9f0db91-9355-451a-b2a5-7a9be10ce765" {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzVerifySET(f *testing.F) {
	key, _ := keys(f)
	compact, err := acceptance().Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compact)
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := fit.VerifySET(t.Context(), s, issuers{destination: key.Public()})
		if err == nil && (got.Event != fit.AcceptSubmission || got.Subject != fit.Submission(submission)) {
			t.Errorf("%q was believed", s)
		}
	})
}
