package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// in asks with a token whether it lets in alpha.app.
func (k *asker) in(t *testing.T, secret string) *answered {
	t.Helper()
	other := *k
	other.token = secret
	return other.ask(t, http.MethodPost, "/check", []byte(thing("1", `{"n":1}`)), "Content-Type", "application/cloudevents+json")
}

// TestHTTPTokens: a token lets in its application until it is revoked, and nothing
// else does; what was done to it stands in the trail.
func TestHTTPTokens(t *testing.T) {
	k := testDoor(t, app.Config{})
	k.in(t, k.token).want(t, "the token", http.StatusOK, "")
	for what, secret := range map[string]string{
		"none": "", "a made-up one": token.Prefix + strings.Repeat("A", 43), "a cut one": k.token[:len(k.token)-1], "no token": "xyz",
		"two": k.token + "\r\nAuthorization: Bearer " + k.token,
	} {
		got := k.in(t, secret)
		got.want(t, what, http.StatusUnauthorized, "AUTH")
		if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: the answer does not say how to log in", what)
		}
	}
	ask := func(req app.TokenRequest) (app.TokenAnswer, error) {
		var out app.TokenAnswer
		err := app.Ask(t.Context(), k.app.Data(), nil, app.VerbToken, req, &out)
		return out, err
	}
	listed, err := ask(app.TokenRequest{Do: app.TokenList})
	must(t, err)
	list := listed.List
	if len(list) != 1 || list[0].Application != "alpha.app" || list[0].By != "test" || list[0].Expires.Sub(list[0].Issued) != token.DefaultLifetime {
		t.Fatalf("listed are %+v", list)
	}
	_, err = ask(app.TokenRequest{Do: app.TokenRevoke, ID: list[0].ID, Who: "test"})
	must(t, err)
	k.in(t, k.token).want(t, "the revoked token", http.StatusUnauthorized, "AUTH")
	for what, req := range map[string]app.TokenRequest{
		"revoked twice": {Do: app.TokenRevoke, ID: list[0].ID}, "issued to nobody": {Do: app.TokenIssue, Application: "alpha.nobody", Lifetime: time.Hour},
		"issued for ever": {Do: app.TokenIssue, Application: "alpha.app", Lifetime: 1 << 60}, "something else": {Do: "x"},
	} {
		if _, err := ask(req); err == nil {
			t.Errorf("a token was %s", what)
		}
	}
	var acts []string
	must(t, k.b.Read(t.Context(), bus.Trail, 1, []string{"trail." + decision.KindAct + ".>"}, func(m *event.Message) error {
		act, err := trail.ReadAct(m)
		acts = append(acts, act.Act+" "+act.Application+" "+act.Who)
		if strings.Contains(string(m.Data), strings.TrimPrefix(k.token, token.Prefix)) {
			t.Error("the trail holds the token")
		}
		return err
	}))
	if strings.Join(acts, ", ") != "token-issue alpha.app test, token-revoke alpha.app test" {
		t.Errorf("the trail has %q", acts)
	}
}

