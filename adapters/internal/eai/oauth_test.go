package eai_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// keycloak gives tokens with client credentials (RFC 6749, section 4.4), and a gateway
// that takes the last one given.
type keycloak struct {
	given  int
	answer string // of the token endpoint, "" for a token
	status int
}

func (k *keycloak) serve(w http.ResponseWriter, r *http.Request) {
	token := func() string { return fmt.Sprintf("token-%d", k.given) }
	if r.URL.Path != "/token" {
		if r.Header.Get("Authorization") != "Bearer "+token() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(w, r.Body)
		return
	}
	user, password, _ := r.BasicAuth()
	if user != "amtsbote" || password != "geheim%2Fgeheim" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "eakte" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	k.given++
	if k.status != 0 {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(k.status)
	}
	if k.answer != "" {
		_, _ = io.WriteString(w, k.answer)
		return
	}
	_, _ = fmt.Fprintf(w, `{"access_token":"%s","expires_in":300,"token_type":"Bearer"}`, token())
}

func gateway(t *testing.T, k *keycloak) *eai.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(k.serve))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "geheim"), []byte("geheim/geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := eai.Defaults()
	conf.URL, conf.OAuth = server.URL, &eai.OAuth{URL: server.URL + "/token", Client: "amtsbote", Geheimnis: "geheim", Scope: "eakte"}
	c, err := conf.Under(dir).Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestOAuth(t *testing.T) {
	k := &keycloak{}
	c := gateway(t, k)
	call := func() error {
		raw, err := c.Do(t.Context(), eai.Request{Method: http.MethodPost, Path: []string{"x"}, Stream: strings.NewReader("gesandt")})
		if err == nil && string(raw) != "gesandt" {
			t.Errorf("%q", raw)
		}
		return err
	}
	if err := errors.Join(call(), call()); err != nil || k.given != 1 {
		t.Error(k.given, err)
	}
	k.given = 7 // the server has forgotten the token: the next call fails, the one after asks anew
	if err := call(); eai.Code(err) != eai.Unauthorised {
		t.Error(err)
	}
	if err := call(); err != nil || k.given != 8 {
		t.Error(k.given, err)
	}
	for _, answer := range []string{"{}", `{"access_token":7}`, "<html>", `{"access_token":"a b"}`} {
		k.answer = answer
		if err := gatewayCall(t, k); err == nil || !eai.IsBlocking(err) || strings.Contains(err.Error(), "html") {
			t.Errorf("%s: %v", answer, err)
		}
	}
	k.answer, k.status = "geheim/geheim", http.StatusServiceUnavailable
	f := hub.FaultOf(eai.Fault("call", gatewayCall(t, k)))
	if f.Permanent || !f.Later || f.After != 7*time.Second || strings.Contains(f.Error(), "geheim") {
		t.Errorf("%+v", f)
	}
}

func gatewayCall(t *testing.T, k *keycloak) error {
	t.Helper()
	_, err := gateway(t, k).Do(t.Context(), eai.Request{Method: http.MethodGet})
	return err
}

func TestOAuthSettings(t *testing.T) {
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	for _, c := range []struct {
		o    eai.OAuth
		user string
		want string
	}{
		{eai.OAuth{URL: "https://x/token", Client: "a", Geheimnis: "g"}, "", ""},
		{eai.OAuth{URL: "https://x/token", Client: "a", Geheimnis: "g"}, "b", "exclude"},
		{eai.OAuth{URL: "http://x.example/token", Client: "a", Geheimnis: "g"}, "", "https"},
		{eai.OAuth{URL: "token", Client: "a", Geheimnis: "g"}, "", "oauth.url"},
		{eai.OAuth{URL: "https://x/token"}, "", "oauth.client"},
	} {
		conf := eai.Defaults()
		conf.URL, conf.OAuth, conf.Benutzer, conf.Passwort = "https://x", &c.o, c.user, c.user
		err := conf.Check(env, adaptertest.Settings(""), "eakte")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}
