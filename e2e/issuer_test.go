package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// client is what the issuer calls the console.
const client = "amtsbote"

// issuer logs people in by the code flow with PKCE (OpenID Connect Core 1.0, 3.1;
// RFC 7636): whoever comes says who they are. It calls itself localhost, which to a
// browser is another site than the console at 127.0.0.1, as issuers are.
type issuer struct {
	url, callback string
	groups        map[string]string // of each person
	key           ed25519.PrivateKey

	mu    sync.Mutex
	codes map[string]begun
}

// begun is a login whose code was not redeemed yet.
type begun struct{ who, nonce, challenge string }

func newIssuer(t *testing.T, callback string, groups map[string]string) *issuer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{callback: callback, groups: groups, key: key, codes: map[string]begun{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.configuration)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /auth", i.ask)
	mux.HandleFunc("POST /auth", i.know)
	mux.HandleFunc("POST /token", i.redeem)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	i.url = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	return i
}

func (i *issuer) configuration(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]string{
		"issuer": i.url, "authorization_endpoint": i.url + "/auth", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys",
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "k", Use: "sig"}}})
}

var who = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Issuer</title>
<form method="post" action="{{.Here}}">{{range $who, $_ := .Groups}}<button name="who" value="{{$who}}">{{$who}}</button>{{end}}</form></html>`))

// ask is the page on which people say who they are.
func (i *issuer) ask(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = who.Execute(w, map[string]any{"Here": r.URL.RequestURI(), "Groups": i.groups})
}

// know leads back to the console with a code.
func (i *issuer) know(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	if v.Get("client_id") != client || v.Get("response_type") != "code" || v.Get("redirect_uri") != i.callback || v.Get("code_challenge_method") != "S256" ||
		v.Get("nonce") == "" || v.Get("scope") != "openid" || i.groups[r.PostFormValue("who")] == "" {
		http.Error(w, "this is no request of the console", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = begun{r.PostFormValue("who"), v.Get("nonce"), v.Get("code_challenge")}
	i.mu.Unlock()
	http.Redirect(w, r, i.callback+"?"+url.Values{"code": {code}, "state": {v.Get("state")}}.Encode(), http.StatusSeeOther)
}

// redeem gives an ID token for a code, once.
func (i *issuer) redeem(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	b, ok := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("redirect_uri") != i.callback || base64.RawURLEncoding.EncodeToString(sum[:]) != b.challenge {
		http.Error(w, "the code is of another login", http.StatusBadRequest)
		return
	}
	token, err := i.token(b)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"id_token": token, "access_token": "none", "token_type": "Bearer"})
}

func (i *issuer) token(b begun) (string, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: i.key, KeyID: "k"}}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(s).Claims(map[string]any{
		"iss": i.url, "aud": client, "sub": b.who, "groups": []string{i.groups[b.who]}, "nonce": b.nonce, "exp": time.Now().Add(time.Hour).Unix(),
	}).Serialize()
}
