package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/hub/internal/app"
)

// TestMetricsOut: whoever watches sees from the metrics that a webhook is halted,
// what is leased, and that somebody tried what he may not.
func TestMetricsOut(t *testing.T) {
	gone := newHook(t, func(_ int, w http.ResponseWriter, r *http.Request) bool { return status(410)(1, w, r) })
	well := newHook(t, nil)
	busy := newHook(t, status(429, "Retry-After", "600"))
	dir := t.TempDir()
	webhookFederation(t, dir, map[string]string{"gone": gone.URL, "well": well.URL, "busy": busy.URL}, "")
	edit(t, dir, "agreements/ding-eins.yaml", "to: [", `to: [{application: beta.one, authority: "ags:00000002"}, `)
	edit(t, dir, "organisations/beta.yaml", "mailbox: {mode: nats}", "mailbox: {mode: http}")
	k := startHTTP(t, app.Config{Directory: dir, HTTP: &app.HTTP{MetricsOpen: true}}, "alpha.app")
	k.event(t, thing("1", `{"n":1}`)).want(t, "an event", http.StatusAccepted, "")
	beta := *k
	beta.token = issue(t, k.app, "beta.one")
	lease := beta.ask(t, http.MethodPost, "/mailboxes/beta.one/lease", []byte(`{"max":1,"wait":30,"lease":300}`), "Content-Type", "application/json")
	if lease.status != http.StatusOK || !strings.Contains(string(lease.raw), `"token"`) {
		t.Fatalf("the lease is answered %d %s", lease.status, lease.raw)
	}
	if c, err := nats.Connect(k.app.URL()); err == nil {
		c.Close()
		t.Fatal("a client without a credential got in")
	}
	nobody := *k
	nobody.token = ""
	nobody.ask(t, http.MethodGet, "/metrics", nil, "X-Forwarded-For", "192.0.2.1").want(t, "a proxy that asks for metrics", http.StatusUnauthorized, "AUTH")
	k.ask(t, http.MethodGet, "/metrics", nil).want(t, "an application that asks for metrics", http.StatusUnauthorized, "AUTH")
	var seen string
	for _, line := range []string{
		`amtsbote_webhook_state{mailbox="beta.gone",state="halted"} 1`, `amtsbote_webhook_state{mailbox="beta.well",state="well"} 1`,
		`amtsbote_webhook_state{mailbox="beta.busy",state="put-off"} 1`,
		`amtsbote_mailbox_leased{mailbox="beta.one"} 1`, `amtsbote_nats_violations{kind="connect"} 1`, `amtsbote_organisation_held_seconds{organisation="alpha"} 0`,
	} {
		awaitTrue(t, line, func() bool {
			seen = string(nobody.ask(t, http.MethodGet, "/metrics", nil).raw)
			return strings.Contains(seen, line)
		})
	}
}
