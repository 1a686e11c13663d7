package app_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// filed is an event with a file reference.
func filed(id, typ, theCase, reference string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":%q,"data":{"n":1,"text":%q}}`, id, hubtest.Source, typ, theCase, reference)
}

// searchableFederation is the test federation with a text that can be searched for, of
// which beta is told the number alone; what nobody gets is not kept.
func searchableFederation(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, "federation.yaml"), []byte(grants), 0o600))
	must(t, os.Remove(filepath.Join(dir, "agreements", "ding-eins.yaml")))
	for _, typ := range []string{hubtest.Ding, hubtest.Niemand} {
		file := filepath.Join(dir, "schemas", typ, "schema.json")
		raw, err := os.ReadFile(file)
		must(t, err)
		text := strings.Replace(string(raw), `"text": {`, `"text": {"x-suchbar": "aktenzeichen", `, 1)
		if typ == hubtest.Niemand {
			text = strings.Replace(text, `"title": "Test",`, `"title": "Test", "x-keep": "P0D",`, 1)
		}
		must(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return dir
}

// TestConsoleTerms: a file reference leads the sender's steward to the case or the event,
// as long as the payload is kept; a receiver's steward to whom it was not disclosed is
// refused like one who asks for another's event.
func TestConsoleTerms(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, w, publish := consoleWorld(t, app.Config{Console: i.console(t), Directory: searchableFederation(t), RemoveEvery: -1})
	publish("in.alpha.app."+hubtest.Ding, filed("eins", hubtest.Ding, "fall-1", "33-M-2026/4711"))
	publish("in.alpha.app."+hubtest.Niemand, filed("zwei", hubtest.Niemand, "fall-1", "33-M-2026/4711"))
	publish("in.alpha.app."+hubtest.Niemand, filed("drei", hubtest.Niemand, "fall-2", "33-M-2026/9"))
	w.expect(t, 3, 0)
	find := func(v *visitor, reference string) seen {
		return v.get("/search?" + url.Values{"q": {reference}}.Encode())
	}
	alpha, _ := i.login(a, "alpha")
	awaitTrue(t, "the file references are learnt", func() bool {
		return strings.HasPrefix(find(alpha, "33-M-2026/9").path, "/case") && strings.HasPrefix(find(alpha, "33-M-2026/4711").path, "/case")
	})
	if s := find(alpha, " 33-m-2026 / 4711"); s.path != "/case?id=fall-1" || !strings.Contains(s.body, "eins") || !strings.Contains(s.body, "zwei") {
		t.Errorf("a file reference leads to %s\n%s", s.path, s.body)
	}
	if s := find(alpha, "33-M-2026"); !strings.Contains(s.body, "Nichts gefunden") {
		t.Error("a part of a file reference leads to", s.path)
	}
	beta, _ := i.login(a, "beta")
	for _, reference := range []string{"33-M-2026/4711", "33-M-2026/9"} {
		if s := find(beta, reference); !strings.Contains(s.body, "Nichts gefunden") || strings.Contains(s.body, "fall-") {
			t.Errorf("what was not disclosed leads the receiver's steward to %s\n%s", s.path, s.body)
		}
	}
	alpha2, _ := i.login(a, "verbund")
	alpha2.has("/acts", "Zugriff auf fremde Organisation")
	awaitTrue(t, "the file reference falls with the payload", func() bool {
		must(t, a.Remove(t.Context()))
		return strings.Contains(find(alpha, "33-M-2026/9").body, "Nichts gefunden")
	})
	if s := find(alpha, "33-M-2026/4711"); s.path != "/case?id=fall-1" {
		t.Error("what is kept is not found any more:", s.path)
	}
}
