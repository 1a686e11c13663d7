package okkomm_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

func client(t *testing.T, url, frist string) *okkomm.Client {
	t.Helper()
	d, err := time.ParseDuration(frist)
	if err != nil {
		t.Fatal(err)
	}
	c, err := eai.Config{URL: url, Frist: d}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &okkomm.Client{EAI: c}
}

// The simulated answer stands for xoevservice-soap-response-1331.xml: the same
// status, valid by the schema, correlated to the question.
func TestPersonensuche(t *testing.T) {
	m := newMiddleware(t)
	c := client(t, m.url+"/services/XoevService", "5s")
	answer, err := c.Ask(t.Context(), question(t))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Number() != "1331" || answer.Origin != questionUUID || answer.Autor.Kennung != "ags:09000009" || answer.Leser.Kennung != "dbs:060030020000" {
		t.Errorf("%+v", answer.Header)
	}
	found, err := c.Personensuche(t.Context(), question(t))
	if err != nil || found.Ergebnisstatus != "03" {
		t.Errorf("%+v, %v", found, err)
	}
	if complaint := interop.Lint(t, answer.Bytes, "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
		t.Error(complaint)
	}
}

// The recorded question 1332 is answered, too.
func TestFreieSuche(t *testing.T) {
	m := newMiddleware(t)
	q, _, err := okkomm.ReadRequest(recorded(t, "akdb-okkomm", "xoevservice-soap-request-1332.xml"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client(t, m.url+"/services/XoevService", "5s").Ask(t.Context(), q)
	if err != nil || answer.Number() != "1333" {
		t.Fatal(answer, err)
	}
	if complaint := interop.Lint(t, answer.Bytes, "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
		t.Error(complaint)
	}
}

func TestOrderedFaults(t *testing.T) {
	for art, want := range map[string]struct {
		code     string
		blocking bool
	}{
		"frist":       {eai.Timeout, true},
		"soap-client": {eai.Failed, false},
		"soap-server": {eai.Failed, true},
		"verwechselt": {eai.Unreadable, false},
		"unlesbar":    {eai.Unreadable, true},
	} {
		m := newMiddleware(t)
		frist := "10s"
		if art == "frist" {
			frist = "100ms"
		}
		c := client(t, m.url+"/services/XoevService", frist)
		if err := m.Order(okkommsim.Fault{Art: art}); err != nil {
			t.Fatal(err)
		}
		_, err := c.Ask(t.Context(), question(t))
		e, ok := errors.AsType[*eai.Error](err)
		if !ok || e.Code != want.code || e.Blocking != want.blocking {
			t.Errorf("%s: %v", art, err)
		}
		if _, err := c.Ask(t.Context(), question(t)); err != nil && art != "frist" {
			t.Errorf("%s: the next call: %v", art, err)
		}
	}
	m := newMiddleware(t)
	if err := m.Order(okkommsim.Fault{Art: "fehler"}); err != nil {
		t.Fatal(err)
	}
	_, err := client(t, m.url+"/services/KomService", "5s").Call(t.Context(), okkomm.Anfrage{Ausfuehrung: "ABRUFEN"})
	if err == nil || eai.IsBlocking(err) {
		t.Errorf("fehler: %v", err)
	}
}

// A question that goes out by the sink comes back by the source as an event of
// the same case.
func TestQuestionAndAnswer(t *testing.T) {
	dir, m := t.TempDir(), newMiddleware(t)
	in := run(t, m, dir)
	sink, err := okkomm.Kind().Sink(adaptertest.Env(dir), adaptertest.Settings(m.settings("")))
	if err != nil {
		t.Fatal(err)
	}
	q := ask(t, 7)
	o := original(q)
	ref, err := in.Blobs().Put(t.Context(), bytes.NewReader(q))
	if err != nil || ref.Ref != o.Ref {
		t.Fatal(ref, err)
	}
	d := hub.Delivery{ID: "In.org_7", Attempt: 1, Agreement: "test", Event: event(t, 7, o), Blobs: in.Blobs()}
	for range 2 {
		if err := sink.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for len(in.Events()) == 0 {
		select {
		case <-deadline.C:
			t.Fatal("no answer within 10 s")
		case <-tick.C:
		}
	}
	e := in.Events()[0]
	if e.Extensions()["correlationid"] != uuidOf(7) || e.Extensions()["xoevmsgtype"] != "1331" || e.Source() != "urn:de:dvdv:ags:09000009" {
		t.Errorf("%v", e)
	}
	if len(m.Asked()) != 1 || len(in.Events()) != 1 {
		t.Errorf("asked %d times, %d events", len(m.Asked()), len(in.Events()))
	}
}

func TestSettings(t *testing.T) {
	const good = `{source: 'urn:x:', xoevservice: {url: 'https://e/x'}, komservice: {url: 'https://e/k'}` + abholen + `}`
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	if _, err := okkomm.Kind().Source(env, adaptertest.Settings(good)); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`source: 'urn:x:', `, ``, "source"},
		{`alle: 2ms`, `alle: 0s`, "abholen.alle"},
		{`typ: WEBWAHLSCHEIN, `, ``, "abholen"},
		{`'09000011'`, `'9'`, "abholen.ziel-ags"},
		{`verfahren: EWO`, `verfahren: EWO, techuser: u`, "abholen.techpwd"},
		{`name: MANDANTENANFRAGE`, `name: a b`, "abholen.suche"},
		{`https://e/k`, `http://e/k`, "komservice.url"},
		{`source: 'urn:x:'`, `source: 'urn:x:', dir: ''`, "dir"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if _, err := okkomm.Kind().Source(env, adaptertest.Settings(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error at %s", text, err, c.want)
		}
	}
	if _, err := okkomm.Kind().Sink(env, adaptertest.Settings(`{}`)); err == nil || !strings.Contains(err.Error(), "xoevservice.url") {
		t.Errorf("a sink without an address: %v", err)
	}
}
