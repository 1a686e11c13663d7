package xmeld_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

var (
	portal = xmeld.Behoerde{
		Kennung: "mbp:020000019999", Name: "Meldeportal Probstadt", Email: "portal@example.org",
		Anschrift: &xmeld.Postanschrift{Strasse: "Am Sande", Hausnummer: "3", PLZ: "20095", Ort: "Probstadt"},
	}
	register = xmeld.Behoerde{
		Kennung: "ags:09162000", Name: "Meldebehörde Isarstadt", Email: "ewo@example.org",
		Anschrift: &xmeld.Postanschrift{Strasse: "Ruppertstraße", Hausnummer: "19", PLZ: "80337", Ort: "Isarstadt"},
	}
	created = time.Date(2026, 3, 2, 8, 15, 0, 123_000_000, time.UTC)
)

func envelope(autor, leser xmeld.Behoerde) xmeld.Envelope {
	return xmeld.Envelope{
		UUID: "0A0B0C0D-1111-4222-8333-444455556666", Created: created, Autor: autor, Leser: leser,
		Produkt: xmeld.Produkt{Name: "Amtsbote", Hersteller: "Amtsbote", Version: "0.1"},
	}
}

func application() *xmeld.Eingegangen {
	return &xmeld.Eingegangen{
		Person: xmeld.Person{
			Name:                   xmeld.Name{Familienname: `Öztürk-d’Ávila & "Söhne" <x>`, Vornamen: "Çiğdem Zoë", Doktorgrad: "Dr."},
			Geburtsdatum:           xmeld.PartDate{Value: "1985-08-12", Given: true},
			Geschlecht:             "w",
			Staatsangehoerigkeiten: []string{"000", "163"},
			Familienstand:          "LD",
		},
		BisherigeAnschrift: &xmeld.Anschrift{AGS: "02000000", Strasse: "Elbchaussee", Hausnummer: "7", HausnummerZusatz: "b", PLZ: "22765", Ort: "Hamburg"},
		Anschrift: xmeld.Anschrift{
			AGS: "09162000", Strasse: "Nußbaumweg", Hausnummer: "12", HausnummerZusatz: "a 1/2 links", PLZ: "80331", Ort: "München", Zusatz: "Rückgebäude",
		},
		Einzug: "2026-03-01", Wohnungsstatus: "0",
		Sperren: &xmeld.Sperren{Auskunftssperre: true, BedingterSperrvermerk: true, Uebermittlungssperren: []string{"10", "13"}},
	}
}

func accepted() *xmeld.Angenommen {
	a := application()
	return &xmeld.Angenommen{
		Aktenzeichen:   "EWO-2026-000001",
		Person:         xmeld.Person{Name: a.Person.Name, Geburtsdatum: a.Person.Geburtsdatum},
		Anschrift:      a.Anschrift,
		Einzug:         xmeld.PartDate{Value: "2026-03-01", Given: true},
		Anmeldung:      "2026-03-02",
		Wohnungsstatus: "1",
		Ursprung:       origin(),
	}
}

func refused() *xmeld.Zurueckgewiesen {
	a := application()
	a.Person.Name.Doktorgrad = "" // an identification has none
	return &xmeld.Zurueckgewiesen{
		Aktenzeichen: "EWO-2026-000002",
		Grund:        xmeld.Grund{Code: "02", Text: "Die Anmeldung kann im elektronischen Verfahren nicht fortgeführt werden."},
		Person:       &xmeld.Person{Name: a.Person.Name, Geburtsdatum: a.Person.Geburtsdatum},
		Ursprung:     origin(),
	}
}

func origin() xmeld.Ursprung {
	return xmeld.Ursprung{
		NachrichtenUUID: "99999999-1111-4222-8333-444455556666", Code: "1704", Erstellungszeitpunkt: "2026-03-02T09:15:00.123+01:00",
	}
}

func parse(t testing.TB, doc []byte) *xoev.Message {
	t.Helper()
	m, err := xoev.Read(bytes.NewReader(doc), xmlguard.Limits{}, xmeld.Typed)
	if err != nil {
		t.Fatal(err)
	}
	if m.Tree == nil {
		t.Fatal("not recognised as a typed message")
	}
	return m
}

func valid(t *testing.T, doc []byte) {
	t.Helper()
	if complaint := interop.Lint(t, doc, "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
		t.Fatalf("xmllint: %s\n%s", complaint, doc)
	}
}

// fuzz gives every well-formed document to read as if it were of the type.
func fuzz(f *testing.F, read func(*testing.T, *xoev.Message)) {
	f.Helper()
	f.Fuzz(func(t *testing.T, doc string) {
		m, err := xoev.Read(bytes.NewReader([]byte(doc)), xmlguard.Limits{}, func(*xmlguard.Element) bool { return true })
		if err == nil {
			read(t, m)
		}
	})
}
