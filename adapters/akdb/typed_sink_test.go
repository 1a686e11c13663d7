package akdb_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// builtData has data of each type that is built, as full as XMeld takes it.
func builtData() map[string]any {
	registry, other := xoev.Stelle{Kennung: portalKey, Name: "Meldeportal Probstadt"}, xoev.Stelle{Kennung: registerKey, Name: "Meldebehörde Isarstadt"}
	p, a := person(), dwelling()
	home := xmeld.Anschrift{AGS: "02000000", Strasse: "Elbchaussee", Hausnummer: "7", HausnummerZusatz: "b 1/2 links", PLZ: "22765", Ort: "Hamburg"}
	full := person()
	full.Geschlecht, full.Familienstand, full.Staatsangehoerigkeiten = "w", "LD", []string{"000", "163"}
	full.Geburtsort, full.Name.Doktorgrad = "", "Dr."
	born := person()
	born.Geburtsort, born.Geburtsdatum.Value = "Probstadt", "1985-08"
	fall := &xoev.Ereignis{Zeitpunkt: "2026-03-02T09:00:00.000+01:00", Zeichen: "Z-1"}
	vermerk := &xmeld.Sperren{BedingterSperrvermerk: true}
	ursprung := origin()
	ursprung.Code = "0201"
	anfrage := origin()
	anfrage.Code = "0300"
	return map[string]any{
		xmeld.TypeGesandt: xmeld.Gesandt{
			Wegzugsbehoerde: other, Zuzugsbehoerde: registry, NachrichtenUUID: uuidOf(7), Gesandt: "2026-03-02T09:15:00.123+01:00",
			Ereignis: fall, Person: &full, Anschrift: &a, BisherigeAnschrift: &home, Einzug: xmeld.PartDate{Given: true}, Wohnungsstatus: "0",
			Sperren: &xmeld.Sperren{Auskunftssperre: true, BedingterSperrvermerk: true, Uebermittlungssperren: []string{"10"}},
		},
		xmeld.TypeAusgewertet: xmeld.Ausgewertet{
			Wegzugsbehoerde: registry, Zuzugsbehoerde: &other, Ursprung: ursprung, Ausgewertet: "2026-03-02T09:15:00.123+01:00",
			Abweichungen: []string{}, Ursprungsereignis: fall, Ereignis: fall, Person: &born, Anschrift: &a, Sperren: vermerk,
		},
		xmeld.TypeTod: xmeld.TodFortgeschrieben{
			Leser: other, Person: born, Anschrift: &a, Sterbetag: xmeld.PartDate{Given: true, Value: "2026-02-26"}, Sterbeort: "München",
			Nachweis: &xmeld.Nachweis{Datum: "2026-03-01", Beschreibung: "Sterbeurkunde", Behoerde: "Standesamt München", Aktenzeichen: "S 1/2026"},
			Sperren:  vermerk,
		},
		xmeld.TypeAnschrift: xmeld.AnschriftFortgeschrieben{
			Leser: other, Person: p, Anlass: "1", BisherigeAnschrift: home, Anschrift: a, AnschriftBeimLeser: &a, Ereignis: fall, Sperren: vermerk,
		},
		xmeld.TypeAngefordert: xmeld.Angefordert{
			Wegzugsbehoerde: other, Zuzugsbehoerde: registry, Anwenderkennung: "12",
			Personen:         []xmeld.Gesucht{{Name: p.Name, Geburtsdatum: p.Geburtsdatum}, {Name: xmeld.Name{Familienname: "Ida"}, Geburtsdatum: xmeld.PartDate{Given: true}}},
			Wegzugsanschrift: &xmeld.Wegzugsanschrift{AGS: "02000000", Strasse: "Elbchaussee", Hausnummer: "7", PLZ: "22765", Zusatz: "Hof"},
		},
		xmeld.TypeBereitgestellt: xmeld.Bereitgestellt{
			Wegzugsbehoerde: registry, Zuzugsbehoerde: other, Ursprung: anfrage,
			Personen: []xmeld.Gefunden{
				{Status: "01", Name: p.Name, Geburtsdatum: p.Geburtsdatum, Geschlecht: "w", Staatsangehoerigkeiten: []string{"000"}, Familienstand: "VH", Anschrift: &a},
				{Status: "02", Name: p.Name, Geburtsdatum: xmeld.PartDate{Given: true, Value: "1985"}},
			},
			Sperren: &xmeld.Sperren{Auskunftssperre: true, BedingterSperrvermerk: true},
		},
		xmeld.TypeStatus: xmeld.Mitgeteilt{
			Aktenzeichen: "EWO-1", Fristende: "2026-03-20", Person: &p, Ursprung: origin(),
			Status: xmeld.Grund{Code: "01", Text: "Die Anmeldung kann im elektronischen Verfahren fortgeführt werden. Es wird ein Bestätigungscode versendet."},
		},
	}
}

