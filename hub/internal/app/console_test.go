package app_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// visitor is a browser without scripts.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

func newVisitor(t *testing.T, a *app.App) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	base, _ := a.ConsoleURL()
	return &visitor{t, base, &http.Client{Jar: jar, Timeout: hubtest.Patience}}
}

// seen is a page.
type seen struct {
	status int
	path   string // where it ended
	header http.Header
	body   string
}

func (v *visitor) do(req *http.Request) seen {
	v.t.Helper()
	resp, err := v.http.Do(req)
	must(v.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	must(v.t, err)
	return seen{resp.StatusCode, resp.Request.URL.RequestURI(), resp.Header, string(raw)}
}

func (v *visitor) get(path string) seen {
	v.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = v.base + path
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, path, http.NoBody)
	must(v.t, err)
	return v.do(req)
}

func (v *visitor) post(path string, form url.Values, headers ...string) seen {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	must(v.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return v.do(req)
}

var tokenInput = regexp.MustCompile(`name="token" value="([^"]+)"`)

// token is that of the forms of the visitor's session.
func (v *visitor) token() string {
	v.t.Helper()
	m := tokenInput.FindStringSubmatch(v.get("/").body)
	if m == nil {
		v.t.Fatal("the overview has no form with a token")
	}
	return m[1]
}

// enter uses the link that was made at the start.
func (v *visitor) enter(a *app.App) *visitor {
	v.t.Helper()
	_, link := a.ConsoleURL()
	if s := v.get(link); s.status != http.StatusOK || s.path != "/" {
		v.t.Fatalf("the link leads to %d %s", s.status, s.path)
	}
	return v
}

// has waits until a page says something: the search index is a moment behind.
func (v *visitor) has(path, says string) seen {
	v.t.Helper()
	var s seen
	awaitTrue(v.t, path+" says "+says, func() bool {
		s = v.get(path)
		return s.status == http.StatusOK && strings.Contains(s.body, says)
	})
	return s
}

// grants are who may enter the console of the test federation.
const grants = `name: Test
environment: test
console:
  - {role: steward, organisation: alpha, sight: full, oidc: {groups: alpha}}
  - {role: steward, organisation: beta, sight: metadata, oidc: {groups: beta}}
  - {role: federation, oidc: {groups: verbund}}
  - {role: operator, oidc: {groups: betrieb}}
  - {role: auditor, oidc: {groups: revision}}
`

// consoleWorld is a hub with a console and some events.
func consoleWorld(t *testing.T, cfg app.Config) (*app.App, *watch, func(subject string, data []byte)) {
	t.Helper()
	w := newWatch()
	if cfg.Directory == "" {
		cfg.Directory = t.TempDir()
		hubtest.WriteFederation(t, cfg.Directory)
		must(t, os.WriteFile(filepath.Join(cfg.Directory, "federation.yaml"), []byte(grants), 0o600))
	}
	if cfg.Console == nil {
		cfg.Console = &app.Console{Listen: "127.0.0.1:0"}
	}
	cfg.Data, cfg.Observer, cfg.Listen = filepath.Join(t.TempDir(), "data"), w, "127.0.0.1:0"
	a := startApp(t, cfg)
	t.Cleanup(func() { stopApp(t, a) })
	_, publish := local(t, a)
	return a, w, publish
}

func niemand(id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":"fall","data":{"n":1,"text":"geheim-%s"}}`, id, hubtest.Source, hubtest.Niemand, id)
}

// TestConsolePages: every page answers in both languages with the headers that keep a
// browser from doing harm, and none but the login without a session.
func TestConsolePages(t *testing.T) {
	t.Parallel()
	a, w, publish := consoleWorld(t, app.Config{})
	publish("in.alpha.app."+hubtest.Ding, ding("gut"))
	publish("in.alpha.app."+hubtest.Niemand, niemand("allein"))
	w.expect(t, 2, 0)
	out, in := newVisitor(t, a), newVisitor(t, a).enter(a)
	in.has("/search", "allein")
	paths := []string{
		"/", "/search", "/search?outcome=unrouted&from=2020-01-01&to=2030-01-01&app=alpha.app", "/search?q=gut", "/search?q=nie", "/event?id=gut", "/event?id=allein",
		"/case?id=k", "/quarantine", "/quarantine/group?app=alpha.app&code=NO_AGREEMENT", "/parked", "/streams", "/catalogue", "/catalogue/" + hubtest.Ding,
		"/agreements", "/agreements?find=ding", "/acts", "/?org=alpha",
	}
	for _, path := range paths {
		for lang, word := range map[string]string{"de": "Abmelden", "en": "Log out"} {
			in.post("/settings", url.Values{"lang": {lang}})
			s := in.get(path)
			if s.status != http.StatusOK || !strings.Contains(s.body, word) || !strings.Contains(s.body, `<html lang="`+lang+`"`) {
				t.Errorf("%s in %s: %d\n%s", path, lang, s.status, s.body)
			}
			if csp := s.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: policy %q", path, csp)
			}
			if strings.Contains(s.body, "<script>") || strings.Contains(s.body, " style=") || strings.Contains(s.body, " onclick") {
				t.Errorf("%s has a script or style in the page", path)
			}
		}
		if s := out.get(path); !strings.HasPrefix(s.path, "/login") {
			t.Errorf("%s without a login: %d %s", path, s.status, s.path)
		}
	}
	for _, path := range []string{"/gibt-es-nicht", "/catalogue/x", "/quarantine/999999", "/quarantine/x", "/quarantine/group?app=a&code=b", "/event", "/assets/none.css", "/?org=nobody", "/assets/..%2fconsole.go"} {
		if s := in.get(path); s.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, s.status)
		}
	}
	if s := out.get("/search"); s.header.Get("Set-Cookie") != "" {
		t.Error("a cookie without a login")
	}
}

