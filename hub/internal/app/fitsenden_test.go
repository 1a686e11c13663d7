package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/host"
	"github.com/amtsbote/amtsbote/hub/internal/app"
)

// sendingFederation is a city whose Fachverfahren hands applications on to another
// authority, and hears what became of them.
var sendingFederation = map[string]string{
	"federation.yaml": "name: Probe\nenvironment: test\n",
	"organisations/stadt.yaml": `id: stadt
name: Stadt Probe
role: authority
authorities: [{key: "ags:02000000", name: Stadt Probe}]
applications:
  - id: stadt.ausgang
    title: Ausgang
    sources: [{prefix: "urn:fit-connect:senden:stadt", authority: "ags:02000000"}]
    mailbox: {mode: http}
  - id: stadt.fach
    title: Fachverfahren
    office: fachamt
    sources: [{prefix: "urn:stadt:fach", authority: "ags:02000000"}]
    mailbox: {mode: http}
`,
	"agreements/abgabe.yaml": agreement("abgabe", "stadt.fach", "stadt.ausgang", "de.antrag.eingereicht.v1"),
	"agreements/stand.yaml":  agreement("stand", "stadt.ausgang", "stadt.fach", "de.nachricht.zugestellt.v1, de.nachricht.gescheitert.v1, de.nachricht.stand-gemeldet.v1"),
}

func agreement(id, from, to, types string) string {
	return fmt.Sprintf(`id: %s
title: Probe
from: {application: %s, authority: "ags:02000000"}
to: [{application: %s, authority: "ags:02000000"}]
types: [%s]
law: DSGVO-6-1e
purpose: Probe
activity: VVT-1
disclose: all
valid: {from: 2026-01-01, until: 2100-12-31}
`, id, from, to, types)
}

// TestFITConnectSender: an event of the Fachverfahren becomes a submission at another
// authority, and the Fachverfahren hears in its case that it was accepted.
func TestFITConnectSender(t *testing.T) {
	dir := t.TempDir()
	for name, text := range sendingFederation {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	k := startHTTP(t, app.Config{Directory: dir}, "stadt.ausgang")
	fach := k.as(issue(t, k.app, "stadt.fach"))
	service, url, keys := zustelldienst(t)
	must(t, os.WriteFile(filepath.Join(keys, "token"), []byte(k.token), 0o600))
	text := fmt.Sprintf("application: stadt.ausgang\nkind: fit-connect-senden\nhub: {url: %q, token-file: token}\nlease: 10s\nsettings: {token-url: '%s/token', "+
		"submission-api: '%s/submission-api', client-id: amtsbote, client-secret: client, source: 'urn:fit-connect:senden:stadt', absender: Stadt Probe, poll: 10ms, "+
		"sendungen: [{typ: de.antrag.eingereicht.v1, zustellpunkt: %s}]}\n", k.app.HTTPURL(), url, url, zustellpunkt)
	must(t, os.WriteFile(filepath.Join(keys, "adapter.yaml"), []byte(text), 0o600))
	f, err := host.ReadFile(filepath.Join(keys, "adapter.yaml"))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx, f, t.TempDir(), zap.NewNop(), adapters.Kinds()...) }()
	defer func() { cancel(); must(t, <-done) }()

	blob := fach.ask(t, http.MethodPost, "/blobs", []byte(`{"name":"Rex"}`))
	var ref struct {
		Ref, SHA256 string
		Size        int64
	}
	must(t, json.Unmarshal(blob.raw, &ref))
	data := fmt.Sprintf(`{"antrag":{"id":"1","leistung":"99107001017000"},"eingereicht":"2026-03-03T12:00:00Z",`+
		`"fachschema":{"uri":"urn:beispiel","mediaType":"application/json"},"original":{"ref":%q,"sha256":%q,"size":%d,"mediaType":"application/json"}}`, ref.Ref, ref.SHA256, ref.Size)
	fach.ask(t, http.MethodPost, "/events", []byte(data), "ce-specversion", "1.0", "ce-id", "antrag-1", "ce-source", "urn:stadt:fach:1", "ce-type", "de.antrag.eingereicht.v1",
		"ce-subject", "v-1", "ce-correlationid", "vorgang-4711", "Content-Type", "application/json").want(t, "the application", http.StatusAccepted, "")
	awaitTrue(t, "the submission to arrive", func() bool { return len(service.Waiting(zustellpunkt)) == 1 })
	submission := service.Waiting(zustellpunkt)[0]
	private, err := fit.ReadPrivateKeys(filepath.Join(keys, "1.jwk"), fit.Signature, 2048)
	must(t, err)
	must(t, service.Receiver(submission, fit.AcceptSubmission, nil, private[0]))
	var heard string
	awaitTrue(t, "the Fachverfahren to hear of it", func() bool {
		got := fach.ask(t, http.MethodPost, "/mailboxes/stadt.fach/lease", []byte(`{"max":10,"wait":1,"lease":60}`))
		heard += string(got.raw)
		var leased struct{ Events []struct{ Token string } }
		must(t, json.Unmarshal(got.raw, &leased))
		for _, e := range leased.Events { // the next of the case comes only then
			fach.ask(t, http.MethodPost, "/mailboxes/stadt.fach/settle", fmt.Appendf(nil, `[{"token":%q,"outcome":"done"}]`, e.Token))
		}
		return strings.Contains(heard, "de.nachricht.zugestellt.v1")
	})
	if !strings.Contains(heard, submission) || !strings.Contains(heard, "vorgang-4711") {
		t.Error(heard)
	}
	if _, data, _ := service.Parts(submission); data == "" {
		t.Error("there are no data")
	}
}
