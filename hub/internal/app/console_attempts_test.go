package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestConsoleAttempts: of a copy that a webhook does not take twice and then takes, the page
// of its event shows three attempts, one by one, while it waits and afterwards.
func TestConsoleAttempts(t *testing.T) {
	t.Parallel()
	third := make(chan struct{})
	h := newHook(t, func(n int, w http.ResponseWriter, r *http.Request) bool {
		switch {
		case n <= 2:
			return status(http.StatusServiceUnavailable)(1, w, r)
		case n == 3:
			select {
			case <-third:
			case <-r.Context().Done():
			}
		}
		return false
	})
	dir := t.TempDir()
	webhookFederation(t, dir, map[string]string{"hook": h.URL}, "")
	edit(t, dir, "organisations/beta.yaml", "timeout: 1s", "timeout: 60s") // the third hangs until all is seen
	a, w, publish := consoleWorld(t, app.Config{Directory: dir})
	publish("in.alpha.app."+hubtest.Ding, ding("gut"))
	w.expect(t, 1, 0)
	v := newVisitor(t, a).enter(a)
	text := words(v.has("/event?id=gut", "Versuche des Amtsboten (2)").body)
	if !strings.Contains(text, "wartet im Eingangsfach") || strings.Count(text, "misslungen (http-503)") != 2 {
		t.Errorf("while it waits:\n%s", text)
	}
	close(third)
	w.expect(t, 0, 1)
	text = words(v.has("/event?id=gut", ", Versuch 3, nach").body)
	for _, says := range []string{"Versuche des Amtsboten (3)", "Versuch 1: ", "Versuch 2: ", "Versuch 3: "} {
		if strings.Count(text, says) != 1 {
			t.Errorf("it does not say %q once:\n%s", says, text)
		}
	}
	if strings.Count(text, "misslungen (http-503)") != 2 || strings.Contains(text, "ist nur die Zahl bekannt") {
		t.Errorf("when it is taken:\n%s", text)
	}
	v.post("/settings", url.Values{"lang": {"en"}})
	if text := words(v.get("/event?id=gut").body); !strings.Contains(text, "Attempts of the hub (3)") || strings.Count(text, "failed (http-503)") != 2 {
		t.Errorf("in English:\n%s", text)
	}
}
