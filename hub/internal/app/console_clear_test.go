package app_test

import (
	"fmt"
	"net/http"
	"net/url"
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

// kaputt breaks its schema.
func kaputt(id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":"fall","data":{"n":"<b>x</b>"}}`, id, hubtest.Source, hubtest.Ding)
}

var refusedLink = regexp.MustCompile(`/quarantine/\d+`)

// refused gives the page of a refused event.
func (v *visitor) refused(id, code string) (link string) {
	v.t.Helper()
	path := "/quarantine/group?app=alpha.app&code=" + code
	awaitTrue(v.t, path+" has a link to "+id, func() bool {
		for _, row := range strings.Split(v.get(path).body, "<tr>") {
			if strings.Contains(row, id) { // so may the page around the rows, by chance
				link = refusedLink.FindString(row)
			}
			if link != "" {
				return true
			}
		}
		return false
	})
	return link
}

var textarea = regexp.MustCompile(`(?s)<textarea name="event"[^>]*>\n(.*)</textarea>`)

// TestConsoleEdit: an event is edited by who has seen it in full, checked as at the door,
// and sent in the place of the refused one; what it was stays for a while.
func TestConsoleEdit(t *testing.T) {
	t.Parallel()
	a, w, publish := consoleWorld(t, app.Config{})
	publish("in.alpha.app."+hubtest.Ding, kaputt("eins"))
	w.expect(t, 1, 0)
	v := newVisitor(t, a).enter(a)
	page := v.refused("eins", "SCHEMA_INVALID")
	if s := v.get(page + "/edit"); !strings.HasPrefix(s.path, page+"?said=look") {
		t.Error("without having seen it in full:", s.path)
	}
	token := v.token()
	v.post(page+"/look", url.Values{"token": {token}, "reason": {"Tippfehler des Absenders"}})
	s := v.get(page + "/edit")
	m := textarea.FindStringSubmatch(s.body)
	if m == nil || !strings.Contains(m[1], "&lt;b&gt;") {
		t.Fatalf("no text to edit:\n%s", s.body)
	}
	form := url.Values{"token": {token}, "reason": {"Zahl berichtigt"}, "event": {string(kaputt("eins"))}}
	if s := v.post(page+"/edit", form); !strings.Contains(s.body, "nichts geändert") {
		t.Error("unchanged:", s.status)
	}
	form.Set("event", strings.Replace(string(kaputt("eins")), `"<b>x</b>"`, `true,"m":1`, 1))
	if s := v.post(page+"/edit", form); !strings.Contains(s.body, "käme wieder hierher") || !strings.Contains(s.body, "/data/n") || strings.Count(s.body, "SCHEMA_INVALID") < 3 {
		t.Errorf("still wrong: %d\n%s", s.status, s.body)
	}
	// who changes the language then finds the text again, and what is wrong with it
	v.post("/settings", url.Values{"lang": {"en"}})
	if s := v.get(page + "/edit?entwurf=1"); !strings.Contains(s.body, "true,&#34;m&#34;:1") || !strings.Contains(s.body, "/data/n") || !strings.Contains(s.body, "Zahl berichtigt") {
		t.Errorf("in English:\n%s", s.body)
	}
	v.post("/settings", url.Values{"lang": {"de"}})
	if s := v.get(page + "/edit"); strings.Contains(s.body, "true,&#34;m&#34;:1") || strings.Contains(s.body, "/data/n") && strings.Contains(s.body, "käme wieder hierher") {
		t.Errorf("begun anew:\n%s", s.body)
	}
	form.Set("event", strings.Replace(string(kaputt("eins")), `"<b>x</b>"`, "\r\n7", 1))
	for range 2 { // the second time changes nothing
		if s := v.post(page+"/edit", form); s.status != http.StatusOK || !strings.Contains(s.path, "said=") {
			t.Errorf("edited: %d %s\n%s", s.status, s.path, s.body)
		}
	}
	s = v.has(page, "Bearbeitet und erneut eingereicht")
	if !strings.Contains(s.body, "Zahl berichtigt") || !strings.Contains(s.body, "Das Original") {
		t.Errorf("what became of it:\n%s", s.body)
	}
	v.has("/event?id=eins", "Bearbeitet und erneut eingereicht")
	v.has("/event?id=eins", "beta.one") // got it, a moment later
	v.has("/acts", "Bearbeitet und erneut eingereicht")
	b, _ := local(t, a)
	count := 0
	must(t, b.Read(t.Context(), bus.Trail, 1, []string{"trail.act." + decision.ActQuarantineEdit + ".>"}, func(m *event.Message) error {
		act, err := trail.ReadAct(m)
		count++
		if err == nil && (act.Before == act.After || !strings.HasPrefix(act.After, "sha256:") || act.Reason != "Zahl berichtigt" || strings.Contains(string(m.Data), "<b>")) {
			t.Errorf("recorded: %s", m.Data)
		}
		return err
	}))
	if count != 1 {
		t.Errorf("%d acts", count)
	}
}

// TestConsoleClear: the acts without a text, who looks after an event, and a run.
func TestConsoleClear(t *testing.T) {
	t.Parallel()
	a, w, publish := consoleWorld(t, app.Config{})
	for i := range 4 {
		publish("in.alpha.app."+hubtest.Niemand, niemand(fmt.Sprintf("n%d", i)))
	}
	w.expect(t, 4, 0)
	v := newVisitor(t, a).enter(a)
	page := v.refused("n0", "NO_AGREEMENT")
	token := v.token()
	form := func(pairs ...string) url.Values {
		f := url.Values{"token": {token}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	for what, s := range map[string]seen{
		"mindestens 10 Zeichen": v.post(page+"/act", form("act", decision.ActQuarantineDiscard, "reason", "kurz")),
		"käme wieder hierher":   v.post(page+"/act", form("act", decision.ActQuarantineResubmit, "reason", "noch einmal versuchen")),
		"benennt":               v.post(page+"/act", form("act", decision.ActQuarantineReturn, "reason", "an erika@example.org wenden")),
	} {
		if !strings.Contains(s.body, what) {
			t.Errorf("%s: %d %s", what, s.status, s.path)
		}
	}
	v.post(page+"/work", form("do", "take"))
	v.post(page+"/work", form("do", "due", "due", "2020-01-02"))
	v.post(page+"/work", form("do", "note", "note", "Absender gefragt"))
	s := v.post(page+"/work", form("do", "hand", "to", "Team Melderecht"))
	for _, want := range []string{"Team Melderecht", "02.01.2020", "überfällig", "Absender gefragt", "Eingetragen."} {
		if !strings.Contains(s.body, want) {
			t.Errorf("the work lacks %q", want)
		}
	}
	group := "/quarantine/group?app=alpha.app&code=NO_AGREEMENT"
	v.post("/quarantine/group/work", form("do", "take", "app", "alpha.app", "code", "NO_AGREEMENT"))
	if s := v.post(page+"/act", form("act", decision.ActQuarantineReturn, "reason", "bitte neu senden", "group", group)); !strings.HasPrefix(s.path, "/quarantine/group?") {
		t.Errorf("given back: %d %s", s.status, s.path)
	}
	v.has(page, "Aus dem Klärungsfach zurückgegeben")
	v.has("/event?id=n0", "RETURNED")
	if s := v.post(page+"/act", form("act", decision.ActQuarantineDiscard, "reason", "bitte neu senden")); s.status != http.StatusOK || !strings.Contains(s.body, "zurückgegeben") {
		t.Errorf("dealt with already: %d", s.status)
	}
	s = v.get("/quarantine/bulk?app=alpha.app&code=NO_AGREEMENT&act=" + decision.ActQuarantineResubmit)
	if !strings.Contains(s.body, "3 davon geprüft, 0 kämen jetzt durch") {
		t.Errorf("the preview:\n%s", s.body)
	}
	s = v.get("/quarantine/bulk?app=alpha.app&code=NO_AGREEMENT&act=" + decision.ActQuarantineDiscard)
	run := form("reason", "nie vereinbart gewesen")
	for _, m := range regexp.MustCompile(`name="(app|code|act|name|upto|total)" value="([^"]*)"`).FindAllStringSubmatch(s.body, -1) {
		run.Set(m[1], m[2])
	}
	for range 2 { // sent twice it runs once
		if s := v.post("/quarantine/bulk", run); !strings.HasPrefix(s.path, "/quarantine/runs") {
			t.Errorf("the run: %d %s\n%s", s.status, s.path, s.body)
		}
	}
	v.has("/quarantine/runs", "beendet")
	if s := v.get("/quarantine/runs"); !strings.Contains(s.body, "3 von 3") {
		t.Errorf("the run has ended:\n%s", s.body)
	}
	v.has("/quarantine", "leer")
	stop := form("app", "alpha.app", "name", run.Get("name"))
	if s := v.post("/quarantine/runs", stop); !strings.Contains(s.path, "run-over") {
		t.Error("a run that has ended was stopped:", s.path)
	}
	for _, f := range []url.Values{form("app", "alpha.app", "name", "x"), form("app", "alpha.app", "name", strings.Repeat(">", 22))} {
		if s := v.post("/quarantine/runs", f); s.status != http.StatusNotFound {
			t.Error("an odd name:", s.status)
		}
	}
}

// TestConsoleClearRoles: who may not act is refused, and that is recorded; nothing
// changes.
func TestConsoleClearRoles(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, w, publish := consoleWorld(t, app.Config{Console: i.console(t)})
	publish("in.alpha.app."+hubtest.Niemand, niemand("eins"))
	w.expect(t, 1, 0)
	alpha, _ := i.login(a, "alpha")
	page := alpha.refused("eins", "NO_AGREEMENT")
	denied := func() (n int) {
		b, _ := local(t, a)
		must(t, b.Read(t.Context(), bus.Trail, 1, []string{"trail.act." + decision.ActDenied + ".>"}, func(*event.Message) error {
			n++
			return nil
		}))
		return n
	}
	before, tried := denied(), 0
	for _, group := range []any{"beta", "betrieb", "revision"} {
		v, _ := i.login(a, group)
		form := url.Values{
			"token": {v.token()}, "act": {decision.ActQuarantineDiscard}, "reason": {"das gehört uns nicht"}, "do": {"take"}, "event": {"{}"}, "app": {"alpha.app"},
			"code": {"NO_AGREEMENT"}, "upto": {"99"}, "total": {"1"}, "name": {strings.Repeat("a", 22)},
		}
		for _, path := range []string{page + "/act", page + "/edit", page + "/work", "/quarantine/group/work", "/quarantine/bulk", "/quarantine/runs"} {
			if s := v.post(path, form); s.status != http.StatusForbidden && s.status != http.StatusNotFound {
				t.Errorf("%v at %s: %d", group, path, s.status)
			}
			if group != "betrieb" { // who sees counts alone is refused as everywhere
				tried++
			}
		}
		for _, path := range []string{page + "/edit", "/quarantine/bulk?app=alpha.app&code=NO_AGREEMENT&act=" + decision.ActQuarantineDiscard} {
			if s := v.get(path); s.status != http.StatusForbidden && s.status != http.StatusNotFound {
				t.Errorf("%v at %s: %d", group, path, s.status)
			}
		}
	}
	if n := denied() - before; n < tried {
		t.Errorf("%d tries, %d recorded", tried, n)
	}
	if s := alpha.get(page); !strings.Contains(s.body, "eins") || strings.Contains(s.body, "Erledigt von") {
		t.Error("something has changed")
	}
	// a steward without full sight acts, and does not edit
	federation, _ := i.login(a, "verbund")
	if s := federation.get(page + "/edit"); s.status != http.StatusForbidden {
		t.Error("edit without full sight:", s.status)
	}
	if s := federation.post(page+"/act", url.Values{"token": {federation.token()}, "act": {decision.ActQuarantineDiscard}, "reason": {"nicht vereinbart"}}); s.status != http.StatusOK {
		t.Error("a federation steward:", s.status)
	}
	alpha.has(page, "Verworfen")
	beta, _ := i.login(a, "beta")
	if s := beta.get(page); s.status != http.StatusNotFound {
		t.Error("what became of another's event:", s.status)
	}
}