// TestBuilt: what is built from the fields is valid by KoSIT's schema, the same
// in a second attempt, and becomes the same data again.
func TestBuilt(t *testing.T) {
	for eventType, data := range builtData() {
		t.Run(eventType, func(t *testing.T) {
			e := event(t, 7, eventType, data)
			valid2(t, e)
			name, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, nil)
			if err != nil {
				t.Fatal(err)
			}
			if complaint := interop.Lint(t, []byte(content), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
				t.Errorf("%s\n%s", complaint, content)
			}
			again, second, err := deliver(t, adaptertest.Env(t.TempDir()), e, nil)
			if err != nil || again != name || second != content || !strings.HasSuffix(name, "_"+uuidOf(7)+".xml") {
				t.Errorf("%s, then %s: %v", name, again, err)
			}
			back := only(t, content)
			ignored := cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "original" || k == "kopf" })
			if diff := cmp.Diff(dataOf(t, e), dataOf(t, back), ignored); diff != "" || back.Type() != eventType || back.ID() != e.ID() {
				t.Errorf("%s %s %s", back.Type(), back.ID(), diff)
			}
		})
	}
}

// valid2 holds a hand-made event, which has no dataschema, against its type.
func valid2(t *testing.T, e hub.Event) {
	t.Helper()
	c := e.Clone()
	c.SetDataSchema("urn:amtsbote:schema:" + e.Type())
	valid(t, c)
}

// TestSamplesGoOutAsTheyCame: with the original, the samples of others leave byte
// for byte.
func TestSamplesGoOutAsTheyCame(t *testing.T) {
	for _, file := range []string{
		"xmeld/synthetic/rueckmeldung.anmeldunginland.0201.xml", "xmeld/synthetic/rueckmeldung.auswertung.0203.xml",
		"xmeld/synthetic/fortschreibung.tod.0040.xml", "xmeld/synthetic/fortschreibung.anschrift.0090.xml",
		"xmeld/synthetic/anmeldung.datenanforderung.0300.xml", "xmeld/synthetic/anmeldung.datenbereitstellung.0301.xml",
		"xinneres/messages/rueckweisung.asynchron.0010.xml",
	} {
		content := sampleText(t, file)
		in, _ := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", content)
		name, got, err := deliver(t, adaptertest.Env(t.TempDir()), in.Events()[0], in.Blobs())
		if err != nil || got != content {
			t.Errorf("%s: %v", file, err)
		}
		if strings.Contains(file, "0010") && !strings.HasPrefix(name, "XInneres-Rueckweisung_0010_") {
			t.Errorf("is called %s", name)
		}
	}
}

// TestPassedOn: what is not built leaves as it came, under a name that says what
// it is; without its original it cannot leave.
func TestPassedOn(t *testing.T) {
	for name, content := range map[string]string{
		"XMeld_0999_" + uuidOf(4) + ".xml":                                 generic(4),
		"XPersonenstand_035010_bbbbbbbb-0000-4000-8000-000000035010.xml":   own(t, "sterbefall.035010.xml"),
		"XPersonenstand_084020_bbbbbbbb-0000-4000-8000-000000084020.xml":   own(t, "sterbeanzeige.084020.xml"),
		"bbbbbbbb-0000-4000-8000-000000000001_Aussonderung.Probe.0503.xml": archive,
		"XMeld-.._1_0999_" + uuidOf(5) + ".xml":                            strings.Replace(generic(5), `"XMeld"`, `"../XMeld/../1"`, 1),
	} {
		in, aside := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", content)
		if len(in.Events()) != 1 {
			t.Fatal(aside)
		}
		e := in.Events()[0]
		got, out, err := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs())
		if err != nil || out != content {
			t.Errorf("%s: %v", name, err)
		}
		if strings.ReplaceAll(got, "_", "-") != strings.ReplaceAll(name, "_", "-") {
			t.Errorf("is called %s, want %s", got, name)
		}
		if _, _, err := deliver(t, adaptertest.Env(t.TempDir()), without(t, e, "original"), in.Blobs()); hub.FaultOf(err) == nil || hub.FaultOf(err).Code != "unmappable" {
			t.Errorf("%s without original: %v", name, err)
		}
	}
}

