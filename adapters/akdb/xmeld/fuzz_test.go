package xmeld_test

import (
	"encoding/json"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// FuzzReadRegister: whatever stands in a document, the readers of the messages
// between registers give data that can be written as JSON, or refuse it. What they
// give is either built or refused as well.
func FuzzReadRegister(f *testing.F) {
	for _, seed := range registerSeeds(f) {
		f.Add(seed)
	}
	f.Add(`<a><umzugsverband><betroffener/></umzugsverband><rueckweisung><nachricht>!</nachricht></rueckweisung></a>`)
	v := envelope(register, portal)
	fuzz(f, func(t *testing.T, m *xoev.Message) {
		if all, err := xmeld.ReadRueckmeldung(m); err == nil {
			for _, d := range all {
				asJSON(t, d)
				_, _ = xmeld.WriteRueckmeldung(v, d, "")
			}
		}
		try(t, m, xmeld.ReadAuswertung, func(d *xmeld.Ausgewertet) { _, _ = xmeld.WriteAuswertung(v, d) })
		try(t, m, xmeld.ReadTod, func(d *xmeld.TodFortgeschrieben) { _, _ = xmeld.WriteTod(v, d) })
		try(t, m, xmeld.ReadAnschrift, func(d *xmeld.AnschriftFortgeschrieben) { _, _ = xmeld.WriteAnschrift(v, d) })
		try(t, m, xmeld.ReadAnforderung, func(d *xmeld.Angefordert) { _, _ = xmeld.WriteAnforderung(v, d) })
		try(t, m, xmeld.ReadBereitstellung, func(d *xmeld.Bereitgestellt) { _, _ = xmeld.WriteBereitstellung(v, d) })
		try(t, m, xmeld.ReadRueckweisung, func(d *xmeld.Zurueckweisung) { _, _ = xmeld.WriteRueckweisung(v, d, []byte("<a/>")) })
		try(t, m, xmeld.ReadQuittung, func(*xmeld.Quittiert) {})
		try(t, m, func(m *xoev.Message) (*xmeld.Mitgeteilt, error) {
			d, _, err := xmeld.ReadStatus(m)
			return d, err
		}, func(d *xmeld.Mitgeteilt) { _, _ = xmeld.WriteStatus(v, d, xmeld.Anschrift{AGS: "09162000"}, nil) })
	})
}

func try[T any](t *testing.T, m *xoev.Message, read func(*xoev.Message) (*T, error), write func(*T)) {
	t.Helper()
	if d, err := read(m); err == nil {
		asJSON(t, d)
		write(d)
	}
}

func asJSON(t *testing.T, d any) {
	t.Helper()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(raw) {
		t.Fatalf("%s", raw)
	}
}

func registerSeeds(f *testing.F) []string {
	f.Helper()
	v, p, a := envelope(register, portal), person(), address()
	fall := &xoev.Ereignis{Zeitpunkt: "2026-03-02T09:00:00+01:00", Zeichen: "Z-1"}
	var all []string
	add := func(b []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, string(b))
	}
	add(xmeld.WriteRueckmeldung(v, &xmeld.Gesandt{Person: &p, Anschrift: &a, BisherigeAnschrift: &a, Ereignis: fall}, ""))
	add(xmeld.WriteAuswertung(v, &xmeld.Ausgewertet{Person: &p, Anschrift: &a, Ursprung: origin(), Ursprungsereignis: fall}))
	add(xmeld.WriteTod(v, &xmeld.TodFortgeschrieben{Person: p, Anschrift: &a, Sterbetag: xmeld.PartDate{Given: true, Value: "2026-02-27"}}))
	add(xmeld.WriteAnschrift(v, &xmeld.AnschriftFortgeschrieben{Person: p, Anlass: "1", BisherigeAnschrift: a, Anschrift: a, AnschriftBeimLeser: &a}))
	add(xmeld.WriteAnforderung(v, &xmeld.Angefordert{Anwenderkennung: "1", Personen: []xmeld.Gesucht{{Name: p.Name, Geburtsdatum: p.Geburtsdatum}}}))
	add(xmeld.WriteBereitstellung(v, &xmeld.Bereitgestellt{
		Ursprung: origin(), Personen: []xmeld.Gefunden{{Status: "01", Name: p.Name, Geburtsdatum: p.Geburtsdatum, Anschrift: &a}},
	}))
	add(xmeld.WriteStatus(v, &xmeld.Mitgeteilt{Aktenzeichen: "A", Status: xmeld.Grund{Code: "01"}, Person: &p, Ursprung: origin()}, a, nil))
	add(xmeld.WriteRueckweisung(v, &xmeld.Zurueckweisung{Gruende: []xmeld.Rueckweisgrund{{Code: "T080"}}}, []byte(all[0])))
	return all
}

func person() xmeld.Person {
	p := application().Person
	p.Name.Doktorgrad = ""
	return p
}

func address() xmeld.Anschrift { return application().Anschrift }
