package app_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehrsim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
)

// enriching is a federation of one city: an office that asks by a folder, and two
// enrichment steps that ask the registers at the addresses.
func enriching(t *testing.T, vehicles, residents string) string {
	t.Helper()
	const own = `sources: [{prefix: "urn:de:ags:09162000:system:NAME", authority: "ags:09162000"}], mailbox: {mode: sink}, classification: restricted}`
	application := func(name string) string {
		return "  - {id: lhm." + name + ", title: Test, " + strings.ReplaceAll(own, "NAME", name) + "\n"
	}
	agreement := func(id, from, to, typ, law string) string {
		return fmt.Sprintf(`id: %s
title: Test
from: {application: lhm.%s, authority: "ags:09162000"}
to: [{application: lhm.%s, authority: "ags:09162000"}]
types: [%s]
law: %s
recht-ungeprueft: true
purpose: Ermittlung des Fahrers
disclose: all
classification: restricted
valid: {from: 2026-01-01}
`, id, from, to, typ, law)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"federation.yaml": "name: Test\nenvironment: test\n",
		"organisations/lhm.yaml": "id: lhm\nname: München\nrole: authority\nauthorities: [{key: \"ags:09162000\", name: München}]\napplications:\n" +
			application("owi") + application("halter") + application("person"),
		"agreements/a.yaml": agreement("a", "owi", "halter", "de.kfz.fahrzeug-abgemeldet.v1", "StVG-36"),
		"agreements/b.yaml": agreement("b", "halter", "owi", "de.kfz.halter-ermittelt.v1", "StVG-36"),
		"agreements/c.yaml": agreement("c", "owi", "person", "de.meldewesen.person-gesucht.v1", "BMG-34a"),
		"agreements/d.yaml": agreement("d", "person", "owi", "de.meldewesen.person-ermittelt.v1", "BMG-34a"),
		"adapters/owi.yaml": "application: lhm.owi\nkind: filedrop\nsettings: {dir: owi, poll: 10ms}\n",
		"adapters/halter.yaml": "application: lhm.halter\nkind: okverkehr\nsettings: {source: \"urn:de:ags:09162000:system:halter\", fragesteller: \"urn:de:ags:09162000:system:owi\", poll: 10ms, " +
			"kennzeichen: /kennzeichen, stichtag: /abgemeldet, register: {url: \"" + vehicles + "\", benutzerid: probe, verfahren: VES}}\n",
		"adapters/person.yaml": "application: lhm.person\nkind: okewo-auskunft\nsettings: {source: \"urn:de:ags:09162000:system:person\", fragesteller: \"urn:de:ags:09162000:system:owi\", poll: 10ms, " +
			"register: {url: \"" + residents + "\", benutzerid: probe, ags: [\"09162000\"]}}\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o750))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// TestEnrichment: an office asks who kept a vehicle and for three persons. Question and
// answer are events under their agreements. The person with a block looks to the office
// like the one whom nobody knows: an answer comes for both, and it is the same.
func TestEnrichment(t *testing.T) {
	vehicles, residents := okverkehrsim.New(), ewosim.NewRegister(nil)
	must(t, vehicles.Put([]byte(`{"zulassung":{"kennzeichen":"M AA1000","auskunftsperreMerkmal":false,"tarnkennzeichenMerkmal":false},"halter":{"nachname":"Zaunkönig","vorname":"Ottilie"}}`)))
	for om, more := range map[string]string{"162015000001": "", "162015000002": `,"auskunftssperre":"J"`} {
		must(t, residents.Put(fmt.Appendf(nil, `{"ordnungsmerkmal":%q,"personstatus":"AKTUELLER_FESTER_EINWOHNER","geburtsdaten":{"datum":{"datum":"1985-08-12"}},
 "namen":{"vornamen":[{"vorname":"Ottilie"}],"familienname":{"name":"Zaunkönig%s"}}%s}`, om, om[11:], more)))
	}
	atVehicles := httptest.NewServer(vehicles.Handler())
	defer atVehicles.Close()
	atResidents := httptest.NewServer((&ewosim.Facade{Register: residents}).Handler())
	defer atResidents.Close()

	data, w := filepath.Join(t.TempDir(), "data"), newWatch()
	dir := enriching(t, atVehicles.URL+okverkehrsim.BasePath, atResidents.URL+ewosim.BasePath)
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w})
	defer func() { stopApp(t, a) }()
	ask(t, data, "1", "de.kfz.fahrzeug-abgemeldet.v1", `{"kennzeichen":"M AA1000","grund":"halterwechsel","abgemeldet":"2026-03-02"}`)
	for n, name := range map[string]string{"2": "1", "3": "2", "4": "3"} { // the second has a block, the third is nobody
		ask(t, data, n, "de.meldewesen.person-gesucht.v1",
			`{"name":{"familienname":"Zaunkönig`+name+`","vornamen":"Ottilie"},"geburtsdatum":"1985-08-12","ags":"09162000"}`)
	}
	decisions, _ := w.expect(t, 8, 8)
	for _, d := range decisions {
		if d.Outcome != hub.Routed {
			t.Errorf("%+v", d)
		}
	}
	answers := map[string]map[string]any{}
	for _, e := range eventsIn(t, filepath.Join(data, "owi", "out")) {
		answers[fmt.Sprint(e["causationid"])] = e
	}
	for n, want := range map[string]string{"1": "Zaunkönig", "2": "Zaunkönig1", "3": "nicht-gefunden", "4": "nicht-gefunden"} {
		e := answers["frage-"+n]
		if text := fmt.Sprint(e["data"]); e["correlationid"] != "fall-"+n || !strings.Contains(text, want) || !strings.Contains(text, "id:frage-"+n) {
			t.Errorf("%s: %v", n, e)
		}
	}
	if blocked, nobody := bare(answers["frage-3"]), bare(answers["frage-4"]); len(answers) != 4 || blocked != nobody {
		t.Errorf("%d answers; of the person with a block\n%s\nof nobody\n%s", len(answers), blocked, nobody)
	}
}

// bare is an answer but for what names the question, and the time.
func bare(e map[string]any) string {
	e = maps.Clone(e)
	for _, name := range []string{"id", "causationid", "correlationid", "time", "recordedtime", "traceparent", "sequence"} {
		delete(e, name)
	}
	if data, ok := e["data"].(map[string]any); ok {
		data = maps.Clone(data)
		delete(data, "anfrage")
		e["data"] = data
	}
	return fmt.Sprint(e)
}

// ask lays an event into the office's folder.
func ask(t *testing.T, data, n, typ, content string) {
	t.Helper()
	path := filepath.Join(data, "owi", "in", n)
	e := fmt.Sprintf(`{"specversion":"1.0","id":"frage-%s","source":"urn:de:ags:09162000:system:owi","type":%q,"correlationid":"fall-%s","data":%s}`, n, typ, n, content)
	must(t, os.WriteFile(path+".tmp", []byte(e), 0o600))
	must(t, os.Rename(path+".tmp", path+".json"))
}
