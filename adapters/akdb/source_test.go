package akdb_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

// take gives what becomes of one file.
func take(t *testing.T, env hub.Env, yaml, name, content string) (*adaptertest.Intake, []string) {
	t.Helper()
	if err := put(env.Dir, name, content); err != nil {
		t.Fatal(err)
	}
	in := run(t, env.Dir, env, yaml)
	aside, err := reports(env.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return in, aside
}

func takeOne(t *testing.T, name, content string) (*adaptertest.Intake, hub.Event) {
	t.Helper()
	in, aside := take(t, adaptertest.Env(t.TempDir()), settings, name, content)
	events := in.Events()
	if len(events) != 1 {
		t.Fatalf("%d events, set aside: %q", len(events), aside)
	}
	valid(t, events[0])
	return in, events[0]
}

// valid holds an event against the schema of its type.
func valid(t *testing.T, e hub.Event) {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, ok := registry.ByID(e.DataSchema())
	if !ok || schema.Type != e.Type() {
		t.Fatalf("no schema %s for %s", e.DataSchema(), e.Type())
	}
	decoder := json.NewDecoder(bytes.NewReader(e.Data()))
	decoder.UseNumber()
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(doc); found != nil {
		t.Errorf("%s breaks its schema: %v\n%s", e.Type(), found, e.Data())
	}
}

func TestApplication(t *testing.T) {
	content := application(t, 7)
	in, e := takeOne(t, "antrag.xml", content)
	want := map[string]any{
		"correlationid": uuidOf(7), "ags": "09162000", "xoevstandard": "XMeld", "xoevversion": "25.11a", "xoevmsgtype": "1704",
		"xoevautor": portalKey, "xoevleser": registerKey,
	}
	if diff := cmp.Diff(want, e.Extensions()); diff != "" {
		t.Error(diff)
	}
	if !e.Time().Equal(created) || e.Subject() != "" || e.DataContentType() != "application/json" {
		t.Errorf("event is %s", e)
	}
	var d xmeld.Eingegangen
	if err := json.Unmarshal(e.Data(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Kopf.NachrichtenUUID != uuidOf(7) || d.Sperren == nil || !d.Sperren.Auskunftssperre {
		t.Errorf("data is %s", e.Data())
	}
	if kept := open(t, in, d.Original); kept != content || d.Original.MediaType != "application/xml" {
		t.Errorf("original is %q", kept)
	}
}

func TestResults(t *testing.T) {
	in, e := takeOne(t, "ja.xml", accepted(t, 8))
	var yes xmeld.Angenommen
	if err := json.Unmarshal(e.Data(), &yes); err != nil {
		t.Fatal(err)
	}
	if open(t, in, yes.Meldebestaetigung) != "%PDF-1.4 Probe" || e.Extensions()["correlationid"] != uuidOf(1) || e.Extensions()["ags"] != "09162000" {
		t.Errorf("event is %s", e)
	}
	in, e = takeOne(t, "nein.xml", refused(t, 9))
	var no xmeld.Zurueckgewiesen
	if err := json.Unmarshal(e.Data(), &no); err != nil {
		t.Fatal(err)
	}
	if open(t, in, no.Bescheid) != "%PDF-1.4 Gründe" || no.Grund.Text == "" || e.Extensions()["correlationid"] != uuidOf(1) || e.Extensions()["ags"] != "09162000" {
		t.Errorf("event is %s", e)
	}
}

func open(t *testing.T, in hub.Intake, o *xoev.Original) string {
	t.Helper()
	if o == nil {
		t.Fatal("no blob is named")
	}
	r, err := in.Blobs().Open(t.Context(), o.Ref)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != o.Size {
		t.Fatal(err, len(b))
	}
	return string(b)
}

func TestGeneric(t *testing.T) {
	_, e := takeOne(t, "probe.xml", strings.Replace(generic(4), "</x:fort", "<x:ursprungsnachricht><nachrichtenUUID>"+
		strings.ToUpper(uuidOf(5))+"</nachrichtenUUID></x:ursprungsnachricht></x:fort", 1))
	if e.Type() != "de.xoev.nachricht.v1" || e.Extensions()["correlationid"] != uuidOf(5) || e.Extensions()["ags"] != nil {
		t.Errorf("event is %s", e)
	}
	for _, want := range []string{`"zeitpunkt":"2026-03-01T00:00:00.000+01:00"`, `"zeichen":"Z-1"`, `"erstellungszeitpunkt":"2026-03-02T09:15:00.000+01:00"`} {
		if !strings.Contains(string(e.Data()), want) {
			t.Errorf("data %s lacks %s", e.Data(), want)
		}
	}
}

const archive = `<x:Aussonderung.Probe.0503 xmlns:x="urn:xoev-de:xdomea:schema:3.0.0"><x:Kopf>
 <x:ProzessID>bbbbbbbb-0000-4000-8000-000000000001</x:ProzessID><x:Nachrichtentyp><code>0503</code></x:Nachrichtentyp>
 <x:Erstellungszeitpunkt>2026-03-02T09:15:00Z</x:Erstellungszeitpunkt>
 <x:Absender><x:Institution><x:Name>Amt für Proben</x:Name></x:Institution></x:Absender>
 <x:Empfaenger><x:Institution><x:Name>Archiv</x:Name></x:Institution></x:Empfaenger></x:Kopf></x:Aussonderung.Probe.0503>`

func TestContainer(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.Create("bbbbbbbb-0000-4000-8000-000000000001_Aussonderung.Probe.0503.xml")
	_, _ = io.WriteString(f, archive)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	env := adaptertest.Env(t.TempDir())
	in, aside := take(t, env, strings.Replace(settings, "{dir", "{ohne-kennung: 'ags:09162000', dir", 1), "archiv.zip", b.String())
	if len(in.Events()) != 1 {
		t.Fatal(aside)
	}
	e := in.Events()[0]
	valid(t, e)
	if e.Source() != "urn:de:dvdv:ags:09162000" || len(e.ID()) != 36 || !strings.Contains(string(e.Data()), `"mediaType":"application/zip"`) {
		t.Errorf("event is %s", e)
	}
	again, _ := take(t, env, strings.Replace(settings, "{dir", "{ohne-kennung: 'ags:09162000', dir", 1), "again.zip", b.String())
	if again.Events()[0].ID() != e.ID() {
		t.Error("the same container has another id the second time")
	}
}

// TestResend: a re-send keeps UUID and bytes and must become the same event,
// whatever its file is called.
func TestResend(t *testing.T) {
	_, first := takeOne(t, "a.xml", application(t, 7))
	_, second := takeOne(t, "Kopie von a.XML", application(t, 7))
	if !bytes.Equal(first.Data(), second.Data()) || first.ID() != second.ID() || first.Source() != second.Source() {
		t.Errorf("%s\n%s", first, second)
	}
}

func TestRefusals(t *testing.T) {
	production := func(e hub.Env) hub.Env { e.Production = true; return e }
	same := func(e hub.Env) hub.Env { return e }
	test := strings.Replace(generic(1), "produkt=", `test="" produkt=`, 1)
	cases := map[string]struct {
		env           func(hub.Env) hub.Env
		content, code string
		extra         string
	}{
		"not XML":            {same, "Guten Tag", "xoev-x000", ""},
		"DOCTYPE":            {same, "<!DOCTYPE a>" + generic(1)[38:], "xoev-x000", ""},
		"Latin-1":            {same, "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "xoev-s001", ""},
		"no header":          {same, "<a/>", "xoev-x001", ""},
		"no UUID":            {same, strings.Replace(generic(1), uuidOf(1), "", 1), "xoev-x001", ""},
		"bad UUID":           {same, strings.Replace(generic(1), uuidOf(1), "4711", 1), "xoev-x001", ""},
		"bad time":           {same, strings.Replace(generic(1), "2026-03-02T", "02.03.2026 ", 1), "xoev-x001", ""},
		"no author":          {same, strings.Replace(generic(1), "ags:09999001", "", 1), "xoev-s030", ""},
		"bad author":         {same, strings.Replace(generic(1), "ags:09999001", "09999001", 1), "xoev-s011", ""},
		"test in production": {production, test, "xoev-s999", ""},
		"wrong reader":       {same, strings.Replace(generic(1), registerKey, "ags:09999999", 1), "xoev-t080", ""},
		"no reader":          {same, strings.Replace(generic(1), registerKey, "", 1), "xoev-t080", ""},
		"strict":             {same, strings.Replace(generic(1), "<code>0999", "<code>0998", 1), "xoev-s011", "strict: true, "},
		"1704 structure":     {same, strings.Replace(application(t, 1), "datumDesBeziehens>2026", "datumDesBeziehens>Anno ", 1), "xoev-x001", ""},
		"1704 code":          {same, strings.Replace(application(t, 1), "<code>w<", "<code>f<", 1), "xoev-s011", ""},
		"1704 empty":         {same, strings.ReplaceAll(application(t, 1), "Nußbaumweg", ""), "xoev-s030", ""},
		"1707 pdf":           {same, strings.Replace(accepted(t, 1), "pdfDokument>J", "pdfDokument>*", 1), "xoev-x001", ""},
		"test before reader": {production, strings.Replace(test, registerKey, "ags:1", 1), "xoev-s999", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			yaml := strings.Replace(settings, "{dir", "{"+c.extra+"dir", 1)
			in, aside := take(t, c.env(adaptertest.Env(t.TempDir())), yaml, "f.xml", c.content)
			if len(in.Events()) != 0 || len(aside) != 1 || !strings.HasPrefix(aside[0], c.code+": ") {
				t.Errorf("%d events, set aside %q, want %s", len(in.Events()), aside, c.code)
			}
		})
	}
}

func TestTestMessageInTestEnvironment(t *testing.T) {
	_, e := takeOne(t, "t.xml", strings.Replace(generic(1), "produkt=", `test="Probelauf" produkt=`, 1))
	if e.Extensions()["xoevtest"] != "true" {
		t.Errorf("event is %s", e)
	}
}

func TestRootWinsUnlessStrict(t *testing.T) {
	_, e := takeOne(t, "r.xml", strings.Replace(application(t, 1), "<code>1704", "<code>1705", 1))
	if e.Type() != xmeld.TypeEingegangen || e.Extensions()["xoevmsgtype"] != "1704" {
		t.Errorf("event is %s", e)
	}
}

func TestPlaces(t *testing.T) {
	env := adaptertest.Env(t.TempDir())
	src, err := akdb.Kind().Source(env, adaptertest.Settings(settings))
	if err != nil {
		t.Fatal(err)
	}
	p := src.(hub.Placed).Places() //nolint:errcheck // the type asserts it
	if p.In != filepath.Join(env.Dir, "in") || p.SetAside != filepath.Join(env.Dir, "error") {
		t.Errorf("places are %+v", p)
	}
	if _, err := os.Stat(p.In); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	for name, yaml := range map[string]string{
		"unknown key": "{dir: ., source: 'urn:x:', lesen: []}",
		"no dir":      "{source: 'urn:x:'}",
		"no source":   "{dir: .}",
		"bad reader":  "{dir: ., source: 'urn:x:', leser: ['09162000']}",
		"bad default": "{dir: ., source: 'urn:x:', ohne-kennung: München}",
		"half author": "{dir: ., source: 'urn:x:', kopf: {autor: {kennung: 'ags:09162000'}}}",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := akdb.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml)); err == nil {
				t.Error("accepted")
			}
		})
	}
}
