package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
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

var hereInput = regexp.MustCompile(`name="here" value="[^"]*"`)

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
		"/", "/tail", "/tail?outcome=unrouted", "/search", "/search?outcome=unrouted&from=2020-01-01&to=2030-01-01&app=alpha.app", "/search?q=gut", "/search?q=nie", "/event?id=gut", "/event?id=allein",
		"/case?id=k", "/quarantine", "/quarantine/group?app=alpha.app&code=NO_AGREEMENT", "/parked", "/streams", "/catalogue", "/catalogue/" + hubtest.Ding,
		"/agreements", "/agreements?find=ding", "/agreements/ding-eins", "/matrix", "/organisations", "/organisations/alpha", "/acts", "/?org=alpha", "/replays", "/replays/new",
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
