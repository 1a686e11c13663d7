package app_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// receipted is organisation alpha with a mailbox for its receipts.
const receipted = `id: alpha
name: Alpha
role: authority
authorities:
  - {key: "ags:00000001", name: Alpha}
applications:
  - id: alpha.app
    title: Fachverfahren A
    receipts: alpha.quittungen
    sources:
      - {prefix: "urn:test:alpha", authority: "ags:00000001"}
  - id: alpha.quittungen
    title: Quittungen A
    mailbox: {mode: nats}
`

// receiptedWorld is consoleWorld with it; beta.one confirms.
func receiptedWorld(t *testing.T) (*app.App, *watch, func(subject string, data []byte)) {
	t.Helper()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, "organisations", "alpha.yaml"), []byte(receipted), 0o600))
	one := filepath.Join(dir, "agreements", "ding-eins.yaml")
	raw, err := os.ReadFile(one)
	must(t, err)
	must(t, os.WriteFile(one, append(raw, "receipts: [delivered]\n"...), 0o600))
	return consoleWorld(t, app.Config{Directory: dir})
}

// threeReceipts is receiptedWorld with an event that goes, one that is wrong, and one for
// nobody.
func threeReceipts(t *testing.T) *app.App {
	t.Helper()
	a, w, publish := receiptedWorld(t)
	publish("in.alpha.app."+hubtest.Ding, ding("gut"))
	publish("in.alpha.app."+hubtest.Ding, kaputt("eins"))
	publish("in.alpha.app."+hubtest.Niemand, niemand("allein"))
	w.expect(t, 3, 0)
	return a
}

var tags = regexp.MustCompile(`<[^>]*>`)

// words are what people read of a page, on one line.
func words(body string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(body, " "))), " ")
}

// TestConsoleEventWhole: the page of an event tells how it was found by its schema, where
// the trail has it, who is meant in words, and what became of the receipts to its sender.
func TestConsoleEventWhole(t *testing.T) {
	t.Parallel()
	a := threeReceipts(t)
	v := newVisitor(t, a).enter(a)
	for id, says := range map[string][]string{
		"gut":    {"Schema und Urteil " + hubtest.Ding + " : Der Inhalt entspricht ihm.", "Annahme → alpha.quittungen: wartet im Eingangsfach"},
		"eins":   {"Schema und Urteil " + hubtest.Ding + " : Der Inhalt verletzt es:", "Abweisung → alpha.quittungen: wartet im Eingangsfach"},
		"allein": {"Schema und Urteil " + hubtest.Niemand + " : Der Inhalt entspricht ihm.", "Abweisung → alpha.quittungen"},
	} {
		text := words(v.has("/event?id="+id, "Quittungen an den Absender").body)
		if !regexp.MustCompile(`Im Nachweis TRAIL \d+ `).MatchString(text) {
			t.Errorf("%s: no record of the trail is named", id)
		}
		for _, s := range says {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", id, s, text)
			}
		}
	}
	if text := words(v.get("/event?id=allein").body); !strings.Contains(text, "alpha.quittungen Quittungen A keine Übermittlungsregel") {
		t.Errorf("who did not get it is not named in words:\n%s", text)
	}
}

// TestConsoleGivenBack: what went back to its sender has the receipt that says so.
func TestConsoleGivenBack(t *testing.T) {
	t.Parallel()
	a, w, publish := receiptedWorld(t)
	publish("in.alpha.app."+hubtest.Niemand, niemand("allein"))
	w.expect(t, 1, 0)
	v := newVisitor(t, a).enter(a)
	page := v.refused("allein", "NO_AGREEMENT")
	v.post(page+"/act", url.Values{"token": {v.token()}, "act": {decision.ActQuarantineReturn}, "reason": {"Bitte anders senden"}})
	text := words(v.has("/event?id=allein", "Rückgabe → alpha.quittungen").body)
	if !strings.Contains(text, "Abweisung → alpha.quittungen") {
		t.Errorf("the first receipt is missing:\n%s", text)
	}
}

// TestConsoleUndecided: what an organisation has handed in and the hub has not come to yet
// is seen at its in stream.
func TestConsoleUndecided(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	a, w, publish := consoleWorld(t, app.Config{Directory: dir})
	v := newVisitor(t, a).enter(a)
	if s := v.get("/streams/in?org=alpha"); strings.Count(s.body, "Ältestes noch nicht entschieden: –") != 2 {
		t.Errorf("nothing waits:\n%s", s.body)
	}
	limit(t, filepath.Join(dir, "organisations", "alpha.yaml"), "role: authority\n", "role: authority\nlimits: {rate: 1}\n")
	_, err := a.Reload(t.Context())
	must(t, err)
	for i := range 40 {
		publish("in.alpha.app."+hubtest.Ding, ding(fmt.Sprint("d", i)))
	}
	w.expect(t, 1, 0)
	v.has("/streams/in?org=alpha", `Ältestes noch nicht entschieden: <span class="state waiting">`)
}

// TestConsoleCounts: a number leads to as many events, and a mailbox of receipts counts what
// comes in.
func TestConsoleCounts(t *testing.T) {
	t.Parallel()
	a := threeReceipts(t)
	v := newVisitor(t, a).enter(a)
	v.has("/search", "allein")
	over := v.get("/").body
	link := regexp.MustCompile(`<dt>Ins Klärungsfach</dt><dd><a href="([^"]+)">2<`).FindStringSubmatch(over)
	if link == nil {
		t.Fatalf("no number with a link:\n%s", over)
	}
	list := v.get(html.UnescapeString(link[1])).body
	if n := strings.Count(list, `<a href="/event?id=`); n != 2 || !strings.Contains(list, "allein") || !strings.Contains(list, "eins") {
		t.Errorf("the link of the number leads to %d events", n)
	}
	if text := words(v.get("/streams/mailbox?app=alpha.quittungen").body); !strings.Contains(text, ":00:00 3 0 ") {
		t.Errorf("three receipts came in:\n%s", text)
	}
}

