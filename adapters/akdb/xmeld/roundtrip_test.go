package xmeld_test

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

var withoutKopf = cmpopts.IgnoreTypes((*xoev.Kopf)(nil), (*xoev.Original)(nil))

func TestMeldeschein(t *testing.T) {
	cases := map[string]func(*xmeld.Eingegangen){
		"everything":     func(*xmeld.Eingegangen) {},
		"no blocks":      func(d *xmeld.Eingegangen) { d.Sperren = nil },
		"no first name":  func(d *xmeld.Eingegangen) { d.Person.Name.Vornamen = "" },
		"month of birth": func(d *xmeld.Eingegangen) { d.Person.Geburtsdatum.Value = "1985-08" },
		"year of birth":  func(d *xmeld.Eingegangen) { d.Person.Geburtsdatum.Value = "1985" },
		"birth unknown":  func(d *xmeld.Eingegangen) { d.Person.Geburtsdatum.Value = "" },
		"only objections": func(d *xmeld.Eingegangen) {
			d.Sperren = &xmeld.Sperren{Uebermittlungssperren: []string{"2"}}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			want := application()
			change(want)
			doc, err := xmeld.WriteMeldeschein(envelope(portal, register), want, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := xmeld.ReadMeldeschein(parse(t, doc))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, withoutKopf); diff != "" {
				t.Error(diff)
			}
			valid(t, doc)
		})
	}
}

func TestMeldescheinWithoutOptionalData(t *testing.T) {
	d := application()
	d.Person.Geschlecht, d.Person.Familienstand, d.Person.Staatsangehoerigkeiten = "", "", nil
	doc, err := xmeld.WriteMeldeschein(envelope(portal, register), d, "rk")
	if err != nil {
		t.Fatal(err)
	}
	got, err := xmeld.ReadMeldeschein(parse(t, doc))
	if err != nil || got.Person.Geschlecht != "x" || got.Person.Familienstand != "NB" || got.Person.Staatsangehoerigkeiten[0] != "999" {
		t.Errorf("got %+v, %v", got, err)
	}
	valid(t, doc)
}

