package app_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestConsoleTail: who follows sees what comes and fits, of what its organisation is part
// of; without a script the page itself shows it.
func TestConsoleTail(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, w, publish := consoleWorld(t, app.Config{Console: i.console(t)})
	publish("in.alpha.app."+hubtest.Niemand, niemand("allein"))
	publish("in.alpha.app."+hubtest.Ding, ding("beide"))
	w.expect(t, 2, 0)
	all, _ := i.login(a, "verbund")
	beta, _ := i.login(a, "beta")
	all.has("/tail", "allein")
	if s := beta.has("/tail", "beide"); strings.Contains(s.body, "allein") {
		t.Error("the receiver's steward reads what is not its own")
	}
	for filter, want := range map[string]string{
		"app=alpha.app": "allein beide", "app=beta.one": "beide", "outcome=unrouted": "allein", "case=k": "beide", "type=" + hubtest.Niemand: "allein", "case=nie": "",
		"outcome=unrouted&from=2100-01-01": "allein", // the tail knows no time
	} {
		s := all.get("/tail?" + filter)
		for _, id := range []string{"allein", "beide"} {
			if got := strings.Contains(s.body, `/event?id=`+id+`"`); got != strings.Contains(want, id) {
				t.Errorf("%s shows %s: %v", filter, id, got)
			}
		}
	}
	for period, want := range map[string]bool{"from=2020-01-01T08:30&to=2100-01-01": true, "from=2100-01-01T08:30": false, "to=2020-01-01T08:30": false} {
		if got := strings.Contains(all.get("/search?"+period).body, "allein"); got != want {
			t.Errorf("%s: %v", period, got)
		}
	}
	if s := all.has("/search?from=gestern", "kein Zeitpunkt"); strings.Contains(s.body, "allein") {
		t.Error("with a date that is none, events are shown")
	}
	if s := beta.get("/live/tail?org=alpha"); s.status != http.StatusForbidden {
		t.Error("another's tail:", s.status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, beta.base+"/live/tail?"+url.Values{"app": {"alpha.app"}}.Encode(), http.NoBody)
	must(t, err)
	resp, err := beta.http.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the tail ended:", lines.Err())
		return ""
	}
	if first := next(); !strings.Contains(first, "beide") || strings.Contains(first, "allein") {
		t.Error("the tail begins with", first)
	}
	publish("in.alpha.app."+hubtest.Niemand, niemand("noch-eins"))
	publish("in.alpha.app."+hubtest.Ding, ding("ganz-neu"))
	if then := next(); !strings.Contains(then, "ganz-neu") || !strings.Contains(then, "beide") || strings.Contains(then, "noch-eins") {
		t.Error("the tail goes on with", then)
	}
}
