package okkomm_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

func recorded(t *testing.T, elem ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(interop.Path(t, append([]string{"data", "xoev"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// structure lists elements, attributes and texts with their namespaces, whatever
// the prefixes; base64 is taken as what it holds.
func structure(t *testing.T, document []byte) []string {
	t.Helper()
	var all []string
	dec := xml.NewDecoder(strings.NewReader(string(document)))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tk := token.(type) {
		case xml.StartElement:
			line := "<" + tk.Name.Space + " " + tk.Name.Local
			for _, a := range tk.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					line += " " + a.Name.Space + " " + a.Name.Local + "=" + a.Value
				}
			}
			all = append(all, line)
		case xml.CharData:
			text := strings.TrimSpace(string(tk))
			if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(text) > 100 {
				text = string(raw)
			}
			if text != "" {
				all = append(all, text)
			}
		}
	}
}

// xoevservice-soap-request-1332.xml, komservice-soap-request.xml: what is
// written around the same payload has the same structure.
func TestRequestsAsRecorded(t *testing.T) {
	for file, service := range map[string]okkomm.Service{
		"xoevservice-soap-request-1332.xml": okkomm.XoevService,
		"komservice-soap-request.xml":       okkomm.KomService,
	} {
		want := recorded(t, "akdb-okkomm", file)
		payload, s, err := okkomm.ReadRequest(want)
		if err != nil || s != service {
			t.Fatal(file, s, err)
		}
		if d := cmp.Diff(structure(t, want), structure(t, okkomm.WriteRequest(service, payload))); d != "" {
			t.Errorf("%s: %s", file, d)
		}
	}
}

// zkocxml-request.xml, and the same inside komservice-soap-request.xml.
func TestZKOCXMLAsRecorded(t *testing.T) {
	a := okkomm.Anfrage{
		Verfahren: "EWO", Typ: "WEBWAHLSCHEIN", Ausfuehrung: "ABRUFEN", ZielAGS: "09000011",
		App: okkomm.App{
			Typ: "DGS", Name: "Digital Gov as a Service", Version: "2023.4.0", AGS: "09000011",
			Zeit: time.Date(2023, 1, 24, 11, 17, 37, 0, time.UTC),
		},
		Suche: []okkomm.Feld{{Name: "MANDANTENANFRAGE"}},
	}
	written, err := a.Write()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(structure(t, recorded(t, "akdb-okkomm", "zkocxml-request.xml")), structure(t, written)); d != "" {
		t.Error(d)
	}
	inside, _, err := okkomm.ReadRequest(recorded(t, "akdb-okkomm", "komservice-soap-request.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(structure(t, inside), structure(t, written)); d != "" {
		t.Error(d)
	}
}

// xoevservice-soap-response-1331.xml: BayBIS found too many or nobody (03).
func TestAnswer1331AsRecorded(t *testing.T) {
	raw := recorded(t, "akdb-okkomm", "xoevservice-soap-response-1331.xml")
	payload, err := okkomm.ReadAnswer(raw)
	if err != nil {
		t.Fatal(err)
	}
	a, err := okkomm.ReadAuskunft(payload)
	if err != nil || a.Ergebnisstatus != "03" || len(a.Personen) != 0 || len(a.Rueckweisung) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
	if d := cmp.Diff(structure(t, raw), structure(t, okkomm.WriteAnswer(okkomm.XoevService, payload))); d != "" {
		t.Error(d)
	}
	if _, err := okkomm.ReadAuskunft(recorded(t, "xmeld", "akdb-bis", "20251130-163234_resp_1330.xml")); err != nil {
		t.Error(err)
	}
}

// komservice-soap-response.SYNTHETIC.xml, zkocxml-response-error.SYNTHETIC.xml:
// a FEHLER, whose text is not told.
func TestFehlerAsRecorded(t *testing.T) {
	payload, err := okkomm.ReadAnswer(recorded(t, "akdb-okkomm", "komservice-soap-response.SYNTHETIC.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string][]byte{"soap": payload, "naked": recorded(t, "akdb-okkomm", "zkocxml-response-error.SYNTHETIC.xml")} {
		_, err := okkomm.ReadAntwort(doc)
		e, ok := errors.AsType[*eai.Error](err)
		if !ok || e.Blocking || e.Code != eai.Failed || !strings.Contains(e.Error(), "type E") || strings.Contains(e.Error(), "Beispielfehler") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func abruf() okkomm.Abruf {
	stelle := xmeld.Behoerde{
		Kennung: "dbs:060030020000", Name: "Polizei Probstadt", Email: "abruf@example.org",
		Anschrift: &xmeld.Postanschrift{Strasse: "Rathausweg", Hausnummer: "91", PLZ: "60000", Ort: "Probstadt"},
	}
	return okkomm.Abruf{
		Autor: stelle, Leser: xmeld.Behoerde{Kennung: "ags:09000009", Name: "BayBIS"}, Produkt: xmeld.Produkt{Name: "Probe", Hersteller: "Probe"},
		Sicherheitsbehoerde: true, Aktenzeichen: "P-1", Anlass: "Probe", Kennung: "probe/1", Elemente: []string{"1", "2"},
	}
}

func profil() okkomm.Suchprofil {
	return okkomm.Suchprofil{
		Familienname: "Zaunkönig & Söhne", Vornamen: "Ottilie", Geburtsdatum: "1985-08-12", AGS: "09000009", PLZ: "60000", Geschlecht: "w",
	}
}

const questionUUID = "aaaaaaaa-0000-4000-8000-000000000001"

func question(t testing.TB) []byte {
	t.Helper()
	q, err := okkomm.WritePersonensuche(questionUUID, time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC), abruf(), profil())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// The question is valid by KoSIT's schema, also with partly known dates.
func TestPersonensucheIsValid(t *testing.T) {
	for _, born := range []string{"1985-08-12", "1985-08", "1985"} {
		p := profil()
		p.Geburtsdatum = born
		q, err := okkomm.WritePersonensuche(questionUUID, time.Now(), abruf(), p)
		if err != nil {
			t.Fatal(err)
		}
		if complaint := interop.Lint(t, q, "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
			t.Error(complaint)
		}
	}
}

func TestPersonensucheLacks(t *testing.T) {
	for name, change := range map[string]func(*okkomm.Abruf, *okkomm.Suchprofil){
		"no name":     func(_ *okkomm.Abruf, p *okkomm.Suchprofil) { p.Familienname = "" },
		"no date":     func(_ *okkomm.Abruf, p *okkomm.Suchprofil) { p.Geburtsdatum = "gestern" },
		"no place":    func(_ *okkomm.Abruf, p *okkomm.Suchprofil) { p.AGS = "9" },
		"control":     func(_ *okkomm.Abruf, p *okkomm.Suchprofil) { p.Vornamen = "a\x01" },
		"no reason":   func(a *okkomm.Abruf, _ *okkomm.Suchprofil) { a.Anlass = "" },
		"no elements": func(a *okkomm.Abruf, _ *okkomm.Suchprofil) { a.Elemente = nil },
		"no reader":   func(a *okkomm.Abruf, _ *okkomm.Suchprofil) { a.Leser.Name = "" },
		"no author":   func(a *okkomm.Abruf, _ *okkomm.Suchprofil) { a.Autor.Email = "" },
	} {
		a, p := abruf(), profil()
		change(&a, &p)
		if _, err := okkomm.WritePersonensuche(questionUUID, time.Now(), a, p); err == nil {
			t.Errorf("%s: written", name)
		} else if strings.Contains(err.Error(), "Zaunk") {
			t.Errorf("%s: the error names the person", name)
		}
	}
}