// TestOneCaseGoesOut: an event about one case of several leaves as a message of
// its own, with everything that the original says of this case.
func TestOneCaseGoesOut(t *testing.T) {
	in, _ := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", own(t, "rueckmeldung-drei-personen.0201.xml"))
	e := in.Events()[1] // has the block, and so the original
	name, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"Edgar": true, "Ottilie": false, "Ida": false, "RELIGION": true, "AUSKUNFTSSPERRE": true, "bbbbbbbb": false} {
		if strings.Contains(content, text) != want {
			t.Errorf("%s is there: %v", text, !want)
		}
	}
	if complaint := interop.Lint(t, []byte(content), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
		t.Error(complaint)
	}
	if again, _, _ := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs()); again != name || strings.Contains(name, ".2") {
		t.Errorf("is called %s, then %s", name, again)
	}
	if back := only(t, content); back.Type() != xmeld.TypeGesandt || !strings.Contains(name, back.ID()) {
		t.Errorf("comes back as %s %s", back.Type(), back.ID())
	}
}

// TestOneCaseHandedOn: an application hands on the event of one case under an id of its
// own, header and original left in. The original has the others, and stays behind.
func TestOneCaseHandedOn(t *testing.T) {
	in, _ := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", own(t, "rueckmeldung-drei-personen.0201.xml"))
	e := in.Events()[1]
	b := newBroker(t, xtasim.Options{})
	for n, attribute := range []any{e.Extensions()["xoevmsgtype"], nil} {
		e.SetID(uuidOf(70 + n))
		e.SetExtension("xoevmsgtype", attribute)
		_, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs())
		if err != nil || !strings.Contains(content, "Edgar") || strings.Contains(content, "Ottilie") || strings.Contains(content, "Ida") {
			t.Errorf("with xoevmsgtype %v: %v\n%s", attribute, err, content)
		}
		x, err := akdb.XTA().Sink(adaptertest.Env(t.TempDir()), b.settings(registerKey, ""))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Deliver(t.Context(), hub.Delivery{ID: e.ID(), Attempt: 1, Event: e, Blobs: in.Blobs()}); err != nil {
			t.Error(err)
		}
		if sent := b.Sent(); len(sent) != n+1 || bytes.Contains(sent[n].Message.Bytes, []byte("Ottilie")) {
			t.Errorf("%d messages were sent by XTA, or one has other cases", len(sent))
		}
	}
}

func TestRejectionIsBuilt(t *testing.T) {
	rejected, ref := blob("application/xml", generic(3))
	e := event(t, 7, xmeld.TypeRueckweisung, xmeld.Zurueckweisung{
		Empfaenger: xoev.Stelle{Kennung: "ags:09999001", Name: "Meldebehörde Probstadt"}, Transportnachricht: "urn:x:1",
		Gruende:   []xmeld.Rueckweisgrund{{Code: "S020"}, {Code: "X001", Angaben: []string{"Zeile 12"}}},
		Faelle:    []xmeld.Zurueckgewiesner{{Ereignis: xoev.Ereignis{Zeitpunkt: "2026-03-01T00:00:00+01:00", Zeichen: "Z-1"}, Gruende: []xmeld.Rueckweisgrund{{Code: "S011", Angaben: []string{"Geschlecht"}}}}},
		Nachricht: ref,
	})
	valid2(t, e)
	blobs := store{blobs: map[string][]byte{ref.Ref: rejected}}
	if _, _, err := deliver(t, adaptertest.Env(t.TempDir()), e, blobs); hub.FaultOf(err) == nil || !strings.Contains(err.Error(), "rueckweisung.senden") {
		t.Errorf("switched off: %v", err)
	}
	on := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true}, dir", 1)
	name, content, err := deliverWith(t, adaptertest.Env(t.TempDir()), on, e, blobs)
	if err != nil || name != "XInneres-Rueckweisung_0010_"+uuidOf(7)+".xml" {
		t.Fatal(name, err)
	}
	if complaint := interop.Lint(t, []byte(content), "data", "xoev", "xinneres", "schema", "xinneres-rueckweisung.xsd"); complaint != "" {
		t.Errorf("%s\n%s", complaint, content)
	}
	back := only(t, content)
	if back.Extensions()["correlationid"] != uuidOf(3) || back.Extensions()["causationid"] != uuidOf(3) {
		t.Errorf("event is %s", back)
	}
	if _, _, err := deliverWith(t, adaptertest.Env(t.TempDir()), on, e, nil); hub.FaultOf(err) == nil || !strings.Contains(err.Error(), "nachricht is missing") {
		t.Errorf("without the message: %v", err)
	}
	few := strings.Replace(on, "true}", "true, codes: [T080]}", 1)
	if _, _, err := deliverWith(t, adaptertest.Env(t.TempDir()), few, e, blobs); hub.FaultOf(err) == nil || !strings.Contains(err.Error(), "rueckweisung.codes") {
		t.Errorf("for another code: %v", err)
	}
}