func TestKopf(t *testing.T) {
	v := envelope(portal, register)
	empty := ""
	v.Test = &empty
	v.Leser.Email, v.Leser.Anschrift = "", nil
	doc, err := xmeld.WriteMeldeschein(v, application(), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := xmeld.ReadMeldeschein(parse(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	want := &xoev.Kopf{
		Standard: "XMeld", Version: "25.11a", Namespace: "http://www.osci.de/xmeld2511a", Dialekt: xoev.G2GUnqualified,
		Element: "onlinedienste.anmeldung.meldeschein.1704", Code: "1704", Test: &empty,
		NachrichtenUUID: "0a0b0c0d-1111-4222-8333-444455556666", Erstellungszeitpunkt: "2026-03-02T09:15:00.123+01:00",
		Autor: xoev.Stelle{Kennung: "mbp:020000019999", Name: "Meldeportal Probstadt"},
		Leser: xoev.Stelle{Kennung: "ags:09162000", Name: "Meldebehörde Isarstadt"},
	}
	if diff := cmp.Diff(want, got.Kopf); diff != "" {
		t.Error(diff)
	}
	valid(t, doc)
}

func TestErgebnisAngenommen(t *testing.T) {
	for name, change := range map[string]func(*xmeld.Angenommen){
		"everything":     func(*xmeld.Angenommen) {},
		"einzug unknown": func(d *xmeld.Angenommen) { d.Einzug.Value = "" },
	} {
		t.Run(name, func(t *testing.T) {
			want := accepted()
			change(want)
			doc, err := xmeld.WriteAngenommen(envelope(register, portal), want, []byte("%PDF-1.4 probe"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := xmeld.ReadErgebnis(parse(t, doc))
			if err != nil || got.Zurueckgewiesen != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Angenommen, withoutKopf); diff != "" {
				t.Error(diff)
			}
			if pdf, _ := base64.StdEncoding.DecodeString(got.PDF); string(pdf) != "%PDF-1.4 probe" {
				t.Errorf("pdf is %q", pdf)
			}
			valid(t, doc)
		})
	}
}

func TestErgebnisZurueckgewiesen(t *testing.T) {
	for name, pdf := range map[string][]byte{"with letter": []byte("%PDF-1.4"), "without": nil} {
		t.Run(name, func(t *testing.T) {
			want := refused()
			doc, err := xmeld.WriteZurueckgewiesen(envelope(register, portal), want, xmeld.Anschrift{AGS: "09162000"}, pdf)
			if err != nil {
				t.Fatal(err)
			}
			got, err := xmeld.ReadErgebnis(parse(t, doc))
			if err != nil || got.Angenommen != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Zurueckgewiesen, withoutKopf); diff != "" {
				t.Error(diff)
			}
			if (got.PDF == "") != (pdf == nil) {
				t.Errorf("pdf is %q", got.PDF)
			}
			valid(t, doc)
		})
	}
}

func TestUnmappable(t *testing.T) {
	cases := map[string]struct {
		field  string
		change func(*xmeld.Envelope, *xmeld.Eingegangen)
	}{
		"no old address":  {"bisherigeAnschrift", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.BisherigeAnschrift = nil }},
		"no name":         {"person.name.familienname", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Person.Name = xmeld.Name{} }},
		"birth cut away":  {"person.geburtsdatum", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Person.Geburtsdatum = xmeld.PartDate{} }},
		"birth no date":   {"person.geburtsdatum", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Person.Geburtsdatum.Value = "1985-02-30" }},
		"bad einzug":      {"einzug", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Einzug = "morgen" }},
		"bad status":      {"wohnungsstatus", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Wohnungsstatus = "9" }},
		"bad ags":         {"anschrift.ags", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Anschrift.AGS = "9162" }},
		"no street":       {"anschrift.strasse", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Anschrift.Strasse = "" }},
		"long number":     {"anschrift.hausnummer", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Anschrift.Hausnummer = "12a" }},
		"bad sex":         {"person.geschlecht", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Person.Geschlecht = "f" }},
		"bad block":       {"sperren.uebermittlungssperren", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Sperren.Uebermittlungssperren = []string{"99"} }},
		"Greek":           {"name", func(_ *xmeld.Envelope, d *xmeld.Eingegangen) { d.Person.Name.Vornamen = "Αθηνά" }},
		"author nameless": {"autor", func(v *xmeld.Envelope, _ *xmeld.Eingegangen) { v.Autor.Name = "" }},
		"author addrless": {"autor", func(v *xmeld.Envelope, _ *xmeld.Eingegangen) { v.Autor.Anschrift = nil }},
		"no reader":       {"leser", func(v *xmeld.Envelope, _ *xmeld.Eingegangen) { v.Leser.Kennung = "" }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v, d := envelope(portal, register), application()
			c.change(&v, d)
			doc, err := xmeld.WriteMeldeschein(v, d, "")
			got, ok := errors.AsType[*xmeld.UnmappableError](err)
			if !ok || got.Field != c.field || doc != nil {
				t.Fatalf("got %v, want %s", err, c.field)
			}
		})
	}
}

func TestUnmappableResults(t *testing.T) {
	v := envelope(register, portal)
	if _, err := xmeld.WriteAngenommen(v, accepted(), nil); err == nil {
		t.Error("accepted without confirmation")
	}
	d := refused()
	d.Person = nil
	if _, err := xmeld.WriteZurueckgewiesen(v, d, xmeld.Anschrift{AGS: "09162000"}, nil); err == nil {
		t.Error("refused without person")
	}
	d = refused()
	d.Grund.Code = "77"
	if _, err := xmeld.WriteZurueckgewiesen(v, d, xmeld.Anschrift{AGS: "09162000"}, nil); err == nil {
		t.Error("refused with unknown code")
	}
}

