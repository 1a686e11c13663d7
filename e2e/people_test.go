package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestPeople: people who log in at an issuer, each in a browser of their own, have a
// receiver's events brought again, and deal with what does not go on.
func TestPeople(t *testing.T) {
	if raceBuild {
		t.Skip("the hub and the browser are processes of their own, which the race detector does not see; they run without it")
	}
	t.Parallel() // with TestConsole: each waits a lot
	browser, at := chromium(t), freeAddress(t)
	login := newIssuer(t, "http://"+at+"/login/callback", map[string]string{"anna": "senke", "berta": "verbund", "clara": "quelle"})
	receivers := newReceivers(t)
	h := serve(t, kept(t, receivers.url), "--http", "127.0.0.1:0", "--console", at, "--console-url", "http://"+at,
		"--console-oidc-issuer", login.url, "--console-oidc-client", client)
	flow := h.flow(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for flow.sent.Load() == 0 {
		if err := flow.batch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	flow.stuck(ctx, t)
	h.until(t, "explain", "fluss-"+strconv.Itoa(perBatch-1), "routed to 1")
	flow.others(ctx, t, receivers)
	h.walk(t, browser, "people.mjs", "login replay stuck",
		"ISSUER="+login.url, "EVENTS="+strconv.Itoa(perBatch), "STUCK="+strconv.Itoa(stuckEvents), "MEND="+receivers.url)
	receivers.judge(t)
}

// kept is testdata/fluss with events that are kept for a day, so that there is something
// to bring again, with people who may log in, and with receivers at a URL that get stuck.
func kept(t *testing.T, receivers string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fluss")
	err := os.CopyFS(dir, os.DirFS("testdata/fluss"))
	change := func(from, to string, edit func(string) string) {
		raw, errRead := os.ReadFile(filepath.Join(dir, from))
		err = errors.Join(err, errRead, os.WriteFile(filepath.Join(dir, to), []byte(edit(string(raw))), 0o600))
	}
	const ding, akte = "schemas/de.fluss.ding.v1", "schemas/de.fluss.akte.v1"
	err = errors.Join(err, os.CopyFS(filepath.Join(dir, akte), os.DirFS(filepath.Join("testdata/fluss", ding))))
	change(ding+"/schema.json", ding+"/schema.json", strings.NewReplacer("P0D", "P1D").Replace)
	change(akte+"/schema.json", akte+"/schema.json", strings.NewReplacer("de.fluss.ding.v1", "de.fluss.akte.v1").Replace)
	change("federation.yaml", "federation.yaml", func(s string) string { return s + grants })
	apps, to := webhooks(receivers)
	change("organisations/senke.yaml", "organisations/senke.yaml", func(s string) string { return s + apps })
	change("agreements/fluss.yaml", "agreements/akte.yaml", strings.NewReplacer(
		"id: fluss", "id: akte", "de.fluss.ding.v1", "de.fluss.akte.v1", `{application: senke.app, authority: "ags:00000002"}`, to).Replace)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const grants = `origin: hub.example
console:
  - {role: steward, organisation: senke, sight: metadata, oidc: {groups: senke}}
  - {role: steward, organisation: quelle, oidc: {groups: quelle}}
  - {role: federation, oidc: {groups: verbund}}
`

// freeAddress was free on loopback a moment ago: the console must know its own address
// before it listens, when people log in.
func freeAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return strings.TrimPrefix(s.URL, "http://")
}