// TestRejectionWithoutName: a Rückweisung that does not name what it sends back
// is correlated by the message within, and tells the blocks in it.
func TestRejectionWithoutName(t *testing.T) {
	inner := strings.Replace(generic(3), "<x:fall>", "<x:fall><x:bedingterSperrvermerk>true</x:bedingterSperrvermerk>", 1)
	v := envelope(9, register, portal)
	content, err := xmeld.WriteRueckweisung(v, &xmeld.Zurueckweisung{Gruende: []xmeld.Rueckweisgrund{{Code: "T080"}}}, []byte(inner))
	if err != nil {
		t.Fatal(err)
	}
	start, end := strings.Index(string(content), "    <idNachricht>"), strings.Index(string(content), "    <nachricht>")
	e := only(t, string(content[:start])+string(content[end:]))
	if e.Extensions()["correlationid"] != uuidOf(3) || !strings.Contains(string(e.Data()), `"sperren":{"bedingterSperrvermerk":true}`) {
		t.Errorf("event is %s", e)
	}
}

func TestRecordsGoOut(t *testing.T) {
	pdf, ref := blob("application/pdf", "%PDF-1.4 Probe")
	e := event(t, 7, "de.eakte.aussonderung-uebergeben.v1", map[string]any{
		"prozess": uuidOf(8), "absender": map[string]any{"name": "Bauamt"}, "empfaenger": map[string]any{"name": "Archiv"},
		"schriftgut": []any{map[string]any{"id": uuidOf(9), "art": "vorgang", "dokumente": []any{map[string]any{
			"id": uuidOf(10), "dateiname": "Antrag.pdf", "dateiformat": "018", "datei": ref,
		}}}},
	})
	valid2(t, e)
	blobs := store{blobs: map[string][]byte{ref.Ref: pdf}}
	name, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, blobs)
	if err != nil || name != uuidOf(8)+"_Aussonderung.Aussonderung.0503.zip" {
		t.Fatal(name, err)
	}
	r, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil || len(r.File) != 2 || r.File[1].Name != uuidOf(10)+".pdf" {
		t.Fatal(err)
	}
	f, _ := r.File[1].Open()
	if got, _ := io.ReadAll(f); !bytes.Equal(got, pdf) {
		t.Errorf("the document is %q", got)
	}
	if _, again, _ := deliver(t, adaptertest.Env(t.TempDir()), e, blobs); again != content {
		t.Error("a second attempt gives another file")
	}
	if _, _, err := deliver(t, adaptertest.Env(t.TempDir()), e, store{}); hub.FaultOf(err) == nil || hub.FaultOf(err).Code != "unmappable" {
		t.Errorf("without the document: %v", err)
	}
}

// TestMarksAreNotLost: a block that a message has no place for keeps the message
// from being built.
func TestMarksAreNotLost(t *testing.T) {
	blocked := &xmeld.Sperren{Auskunftssperre: true}
	all := builtData()
	tod, _ := all[xmeld.TypeTod].(xmeld.TodFortgeschrieben)
	tod.Sperren = blocked
	neu, _ := all[xmeld.TypeAnschrift].(xmeld.AnschriftFortgeschrieben)
	neu.Sperren = blocked
	aus, _ := all[xmeld.TypeAusgewertet].(xmeld.Ausgewertet)
	aus.Sperren = blocked
	nobody, _ := all[xmeld.TypeBereitgestellt].(xmeld.Bereitgestellt)
	nobody.Personen = nobody.Personen[1:]
	for eventType, data := range map[string]any{
		xmeld.TypeTod: tod, xmeld.TypeAnschrift: neu, xmeld.TypeAusgewertet: aus, xmeld.TypeBereitgestellt: nobody,
	} {
		_, _, err := deliver(t, adaptertest.Env(t.TempDir()), event(t, 7, eventType, data), nil)
		if f := hub.FaultOf(err); f == nil || f.Code != "unmappable" || !strings.Contains(err.Error(), "sperren") {
			t.Errorf("%s: %v", eventType, err)
		}
	}
}