func TestStructure(t *testing.T) {
	doc, err := xmeld.WriteMeldeschein(envelope(portal, register), application(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, code string }{
		"no einzug":    {"<xmeld:datumDesBeziehens>2026-03-01</xmeld:datumDesBeziehens>", "", "X001"},
		"einzug":       {"2026-03-01<", "2026-13-01<", "X001"},
		"empty street": {"Nußbaumweg", " ", "S030"},
		"ags":          {"<code>09162000", "<code>916", "S011"},
		"status":       {"<xmeld:statusDerNeuenWohnung listURI=\"urn:de:dsmeld:schluesseltabelle:wohnungsstatus\" listVersionID=\"2\">\n      <code>0<", "<xmeld:statusDerNeuenWohnung><code>7<", "S011"},
		"payload":      {"berechtigtePerson", "andere", "X001"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.ReplaceAll(string(doc), c.old, c.new)
			if changed == string(doc) {
				t.Fatal("the case changes nothing")
			}
			_, err := xmeld.ReadMeldeschein(parse(t, []byte(changed)))
			if got, ok := errors.AsType[*xmeld.StructureError](err); !ok || got.Code != c.code || got.Line == 0 {
				t.Fatalf("got %v, want %s", err, c.code)
			}
		})
	}
}

// TestReadSamples reads the schema-valid samples of others.
func TestReadSamples(t *testing.T) {
	sample := func(name string) *xoev.Message {
		b, err := os.ReadFile(interop.Path(t, "data", "xoev", "xmeld", "synthetic", name))
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, b)
	}
	d, err := xmeld.ReadMeldeschein(sample("onlinedienste.anmeldung.meldeschein.1704.xml"))
	if err != nil {
		t.Fatal(err)
	}
	want := xmeld.Person{
		Name: xmeld.Name{Familienname: "Mustermann", Vornamen: "Erika Maria"}, Geburtsdatum: xmeld.PartDate{Value: "1985-08-12", Given: true},
		Geschlecht: "w", Staatsangehoerigkeiten: []string{"000"}, Familienstand: "LD",
	}
	if diff := cmp.Diff(want, d.Person); diff != "" || d.Einzug != "2026-03-01" || d.Anschrift.AGS != "09162000" || d.Sperren != nil {
		t.Errorf("%+v %s", d, diff)
	}
	r, err := xmeld.ReadErgebnis(sample("onlinedienste.anmeldung.ergebnis.1707.xml"))
	if err != nil || r.Angenommen == nil || r.PDF != "VGVzdA==" || r.Angenommen.Ursprung.NachrichtenUUID != d.Kopf.NachrichtenUUID {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzReadMeldeschein(f *testing.F) {
	doc, err := xmeld.WriteMeldeschein(envelope(portal, register), application(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(doc))
	f.Add(`<a standard="XMeld"/>`)
	fuzz(f, func(t *testing.T, m *xoev.Message) {
		if d, err := xmeld.ReadMeldeschein(m); err == nil {
			_, _ = xmeld.WriteMeldeschein(envelope(portal, register), d, "")
		}
	})
}

func FuzzReadErgebnis(f *testing.F) {
	v := envelope(register, portal)
	yes, err := xmeld.WriteAngenommen(v, accepted(), []byte("%PDF"))
	if err != nil {
		f.Fatal(err)
	}
	no, err := xmeld.WriteZurueckgewiesen(v, refused(), xmeld.Anschrift{AGS: "09162000"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(yes))
	f.Add(string(no))
	fuzz(f, func(t *testing.T, m *xoev.Message) {
		r, err := xmeld.ReadErgebnis(m)
		if err == nil && (r.Angenommen == nil) == (r.Zurueckgewiesen == nil) {
			t.Fatal("neither or both results")
		}
	})
}
