package akdb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

const acknowledging = "{quittung: {senden: true, sachverhalt: '1'}, dir"

func acknowledged() xmeld.Quittiert {
	return xmeld.Quittiert{
		Empfaenger: xoev.Stelle{Kennung: registerKey, Name: "Meldebehörde Isarstadt"},
		Ursprung: &xmeld.Ursprung{
			NachrichtenUUID: "bbbbbbbb-0000-4000-8000-000000000201", Code: "0201", Erstellungszeitpunkt: "2026-03-02T09:15:00.123+01:00",
		},
		Ereignisse: []xoev.Ereignis{{Zeitpunkt: "2026-03-02T09:00:00.000+01:00", Zeichen: "Z-2"}},
	}
}

func acknowledge(t *testing.T, yaml string, data any) (file string, err error) {
	t.Helper()
	env := adaptertest.Env(t.TempDir())
	s, err := akdb.Kind().Sink(env, adaptertest.Settings(yaml))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Deliver(t.Context(), hub.Delivery{ID: "d", Attempt: 1, Event: event(t, 20, "de.nachricht.quittiert.v1", data)})
	files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
	if len(files) != 1 {
		return "", err
	}
	return files[0], err
}

// TestQuittungSent: an application acknowledges a case of a message, where its
// authority has switched that on. The expected message was held against the XSD of
// XInneres-Quittung 3 by xmllint when it was written.
func TestQuittungSent(t *testing.T) {
	on := replace(settings, "{dir", acknowledging)
	file, err := acknowledge(t, on, acknowledged())
	if err != nil || filepath.Base(file) != "XInneres-QuittungVonSachverhalten_0020_"+uuidOf(20)+".xml" {
		t.Fatal(file, err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := own(t, "quittung.0020.xml"); string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := acknowledge(t, settings, acknowledged()); hub.FaultOf(err) == nil || hub.FaultOf(err).Code != "unmappable" {
		t.Error("switched off:", err)
	}
	for field, change := range map[string]func(*xmeld.Quittiert){
		"ursprung":   func(d *xmeld.Quittiert) { d.Ursprung = nil },
		"code":       func(d *xmeld.Quittiert) { d.Ursprung.Code = "035010" },
		"no case":    func(d *xmeld.Quittiert) { d.Ereignisse = nil },
		"two cases":  func(d *xmeld.Quittiert) { d.Ereignisse = append(d.Ereignisse, d.Ereignisse[0]) },
		"empfaenger": func(d *xmeld.Quittiert) { d.Empfaenger.Name = "Αθηνά" },
	} {
		d := acknowledged()
		change(&d)
		if _, err := acknowledge(t, on, d); hub.FaultOf(err) == nil || hub.FaultOf(err).Code != "unmappable" {
			t.Error(field, err)
		}
	}
}

func TestQuittungSettings(t *testing.T) {
	for key, yaml := range map[string]string{
		"quittung.sachverhalt": strings.Replace(settings, "{dir", "{quittung: {senden: true}, dir", 1),
		"kopf.autor":           "{dir: ., quittung: {senden: true, sachverhalt: '4'}}",
	} {
		_, err := akdb.Kind().Sink(adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml))
		if err == nil || !strings.HasPrefix(err.Error(), key+":") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestOtherVersions: what is not where 25.11a has it is the sender's fault in that
// version alone; of another the event is the generic one.
func TestOtherVersions(t *testing.T) {
	broken := replace(application(t, 1), "ergaenzendeMeldedaten", "andereMeldedaten")
	if _, aside := take(t, adaptertest.Env(t.TempDir()), settings, "m.xml", broken); len(aside) != 1 || !strings.HasPrefix(aside[0], "xoev-x001") {
		t.Error(aside)
	}
	e := only(t, replace(replace(broken, "xmeld2511a", "xmeld2705"), `version="25.11a"`, `version="27.05"`))
	if e.Type() != typeGeneric || e.Extensions()["xoevversion"] != "27.05" || !strings.Contains(string(e.Data()), `"auskunftssperre":true`) {
		t.Error(e)
	}
}

// TestNotBuiltAnew: what came as a message and has lost its original never becomes
// one with the settings of this hub, also where an agreement cuts kopf away.
func TestNotBuiltAnew(t *testing.T) {
	on := replace(settings, "{dir", acknowledging)
	came := only(t, own(t, "quittung.0020.xml"))
	back := only(t, rejectionOf(t, 5))
	back = with(t, back, "nachricht", dataOf(t, back)["original"])
	for name, e := range map[string]hub.Event{
		"whole": came, "cut": without(t, without(t, came, "kopf"), "original"), "Rückweisung": back, "Rückweisung, cut": without(t, back, "kopf"),
	} {
		yaml := replace(on, "{quittung", "{rueckweisung: {senden: true}, quittung")
		_, content, err := deliverWith(t, adaptertest.Env(t.TempDir()), yaml, e, nil)
		if fault := hub.FaultOf(err); fault == nil || fault.Code != "unmappable" || !fault.Permanent || !strings.Contains(err.Error(), "original") {
			t.Errorf("%s: %v\n%s", name, err, content)
		}
	}
	own := without(t, came, "original")
	own.SetExtension("xoevmsgtype", nil)
	if _, _, err := deliverWith(t, adaptertest.Env(t.TempDir()), on, without(t, own, "kopf"), nil); err != nil {
		t.Error("an event of an application:", err)
	}
}

func rejectionOf(t *testing.T, n int) string {
	return must(t)(xmeld.WriteRueckweisung(envelope(n, register, portal), &xmeld.Zurueckweisung{
		Gruende: []xmeld.Rueckweisgrund{{Code: "S011"}},
	}, []byte(generic(n))))
}

func with(t *testing.T, e hub.Event, field string, value any) hub.Event {
	t.Helper()
	m := dataOf(t, e)
	m[field] = value
	e = e.Clone()
	if err := e.SetData("application/json", m); err != nil {
		t.Fatal(err)
	}
	return e
}