// TestHTTPIssuer: tokens of the configured issuer let in the application that their
// claims name; whatever is wrong with one keeps it out.
func TestHTTPIssuer(t *testing.T) {
	i := newIssuer(t)
	k := testDoor(t, app.Config{HTTP: &app.HTTP{OIDC: app.OIDC{Issuer: i.name, Audience: "amtsbote", JWKS: i.file}}}, func(dir string) {
		sub(t, dir, "organisations/alpha.yaml", "    title: Alpha\n", "    title: Alpha\n    access: {oidc: [{azp: alpha, roles: sender}, {sub: other}]}\n")
	})
	good := map[string]any{"azp": "alpha", "roles": []string{"x", "sender"}}
	with := func(name string, v any) map[string]any {
		out := map[string]any{name: v}
		for k, v := range good {
			if _, set := out[k]; !set {
				out[k] = v
			}
		}
		return out
	}
	k.in(t, i.token(t, good)).want(t, "a good token", http.StatusOK, "")
	k.in(t, i.token(t, map[string]any{"sub": "other", "aud": []string{"x", "amtsbote"}})).want(t, "another good token", http.StatusOK, "")
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	past := time.Now().Add(-2 * time.Minute).Unix()
	for what, secret := range map[string]string{
		"another audience":      i.token(t, with("aud", "other-hub")),
		"no audience":           i.token(t, with("aud", nil)),
		"another issuer":        i.token(t, with("iss", "https://evil.example")),
		"expired":               i.token(t, with("exp", past)),
		"without an end":        i.token(t, with("exp", nil)),
		"not valid yet":         i.token(t, with("nbf", time.Now().Add(time.Hour).Unix())),
		"of another client":     i.token(t, with("azp", "beta")),
		"without its role":      i.token(t, with("roles", []string{"x"})),
		"with a role as number": i.token(t, with("roles", 5)),
		"of a stranger":         sign(t, jose.ES256, "one", stranger, i.claims(good)),
		"of an unknown key":     sign(t, jose.ES256, "two", stranger, i.claims(good)),
		"by the public key":     sign(t, jose.HS256, "one", make([]byte, 32), i.claims(good)),
		"by RS512":              sign(t, jose.RS512, "one", rsaKey, i.claims(good)),
		"without a signature":   "eyJhbGciOiJub25lIn0.eyJhenAiOiJhbHBoYSJ9.",
	} {
		k.in(t, secret).want(t, "a token "+what, http.StatusUnauthorized, "AUTH")
	}
	i.publish(t, "two", stranger.Public())
	k.in(t, sign(t, jose.ES256, "two", stranger, i.claims(good))).want(t, "a token of the issuer's new key", http.StatusOK, "")
	k.in(t, i.token(t, good)).want(t, "a token of its old key", http.StatusUnauthorized, "AUTH")
}

// TestHTTPPages: what needs no login, paths and methods that are not there, and the
// metrics, which no application may see.
func TestHTTPPages(t *testing.T) {
	w := newWatch()
	k := testDoor(t, app.Config{Observer: w})
	k.event(t, thing("1", `{"n":1}`)).want(t, "an event", http.StatusAccepted, "")
	k.event(t, `{`).want(t, "no event", http.StatusBadRequest, "JSON_SYNTAX")
	w.expect(t, 1, 0)
	nobody := *k
	nobody.token = ""
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json"} {
		if got := nobody.ask(t, http.MethodGet, path, nil); got.status != http.StatusOK {
			t.Errorf("%s is answered %d %s", path, got.status, got.raw)
		}
	}
	for path, want := range map[string]string{
		"/": "404 PATH", "/events/": "404 PATH", "/x/../events": "404 PATH", "//events": "404 PATH", "/quarantine/a/b": "404 PATH",
		"/events": "405 METHOD", "/check": "405 METHOD",
	} {
		status, code, _ := strings.Cut(want, " ")
		got := k.ask(t, http.MethodGet, path, nil)
		got.want(t, path, map[string]int{"404": 404, "405": 405}[status], code)
		if status == "405" && got.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s allows %q", path, got.header.Get("Allow"))
		}
	}
	operator := *k
	operator.token = issue(t, k.app, token.Metrics)
	seen := string(operator.ask(t, http.MethodGet, "/metrics", nil, "X-Forwarded-For", "192.0.2.1").raw)
	for _, line := range []string{
		`amtsbote_decisions_total{organisation="alpha",outcome="routed",code=""} 1`, `amtsbote_door_refusals_total{application="alpha.app",code="JSON_SYNTAX"} 1`,
		`amtsbote_stream_messages{stream="EDGE_alpha",organisation="alpha"} 1`, `amtsbote_http_requests_total{operation="publish",status="202"} 1`,
		`amtsbote_stream_limit_bytes{stream="IN_beta",organisation="beta"} 1.073741824e+09`, `amtsbote_mailbox_limit_bytes{mailbox="beta.one"}`,
	} {
		if !strings.Contains(seen, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if strings.Contains(seen, hubtest.Source) {
		t.Error("the metrics name a source")
	}
	k.ask(t, http.MethodGet, "/metrics", nil).want(t, "an application that asks for metrics", http.StatusUnauthorized, "AUTH")
	// as a proxy on this machine may ask for anybody
	nobody.ask(t, http.MethodGet, "/metrics", nil).want(t, "nobody who asks for metrics", http.StatusUnauthorized, "AUTH")
	k.in(t, operator.token).want(t, "a token for metrics", http.StatusUnauthorized, "AUTH")
}