// TestConsoleAllWrong: a refused event shows all that is wrong with it, and that nothing is
// any more when the rules have changed.
func TestConsoleAllWrong(t *testing.T) {
	t.Parallel()
	a, w, publish := consoleWorld(t, app.Config{})
	publish("in.alpha.app."+hubtest.Ding, fmt.Appendf(nil, `{"specversion":"1.0","id":"zwei","source":%q,"type":%q,"data":{"n":"x","text":7}}`, hubtest.Source, hubtest.Ding))
	w.expect(t, 1, 0)
	v := newVisitor(t, a).enter(a)
	s := v.get(v.refused("zwei", "SCHEMA_INVALID"))
	for _, at := range []string{"/data/n", "/data/text"} {
		if !strings.Contains(s.body, "<li><code>"+at+"</code>") {
			t.Errorf("%s is not named:\n%s", at, s.body)
		}
	}
	if n := strings.Count(s.body, `class="why"`); n != 2 {
		t.Errorf("%d places are marked in the payload", n)
	}
}

// TestConsoleStaleForm: who sends a form of an earlier login is told so, and comes to a page
// from there; an address that takes forms alone says that.
func TestConsoleStaleForm(t *testing.T) {
	t.Parallel()
	a, _, _ := consoleWorld(t, app.Config{})
	v := newVisitor(t, a).enter(a)
	s := v.post("/streams/pause", url.Values{"token": {"alt"}, "app": {"beta.one"}, "act": {"pause"}, "reason": {"lange genug begründet"}})
	if s.status != http.StatusForbidden || !strings.Contains(s.body, "Das Formular gilt nicht mehr") || !strings.Contains(s.body, `name="here" value="/"`) {
		t.Errorf("%d\n%s", s.status, s.body)
	}
	if s := v.post("/streams/pause", url.Values{"token": {v.token()}, "reason": {strings.Repeat("x", 5<<20)}}); s.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large form: %d", s.status)
	}
	if s := v.get("/streams/pause"); s.status != http.StatusMethodNotAllowed || s.header.Get("Allow") != http.MethodPost {
		t.Errorf("a form's address: %d, allows %q", s.status, s.header.Get("Allow"))
	}
	if s := v.post("/search", url.Values{"token": {v.token()}}); s.status != http.StatusMethodNotAllowed || s.header.Get("Allow") != http.MethodGet {
		t.Errorf("a page's address: %d, allows %q", s.status, s.header.Get("Allow"))
	}
}

// TestConsoleTokens: the page of an organisation shows its tokens for HTTP as well.
func TestConsoleTokens(t *testing.T) {
	t.Parallel()
	a, _, _ := consoleWorld(t, app.Config{HTTP: &app.HTTP{Listen: "127.0.0.1:0"}})
	v := newVisitor(t, a).enter(a)
	if text := words(v.get("/organisations/beta").body); strings.Contains(text, "API-Token") {
		t.Errorf("a token that nobody has issued:\n%s", text)
	}
	secret := issue(t, a, "beta.one")
	if s := v.get("/organisations/beta"); !strings.Contains(words(s.body), "API-Token gültig bis") || strings.Contains(s.body, secret) {
		t.Errorf("the token:\n%s", words(s.body))
	}
}

// TestConsoleVeils: that a Sperre is what is wrong with an event stands on no page, in no
// list and in no answer, until somebody has looked in full and said why.
func TestConsoleVeils(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	limit(t, filepath.Join(dir, "schemas", hubtest.Ding, "schema.json"), `"text": {"type": "string", "maxLength": 100}`,
		`"text": {"type": "string", "maxLength": 100}, "geheim": {"type": "boolean", "x-sperre": "geheim", "title": "Sperre", "description": "Sperre"}`)
	a, w, publish := consoleWorld(t, app.Config{Directory: dir})
	for id, data := range map[string]string{"allein": `{"n":1,"geheim":"ja"}`, "beides": `{"n":"x","geheim":"ja"}`} {
		publish("in.alpha.app."+hubtest.Ding, fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"data":%s}`, id, hubtest.Source, hubtest.Ding, data))
	}
	w.expect(t, 2, 0)
	v := newVisitor(t, a).enter(a)
	for _, id := range []string{"allein", "beides"} {
		page := v.refused(id, "SCHEMA_INVALID")
		first := v.get(page)
		token := v.token()
		answer := v.post(page+"/act", url.Values{"token": {token}, "act": {"quarantine-resubmit"}, "reason": {"Schema geändert"}})
		if !strings.Contains(answer.body, "SCHEMA_INVALID") {
			t.Errorf("%s: sent again it is not told as still wrong:\n%s", id, answer.body)
		}
		for what, body := range map[string]string{
			"its page": first.body, "the answer to an act": answer.body, "the event's page": v.get("/event?id=" + id).body,
			"the group": v.get("/quarantine/group?app=alpha.app&code=SCHEMA_INVALID").body,
			"the bulk":  v.get("/quarantine/bulk?app=alpha.app&code=SCHEMA_INVALID&act=quarantine-discard").body,
		} {
			if strings.Contains(body, "/geheim") {
				t.Errorf("%s: %s tells of the Sperre", id, what)
			}
		}
	}
	page := v.refused("beides", "SCHEMA_INVALID")
	v.post(page+"/look", url.Values{"token": {v.token()}, "reason": {"Tippfehler des Absenders"}})
	v.has(page, "/data/geheim")
}
