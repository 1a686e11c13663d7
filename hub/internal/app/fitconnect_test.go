package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/host"
	"github.com/amtsbote/amtsbote/hub/internal/app"
)

const zustellpunkt = "d12caea8-f372-4eb1-b102-b0a228253a11"

// applicationsFederation is a city whose online services' applications go to one
// Fachverfahren, which fetches by HTTP.
var applicationsFederation = map[string]string{
	"federation.yaml": "name: Probe\nenvironment: test\n",
	"organisations/stadt.yaml": `id: stadt
name: Stadt Probe
role: authority
authorities: [{key: "ags:02000000", name: Stadt Probe}]
applications:
  - id: stadt.onlinedienste
    title: Onlinedienste
    office: online-dienst
    sources: [{prefix: "urn:fit-connect:` + zustellpunkt + `", authority: "ags:02000000"}]
    mailbox: {mode: http}
    receipts: stadt.onlinedienste
  - {id: stadt.fach, title: Fachverfahren, mailbox: {mode: http}}
`,
	"agreements/antrag.yaml": `id: antrag
title: Anträge an das Fachverfahren
from: {application: stadt.onlinedienste, authority: "ags:02000000"}
to: [{application: stadt.fach, authority: "ags:02000000"}]
types: [de.antrag.eingereicht.v1]
law: DSGVO-6-1e
purpose: Bearbeitung des Antrags
activity: VVT-1
disclose: all
receipts: [delivered]
valid: {from: 2026-01-01, until: 2100-12-31}
`,
}

// zustelldienst is a simulated one, and a directory with the keys of its destination.
func zustelldienst(t *testing.T) (s *fitsim.Server, url, dir string) {
	t.Helper()
	dir = t.TempDir()
	var keys [3]fit.PrivateKey
	for i := range keys {
		var err error
		keys[i], err = fit.NewKey(2048)
		must(t, err)
	}
	for name, purpose := range map[string]fit.Purpose{"0.jwk": fit.Decryption, "1.jwk": fit.Signature} {
		raw, err := keys[name[0]-'0'].WriteJWK(purpose)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, "client"), []byte("geheim"), 0o600))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	s = fitsim.New(fitsim.Options{
		Base: web.URL + "/submission-api", Key: keys[2], Dir: t.TempDir(), MinBits: 2048,
		Clients:      map[string]fitsim.Client{"amtsbote": {Secret: "geheim", Destinations: []string{zustellpunkt}}},
		Destinations: map[string]fitsim.Destination{zustellpunkt: {Encryption: keys[0].Public(), Signature: keys[1].Public()}},
	})
	t.Cleanup(func() { s.Stop(); web.Close() })
	return s, web.URL, dir
}

// subscriber runs kind fit-connect as its own process would, until stop.
func subscriber(t *testing.T, k *asker, url, dir, data string) (stop func()) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, "token"), []byte(k.token), 0o600))
	text := fmt.Sprintf("application: stadt.onlinedienste\nkind: fit-connect\nhub: {url: %q, token-file: token}\nlease: 10s\nsettings: {token-url: '%s/token', "+
		"submission-api: '%s/submission-api', zustellpunkt: %s, client-id: amtsbote, client-secret: client, schluessel: [0.jwk], signaturschluessel: 1.jwk, poll: 10ms}\n",
		k.app.HTTPURL(), url, url, zustellpunkt)
	must(t, os.WriteFile(filepath.Join(dir, "adapter.yaml"), []byte(text), 0o600))
	f, err := host.ReadFile(filepath.Join(dir, "adapter.yaml"))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx, f, data, zap.NewNop(), adapters.Kinds()...) }()
	return func() { cancel(); must(t, <-done) }
}

// TestFITConnect: an application comes from the citizen to the Fachverfahren, keys
// beside the adapter alone; the submission is accepted when the Fachverfahren has
// acknowledged it, not when the hub has it, and across a restart of the adapter.
func TestFITConnect(t *testing.T) {
	dir := t.TempDir()
	for name, text := range applicationsFederation {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	k := startHTTP(t, app.Config{Directory: dir}, "stadt.onlinedienste")
	fach := k.as(issue(t, k.app, "stadt.fach"))
	service, url, keys := zustelldienst(t)
	data := t.TempDir()
	stop := subscriber(t, k, url, keys, data)
	handedIn, err := service.Submit(fitsim.Application{
		Destination: zustellpunkt, Data: json.RawMessage(`{"name":"Rex"}`),
		Attachments: []fitsim.Attachment{{Filename: "foto.png", Type: "image/png", Content: []byte("\x89PNG\r\n\x1a\n")}},
	})
	must(t, err)

	got := fach.ask(t, http.MethodPost, "/mailboxes/stadt.fach/lease", []byte(`{"max":1,"wait":20,"lease":60}`))
	var leased struct {
		Events []struct {
			Token string
			Event struct {
				ID   string
				Data struct{ Original struct{ Ref string } }
			}
		}
	}
	must(t, json.Unmarshal(got.raw, &leased))
	if len(leased.Events) != 1 || leased.Events[0].Event.ID != handedIn.Submission {
		t.Fatalf("leased %s", got.raw)
	}
	blob := fach.ask(t, http.MethodGet, "/mailboxes/stadt.fach/blobs/"+leased.Events[0].Event.Data.Original.Ref, nil)
	if string(blob.raw) != `{"name":"Rex"}` {
		t.Errorf("the application data are %q", blob.raw)
	}
	stop()
	if end := service.Ended(handedIn.Submission); end != "" {
		t.Fatalf("%s, though no application has it", end)
	}
	fach.ask(t, http.MethodPost, "/mailboxes/stadt.fach/settle", fmt.Appendf(nil, `[{"token":%q,"outcome":"done"}]`, leased.Events[0].Token))
	stop = subscriber(t, k, url, keys, data)
	defer func() { stop() }()
	awaitTrue(t, "the submission to be accepted", func() bool { return service.Ended(handedIn.Submission) == fit.AcceptSubmission })
}
