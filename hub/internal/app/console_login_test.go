package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// issuers logs people in: whoever comes has the groups that are set.
type issuers struct {
	*httptest.Server
	*issuer
	t     *testing.T
	over  map[string]any // claims of the next
	nonce string
}

func newIssuers(t *testing.T) *issuers {
	t.Helper()
	i := &issuers{issuer: newIssuer(t), t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%s/auth","token_endpoint":"%s/token","jwks_uri":"%s/keys"}`, i.name, i.URL, i.URL, i.URL)
	})
	mux.HandleFunc("GET /auth", func(w http.ResponseWriter, r *http.Request) {
		v := r.URL.Query()
		i.nonce = v.Get("nonce")
		if v.Get("code_challenge_method") != "S256" || v.Get("client_id") != "amtsbote" {
			t.Errorf("asked with %v", v)
		}
		http.Redirect(w, r, v.Get("redirect_uri")+"?code=c&state="+v.Get("state"), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("code") != "c" || r.PostFormValue("code_verifier") == "" {
			t.Error("redeemed without a code or verifier")
		}
		claims := map[string]any{"sub": "person-7", "nonce": i.nonce}
		for name, value := range i.over {
			claims[name] = value
		}
		fmt.Fprintf(w, `{"id_token":%q}`, i.token(t, claims))
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	i.name = i.URL
	return i
}

// freePort is a port on loopback that was free a moment ago: the console must know its
// own address before it listens, when people log in.
func freePort(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}

func (i *issuers) console(t *testing.T) *app.Console {
	t.Helper()
	at := freePort(t)
	return &app.Console{Listen: at, URL: "http://" + at, OIDC: app.ConsoleOIDC{Issuer: i.name, Client: "amtsbote", JWKS: i.file}}
}

// login gives a visitor with groups.
func (i *issuers) login(a *app.App, groups ...any) (*visitor, seen) {
	i.t.Helper()
	i.over = map[string]any{"groups": groups}
	v := newVisitor(i.t, a)
	return v, v.get("/login/start")
}

// TestConsoleRoles: a steward of one organisation tries every page of another's: refused
// and recorded. Each other role sees what its sight lets it.
func TestConsoleRoles(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, w, publish := consoleWorld(t, app.Config{Console: i.console(t)})
	publish("in.alpha.app."+hubtest.Niemand, niemand("allein"))
	publish("in.alpha.app."+hubtest.Ding, ding("beide"))
	w.expect(t, 2, 0)
	alpha, _ := i.login(a, "alpha")
	alpha.has("/search", "allein")
	alpha.has("/search", "beide")
	if s := alpha.get("/event?id=beide"); !strings.Contains(s.body, "beta.one") || !strings.Contains(s.body, "beta.two") {
		t.Error("the sender's steward does not see who got it")
	}
	group := alpha.has("/quarantine/group?app=alpha.app&code=NO_AGREEMENT", "allein")
	refused := regexp.MustCompile(`/quarantine/\d+`).FindString(group.body)

	for org, word := range map[string]string{"alpha": "beta", "beta": "alpha"} { // the other side is called by its id
		v, _ := i.login(a, org)
		s := v.has("/", `<tspan class="of">`+word+`.</tspan>`)
		if own := `<span class="small">` + strings.ToUpper(org[:1]) + org[1:]; !strings.Contains(s.body, `<title>`+word+`</title>`) || !strings.Contains(s.body, own) || strings.Contains(s.body, strings.ToUpper(word[:1])+word[1:]) {
			t.Errorf("%s sees of who talks to whom:\n%s", org, s.body)
		}
	}
	beta, _ := i.login(a, "beta")
	if s := beta.get("/search"); strings.Contains(s.body, "allein") || !strings.Contains(s.body, "beide") {
		t.Errorf("the receiver's steward sees:\n%s", s.body)
	}
	s := beta.get("/event?id=beide")
	if !strings.Contains(s.body, "beta.one") || !strings.Contains(s.body, "Ihre Rolle sieht keine Inhalte") || !strings.Contains(s.body, "Gezeigt wird nur die Seite") {
		t.Errorf("the receiver's steward sees of the event:\n%s", s.body)
	}
	if strings.Contains(s.body, "Quittungen an den Absender") {
		t.Error("the receiver's steward sees the sender's receipts")
	}
	if strings.Contains(s.body, "Prüfsumme des Inhalts") {
		t.Error("the receiver's steward sees the digest of what was not cut")
	}
	denied := 0
	for _, path := range []string{
		"/?org=alpha", "/live/overview?org=alpha", "/search?org=alpha", "/event?id=allein", "/search?q=allein", "/case?id=fall", "/search?q=fall",
		"/quarantine?org=alpha", "/quarantine/group?app=alpha.app&code=NO_AGREEMENT", refused, "/parked?org=alpha", "/streams?org=alpha", "/agreements?org=alpha",
	} {
		s := beta.get(path)
		s.body = hereInput.ReplaceAllString(s.body, "") // the address that was asked for
		if strings.Contains(s.body, "geheim") || strings.Contains(s.body, "alpha.app") || strings.Contains(s.body, "NO_AGREEMENT") {
			t.Errorf("%s shows a foreign steward:\n%s", path, s.body)
		}
		denied++
	}
	token := beta.token()
	for path, form := range map[string]url.Values{
		"/event/look":     {"id": {"allein"}, "in": {"IN_alpha"}, "seq": {"1"}, "reason": {"ich will es wissen"}},
		refused + "/look": {"reason": {"ich will es wissen"}},
		"/parked":         {"app": {"alpha.app"}, "key": {"k"}, "act": {"release"}, "reason": {"ich will es wissen"}},
	} {
		form.Set("token", token)
		s := beta.post(path, form)
		if s.status != http.StatusForbidden && s.status != http.StatusNotFound || path == "/event/look" && s.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, s.status)
		}
		denied++
	}
	b, _ := local(t, a)
	recorded := 0
	must(t, b.Read(t.Context(), bus.Trail, 1, []string{"trail.act." + decision.ActDenied + ".alpha.>"}, func(m *event.Message) error {
		act, err := trail.ReadAct(m)
		if err == nil && act.Who == "person-7" {
			recorded++
		}
		return err
	}))
	if recorded != denied {
		t.Errorf("%d of %d refused looks are in the trail", recorded, denied)
	}
	if s := beta.get("/acts"); s.status != http.StatusForbidden {
		t.Error("a steward sees what all others did:", s.status)
	}
	for group, may := range map[string]map[string]int{
		"verbund":  {"/": 200, "/event?id=allein": 200, refused: 200, "/acts": 200, "/parked": 200},
		"revision": {"/": 200, "/event?id=allein": 200, refused: 200, "/acts": 200, "/parked": 200},
		"betrieb":  {"/": 200, "/streams": 200, "/event?id=allein": 403, refused: 403, "/acts": 403, "/parked": 403, "/search": 403},
		"niemand":  {"/": 403, "/streams": 403, "/catalogue": 403},
	} {
		v, _ := i.login(a, group)
		for path, want := range may {
			if s := v.get(path); s.status != want {
				t.Errorf("%s as %s: %d, want %d", path, group, s.status, want)
			}
		}
		if s := v.get(refused); strings.Contains(s.body, "geheim") != (group == "verbund") {
			t.Errorf("%s sees the payload, or not", group)
		}
	}
}