// TestConsoleLink: the link works once; another one is had from the running hub.
func TestConsoleLink(t *testing.T) {
	t.Parallel()
	a, _, _ := consoleWorld(t, app.Config{})
	_, link := a.ConsoleURL()
	newVisitor(t, a).enter(a)
	if s := newVisitor(t, a).get(link); s.path != "/login?failed=1" {
		t.Error("the link worked twice:", s.path)
	}
	var answer app.ConsoleAnswer
	must(t, app.Ask(t.Context(), a.Data(), nil, app.VerbConsole, struct{}{}, &answer))
	v := newVisitor(t, a)
	if s := v.get(answer.Link); s.path != "/" {
		t.Error("the new link leads to", s.path)
	}
	if s := v.post("/logout", url.Values{"token": {v.token()}}); s.path != "/login" {
		t.Error("after logging out:", s.path)
	}
	if s := v.get("/search"); s.path != "/login" {
		t.Error("the session goes on:", s.path)
	}
}

// TestConsoleForms: what no page of the console has sent is refused.
func TestConsoleForms(t *testing.T) {
	t.Parallel()
	a, _, _ := consoleWorld(t, app.Config{})
	v := newVisitor(t, a).enter(a)
	good := url.Values{"token": {v.token()}}
	for what, s := range map[string]seen{
		"no token":      v.post("/logout", nil),
		"another token": v.post("/logout", url.Values{"token": {"x"}}),
		"another site":  v.post("/logout", good, "Sec-Fetch-Site", "cross-site"),
		"another host":  v.post("/logout", good, "Sec-Fetch-Site", "", "Origin", "https://evil.example"),
		"settings":      v.post("/settings", url.Values{"lang": {"en"}}, "Sec-Fetch-Site", "cross-site"),
	} {
		if s.status != http.StatusForbidden {
			t.Errorf("%s: %d", what, s.status)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+"/", http.NoBody)
	must(t, err)
	req.Host = "evil.example"
	if s := v.do(req); s.status != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %d", s.status)
	}
	for _, here := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", ""} {
		if s := v.post("/settings", url.Values{"lang": {"en"}, "here": {here}}); s.path != "/" || s.status != http.StatusOK {
			t.Errorf("%q leads to %s", here, s.path)
		}
	}
	if s := v.get("/"); s.status != http.StatusOK {
		t.Error("the session ended")
	}
}

