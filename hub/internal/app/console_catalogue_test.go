package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

const dingTwo = "de.test.ding.v2"

// catalogueWorld is a directory with a second version of a type, contacts, an agreement
// that concerns alpha alone, and sixty authorities.
func catalogueWorld(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	read := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		must(t, err)
		return string(raw)
	}
	write := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o750))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("federation.yaml", grants)
	must(t, os.CopyFS(filepath.Join(dir, "schemas", dingTwo), os.DirFS(filepath.Join(dir, "schemas", hubtest.Ding))))
	next := strings.NewReplacer(hubtest.Ding, dingTwo, `"maxLength": 100`, `"maxLength": 200`, `"n": {"type": "number"},`, `"n": {"type": "number"}, "neu": {"type": "boolean"},`)
	write("schemas/"+dingTwo+"/schema.json", next.Replace(read("schemas/"+hubtest.Ding+"/schema.json")))
	alpha := strings.Replace(read("organisations/alpha.yaml"), "role: authority\n", "role: authority\ncontact: Servicestelle <Alpha>, Zimmer 7\n", 1) +
		"  - id: alpha.zwei\n    title: Zwei\n    contact: zwei@alpha.example\n    mailbox: {mode: nats}\n"
	var more strings.Builder
	for i := range 60 {
		fmt.Fprintf(&more, "  - {key: \"ags:1%07d\", name: Gemeinde %d}\n", i, i)
	}
	write("organisations/alpha.yaml", strings.Replace(alpha, "applications:\n", more.String()+"applications:\n", 1))
	inner := strings.NewReplacer("id: ding-eins", "id: ding-innen", "title: Test", "title: Innerhalb", "beta.one", "alpha.zwei", "ags:00000002", "ags:00000001", "disclose: all", "disclose: [/n]")
	write("agreements/ding-innen.yaml", inner.Replace(read("agreements/ding-eins.yaml"))+
		"approved: [{authority: \"ags:00000001\", on: 2026-01-02, ref: V 7/25, digest: \"sha256:"+strings.Repeat("0", 64)+"\"}]\n")
	return dir
}

// TestConsoleCatalogue: types with examples, versions and who sends and gets them; one
// agreement whole; the matrix; organisations with contacts, authorities and applications.
func TestConsoleCatalogue(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, w, publish := consoleWorld(t, app.Config{Directory: catalogueWorld(t), Console: i.console(t)})
	publish("in.alpha.app."+hubtest.Ding, ding("gut"))
	w.expect(t, 1, 0)
	all, _ := i.login(a, "verbund")
	all.has("/search", "gut")
	says := func(v *visitor, path string, words ...string) {
		t.Helper()
		s := v.get(path)
		for _, word := range words {
			without, not := strings.CutPrefix(word, "!")
			if s.status != http.StatusOK || strings.Contains(s.body, without) == not {
				t.Errorf("%s: %d, %q:\n%s", path, s.status, word, s.body)
			}
		}
	}
	says(all, "/catalogue/"+hubtest.Ding, "no-n (ungültig: verletzt required", "two (gültig)", "alpha.app", "beta.two", "!nicht gesehen", "?against="+dingTwo)
	says(all, "/catalogue/"+dingTwo, "Unterschiede zur Fassung", "/neu</code></th><td>neues Feld", "/text</code></th><td>andere Werte erlaubt", "!/n</code></th><td>andere")
	says(all, "/catalogue/"+hubtest.Ding+"?against="+dingTwo, "/neu</code></th><td>entfallen")
	says(all, "/agreements/ding-innen", "Innerhalb", "galt einem anderen Wortlaut", "V 7/25", "/n</code>", "!/text</code>", "id: ding-innen", "Ereignisse mit einer Sperre gehen hier nicht durch")
	says(all, "/agreements/ding-eins", "fehlt", "/text</code>")
	says(all, "/matrix", "DSGVO-6-1e", "(2)", "from=alpha&amp;to=beta")
	says(all, "/agreements?from=alpha&to=beta", "ding-eins", "!ding-innen")
	says(all, "/organisations", "Alpha", "Beta", "Servicestelle &lt;Alpha&gt;, Zimmer 7")
	says(all, "/organisations?find=bet", "!Servicestelle")
	says(all, "/organisations/alpha", "zwei@alpha.example", "urn:test:alpha", "61 Behörden", "Gemeinde 3<", "!Gemeinde 59<")
	says(all, "/organisations/alpha?skip=50", "Gemeinde 59<")
	says(all, "/organisations/alpha?find=gemeinde+59", "Gemeinde 59<", "!Gemeinde 3<")

	beta, _ := i.login(a, "beta")
	says(beta, "/organisations", "Beta", "!Servicestelle")
	says(beta, "/catalogue/"+hubtest.Ding, "beta.two", "!alpha.app")
	says(beta, "/matrix", "from=alpha&amp;org=beta&amp;to=beta", "!to=alpha")
	for path, want := range map[string]int{
		"/agreements/ding-innen": http.StatusNotFound, "/organisations/alpha": http.StatusForbidden, "/matrix?org=alpha": http.StatusForbidden, "/organisations/nobody": http.StatusForbidden,
		"/agreements/nichts": http.StatusNotFound, "/catalogue/" + hubtest.Ding + "?against=de.test.niemand.v1": http.StatusNotFound,
		"/agreements/ding-eins": http.StatusOK, "/organisations/beta": http.StatusOK,
	} {
		if s := beta.get(path); s.status != want || strings.Contains(s.body, "Servicestelle") || strings.Contains(s.body, "Innerhalb") {
			t.Errorf("%s as the steward of beta: %d, want %d", path, s.status, want)
		}
	}
}