// TestConsoleLogin: whatever the issuer's answer lacks lets nobody in.
func TestConsoleLogin(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, _, _ := consoleWorld(t, app.Config{Console: i.console(t)})
	if _, link := a.ConsoleURL(); link != "" {
		t.Error("there is a link where people log in")
	}
	for what, over := range map[string]map[string]any{
		"another nonce":    {"nonce": "x"},
		"no nonce":         {"nonce": nil},
		"another audience": {"aud": "somebody"},
		"another issuer":   {"iss": "https://evil.example"},
		"expired":          {"exp": time.Now().Add(-time.Hour).Unix()},
		"no name":          {"sub": nil},
		"another client":   {"azp": "somebody"},
	} {
		i.over = over
		if s := newVisitor(t, a).get("/login/start"); s.path != "/login?failed=1" {
			t.Errorf("%s: let in to %s", what, s.path)
		}
	}
	if s := newVisitor(t, a).get("/login/callback?code=c&state=x"); s.path != "/login?failed=1" {
		t.Error("a state that nobody has:", s.path)
	}
	v, s := i.login(a, "alpha")
	if s.path != "/" || !strings.Contains(s.body, "person-7") {
		t.Fatal("a good login leads to", s.path)
	}
	// the grant leaves the directory
	without := strings.ReplaceAll(grants, "groups: alpha", "groups: other")
	must(t, os.WriteFile(filepath.Join(a.Federation().Dir, "federation.yaml"), []byte(without), 0o600))
	_, err := a.Reload(t.Context())
	must(t, err)
	if s := v.get("/search"); s.status != http.StatusForbidden {
		t.Error("a role that was lost counts on:", s.status)
	}
}

// TestConsoleRefuses: a console that would be open to others does not start.
func TestConsoleRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	for what, c := range map[string]*app.Console{
		"beyond loopback without TLS": {Listen: "0.0.0.0:0"},
		"a URL without TLS":           {Listen: "127.0.0.1:0", URL: "http://konsole.example"},
		"a URL with a path":           {Listen: "127.0.0.1:0", URL: "https://konsole.example/x"},
		"OIDC without a client":       {Listen: "127.0.0.1:0", URL: "https://konsole.example", OIDC: app.ConsoleOIDC{Issuer: "https://login.example"}},
		"OIDC without a URL":          {Listen: "127.0.0.1:0", OIDC: app.ConsoleOIDC{Issuer: "https://login.example", Client: "x"}},
		"OIDC by http":                {Listen: "127.0.0.1:0", URL: "https://konsole.example", OIDC: app.ConsoleOIDC{Issuer: "http://login.example", Client: "x"}},
	} {
		a, err := app.New(app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), AllowTemp: true, Console: c})
		must(t, err)
		if err := a.Start(t.Context()); err == nil {
			t.Error(what, "starts")
			stopApp(t, a)
		}
	}
}