// TestConsoleLook: a payload is masked until a reason is in the trail.
func TestConsoleLook(t *testing.T) {
	t.Parallel()
	a, w, publish := consoleWorld(t, app.Config{})
	publish("in.alpha.app."+hubtest.Niemand, niemand("eins"))
	w.expect(t, 1, 0)
	v := newVisitor(t, a).enter(a)
	v.has("/event?id=eins", "geheim-eins") // x-nicht-personenbezogen: not hidden
	form := url.Values{"token": {v.token()}, "id": {"eins"}, "in": {bus.InStream("alpha")}, "seq": {"1"}, "reason": {"zu kurz"}}
	if s := v.post("/event/look", form); !strings.Contains(s.body, "mindestens 10 Zeichen") {
		t.Error("a short reason was taken")
	}
	form.Set("reason", "Rückfrage des Absenders")
	if s := v.post("/event/look", form); !strings.Contains(s.body, "Vollständig gezeigt bis") {
		t.Error("the payload is not shown in full")
	}
	b, _ := local(t, a)
	m, err := b.Last(t.Context(), bus.Trail, "trail.act."+decision.ActLook+".>")
	must(t, err)
	act, err := trail.ReadAct(m)
	must(t, err)
	if act.Application != "alpha.app" || act.Reason != "Rückfrage des Absenders" || act.Key != event.KeyToken("IN_alpha 1") || act.Who == "" {
		t.Errorf("recorded: %+v", act)
	}
	form.Set("seq", "2")
	if s := v.post("/event/look", form); s.status != http.StatusNotFound {
		t.Error("a look at what is not there:", s.status)
	}
}

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

	beta, _ := i.login(a, "beta")
	if s := beta.get("/search"); strings.Contains(s.body, "allein") || !strings.Contains(s.body, "beide") {
		t.Errorf("the receiver's steward sees:\n%s", s.body)
	}
	s := beta.get("/event?id=beide")
	if !strings.Contains(s.body, "beta.one") || !strings.Contains(s.body, "Ihre Rolle sieht keine Inhalte") || !strings.Contains(s.body, "Gezeigt wird nur die Seite") {
		t.Errorf("the receiver's steward sees of the event:\n%s", s.body)
	}
	denied := 0
	for _, path := range []string{
		"/?org=alpha", "/live/overview?org=alpha", "/search?org=alpha", "/event?id=allein", "/search?q=allein", "/case?id=fall", "/search?q=fall",
		"/quarantine?org=alpha", "/quarantine/group?app=alpha.app&code=NO_AGREEMENT", refused, "/parked?org=alpha", "/streams?org=alpha", "/agreements?org=alpha",
	} {
		s := beta.get(path)
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
		if s := beta.post(path, form); s.status != http.StatusForbidden && s.status != http.StatusNotFound {
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

// TestConsoleLive: the overview tells what is new, and no more than so many follow it.
func TestConsoleLive(t *testing.T) {
	t.Parallel()
	a, _, publish := consoleWorld(t, app.Config{})
	v := newVisitor(t, a).enter(a)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+"/live/overview", http.NoBody)
	must(t, err)
	var open []io.Closer
	for range 6 {
		resp, err := v.http.Do(req)
		must(t, err)
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
			t.Fatal(resp.Status, kind)
		}
		open = append(open, resp.Body)
	}
	if s := v.get("/live/overview"); s.status != http.StatusServiceUnavailable {
		t.Error("the seventh:", s.status)
	}
	var follow errgroup.Group
	follow.Go(func() error {
		buf, all := make([]byte, 64<<10), ""
		for !strings.Contains(all, `beta.one`) {
			n, err := open[0].(io.Reader).Read(buf)
			if err != nil {
				return fmt.Errorf("%w after %q", err, all)
			}
			all += string(buf[:n])
		}
		return nil
	})
	publish("in.alpha.app."+hubtest.Ding, ding("neu"))
	must(t, follow.Wait())
	for _, c := range open {
		must(t, c.Close())
	}
}

// TestCorpusConsole: texts of people who want to do harm are shown as texts in list,
// detail and reason, in masked and in full; so is one of a megabyte.
func TestCorpusConsole(t *testing.T) {
	t.Parallel()
	inputs := corpus.Read(t, "console")
	dir := t.TempDir()
	hubtest.WriteCorpusFederation(t, dir)
	a, w, publish := consoleWorld(t, app.Config{Directory: dir})
	big := fmt.Appendf(nil, `{"specversion":"1.0","id":"gross","source":"urn:de:behoerde:stadt-a:meldewesen","type":%q,"data":{"vorgang":"V-1","x":"%s"}}`,
		hubtest.CorpusType, strings.Repeat("<b>", 300_000))
	publish("in.stadt-a.meldewesen."+hubtest.CorpusType, big)
	for _, in := range inputs {
		publish("in.stadt-a.meldewesen."+hubtest.CorpusType, in.Data)
	}
	ds, _ := w.expect(t, len(inputs)+1, 0)
	v := newVisitor(t, a).enter(a)
	token := v.token()
	for _, d := range ds {
		if d.ID == "" {
			continue
		}
		paths := []string{"/search", "/event?id=" + url.QueryEscape(d.ID)}
		v.has(paths[1], html.EscapeString(d.ID))
		if d.Code != "" {
			group := v.get("/quarantine/group?app=stadt-a.meldewesen&code=" + string(d.Code))
			paths = append(paths, regexp.MustCompile(`/quarantine/\d+`).FindString(group.body))
		}
		harmless(t, v, d.ID, paths)
		look := url.Values{"token": {token}, "id": {d.ID}, "in": {d.In}, "seq": {fmt.Sprint(d.Seq)}, "reason": {"Probe des Korpus"}}
		if s := v.post("/event/look", look); s.status != http.StatusOK {
			t.Errorf("%s in full: %d", d.ID, s.status)
		}
		harmless(t, v, d.ID, paths[1:2])
	}
}

// loud is markup that no page of the console has, and characters that act.
var loud = regexp.MustCompile(`(?i)<img|<svg/|onerror=alert[^&]*>|</?style|<script[^>]*>[^<]|href="javascript|<b>|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

func harmless(t *testing.T, v *visitor, id string, paths []string) {
	t.Helper()
	for _, path := range paths {
		s := v.get(path)
		if s.status != http.StatusOK {
			t.Errorf("%s: %s is %d", id, path, s.status)
		}
		if found := loud.FindString(s.body); found != "" {
			t.Errorf("%s: %s holds %q", id, path, found)
		}
		if len(s.body) > 1<<20 {
			t.Errorf("%s: %s is %d bytes long", id, path, len(s.body))
		}
	}
}
