package xoev_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// TestHeadersOfRealMessages holds every row of the golden list against what is
// printed, with the file names given as the list gives them.
func TestHeadersOfRealMessages(t *testing.T) {
	dir := interop.Path(t, "data", "xoev")
	golden, err := os.ReadFile(filepath.Join(dir, "header-golden.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(golden), "\n")
	var files []string
	for line := range strings.Lines(rows) {
		name, _, _ := strings.Cut(line, "\t")
		files = append(files, name)
	}
	t.Chdir(dir)
	var out, errOut bytes.Buffer
	if err := xoev.PrintHeaders(&out, &errOut, files); err != nil || errOut.Len() > 0 {
		t.Fatal(err, errOut.String())
	}
	if diff := cmp.Diff(rows, out.String()); diff != "" {
		t.Error(diff)
	}
	if len(files) < 40 {
		t.Errorf("only %d rows", len(files))
	}
}

// TestEveryRealDocumentIsReadable tries every document that others wrote in the
// XÖV world, whether it is a message or not.
func TestEveryRealDocumentIsReadable(t *testing.T) {
	var files []string
	err := filepath.WalkDir(interop.Path(t, "data", "xoev"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".xml" && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if err := xoev.PrintHeaders(&out, &errOut, files); err != nil {
		t.Error(err, errOut.String())
	}
	if got := strings.Count(out.String(), "\n"); got != len(files) || got < 80 {
		t.Errorf("%d rows for %d files", got, len(files))
	}
}

const standesamt = `<?xml version="1.0" encoding="UTF-8"?>
<n:stA2MB.Probe.035010 xmlns:n="http://xpsw.domap.de/xpsw2505">
 <nachrichtenkopf>
  <identifikation.nachricht>
   <nachrichtenUUID>0F0E0D0C-0B0A-4908-8706-050403020100</nachrichtenUUID>
   <nachrichtentyp listURI="urn:x" listVersionID="25.05"><code>035010</code><name>x</name></nachrichtentyp>
   <erstellungszeitpunkt>2025-04-01T08:00:00</erstellungszeitpunkt>
  </identifikation.nachricht>
  <leser><behoerdenkennung><praefix><code>ags</code></praefix><kennung><code>09999001</code></kennung></behoerdenkennung>
   <behoerdenname>Meldebehörde Probstadt</behoerdenname></leser>
  <autor><behoerdenkennung><praefix><code>psw</code></praefix><kennung><code>09999002</code></kennung></behoerdenkennung>
   <behoerdenname>Standesamt Probstadt</behoerdenname></autor>
 </nachrichtenkopf>
</n:stA2MB.Probe.035010>`

const archiv = `<x:Aussonderung.Aussonderung.0503 xmlns:x="urn:xoev-de:xdomea:schema:4.0.0"
 produkt="P" produkthersteller="H" standard="xdomea" version="4.0.0" test="">
 <x:nachrichtenkopf>
  <x:identifikation.nachricht>
   <nachrichtenUUID>11111111-2222-4333-8444-555555555555</nachrichtenUUID>
   <nachrichtentyp><code>0503</code></nachrichtentyp>
   <erstellungszeitpunkt>2025-04-01T08:00:00.000Z</erstellungszeitpunkt>
  </x:identifikation.nachricht>
  <x:leser><x:NameInstitution><x:Name>Archiv Probstadt</x:Name></x:NameInstitution></x:leser>
  <x:autor><x:NameInstitution><x:Name>Amt	für
Proben</x:Name></x:NameInstitution></x:autor>
  <x:ProzessID>22222222-2222-4333-8444-555555555555</x:ProzessID>
 </x:nachrichtenkopf>
</x:Aussonderung.Aussonderung.0503>`

func TestReadHeader(t *testing.T) {
	cases := map[string]struct {
		doc  string
		want xoev.Header
	}{
		"xinneres-alt": {standesamt, xoev.Header{
			Dialect: xoev.XInneresAlt, Namespace: "http://xpsw.domap.de/xpsw2505", Element: "stA2MB.Probe.035010",
			UUID: "0f0e0d0c-0b0a-4908-8706-050403020100", Code: "035010", CodeList: "urn:x", CodeListVersion: "25.05", Created: "2025-04-01T08:00:00",
			Autor: xoev.Party{Kennung: "psw:09999002", Name: "Standesamt Probstadt"},
			Leser: xoev.Party{Kennung: "ags:09999001", Name: "Meldebehörde Probstadt"},
		}},
		"xdomea4": {archiv, xoev.Header{
			Dialect: xoev.Xdomea4, Namespace: "urn:xoev-de:xdomea:schema:4.0.0", Element: "Aussonderung.Aussonderung.0503",
			Standard: "xdomea", Version: "4.0.0", IsTest: true, UUID: "11111111-2222-4333-8444-555555555555",
			ProcessID: "22222222-2222-4333-8444-555555555555", Code: "0503", Created: "2025-04-01T08:00:00.000Z",
			Autor: xoev.Party{Name: "Amt\tfür\nProben"}, Leser: xoev.Party{Name: "Archiv Probstadt"},
		}},
		"header elsewhere": {`<a><b><nachrichtenkopf.g2g/></b></a>`, xoev.Header{Dialect: xoev.NoHeader, Element: "a"}},
		"header of XJustiz": {
			`<a xmlns="http://www.xjustiz.de"><nachrichtenkopf><aktenzeichen/></nachrichtenkopf></a>`,
			xoev.Header{Dialect: xoev.NoHeader, Namespace: "http://www.xjustiz.de", Element: "a"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := xoev.ReadHeader(strings.NewReader(c.doc), xmlguard.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAgreesAndNumber(t *testing.T) {
	for _, c := range []struct {
		element, code, number string
		agrees                bool
	}{
		{"fortschreibung.tod.0040", "0040", "0040", true},
		{"kommunal.Aktualisieren.0402", "0401", "0402", false},
		{"stA2MB.Sterbefall.035010", "035010", "035010", true},
		{"fortschreibung.tod.0040", "", "0040", true},
		{"ohne.nummer", "0040", "0040", false},
	} {
		h := xoev.Header{Element: c.element, Code: c.code}
		if h.Agrees() != c.agrees || h.Number() != c.number {
			t.Errorf("%s with %q: agrees %v, number %s", c.element, c.code, h.Agrees(), h.Number())
		}
	}
}

func TestReadListsCases(t *testing.T) {
	m, err := xoev.Read(strings.NewReader(`<r xmlns:p="urn:p"><p:fall><p:identifikation.ereignis>
	 <ereignis.zeitpunkt>2025-01-01T00:00:00Z</ereignis.zeitpunkt><ereignis.zeichen> A-1 </ereignis.zeichen>
	 </p:identifikation.ereignis></p:fall><identifikation.ereignis><ereignis.zeichen>A-2</ereignis.zeichen></identifikation.ereignis></r>`),
		xmlguard.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []xoev.Ereignis{{Zeitpunkt: "2025-01-01T00:00:00Z", Zeichen: "A-1"}, {Zeichen: "A-2"}}
	if diff := cmp.Diff(want, m.Ereignisse); diff != "" || m.Tree != nil {
		t.Error(diff, m.Tree)
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[string]string{
		"2026-03-02T09:15:00.123+01:00": "2026-03-02T09:15:00.123+01:00",
		"2026-07-02T09:15:00":           "2026-07-02T09:15:00.000+02:00", // no zone: Berlin, summer time
		"2018-02-20T13:14:21.0":         "2018-02-20T13:14:21.000+01:00",
		"2022-04-04T15:34:58Z":          "2022-04-04T17:34:58.000+02:00",
		"2024-11-01T10:00:00.000+00:02": "2024-11-01T10:58:00.000+01:00",
		"2026-03-31T24:00:00+02:00":     "2026-04-01T00:00:00.000+02:00",
		"2026-12-31T24:00:00.000":       "2027-01-01T00:00:00.000+01:00",
	} {
		parsed, err := xoev.ParseTime(in)
		if err != nil || xoev.FormatTime(parsed) != want {
			t.Errorf("%s: %s, %v", in, xoev.FormatTime(parsed), err)
		}
	}
	if _, err := xoev.ParseTime("gestern"); err == nil {
		t.Error("gestern is a time")
	}
}

// FuzzReadHeader: whatever is read, the row stays one line of 15 columns.
func FuzzReadHeader(f *testing.F) {
	f.Add(standesamt)
	f.Add(archiv)
	f.Add(`<r standard="S" version="1"><nachrichtenkopf.g2g><identifikation.nachricht/></nachrichtenkopf.g2g></r>`)
	f.Add(`<r><Kopf><ProzessID/><Nachrichtentyp/></Kopf></r>`)
	f.Fuzz(func(t *testing.T, doc string) {
		h, err := xoev.ReadHeader(strings.NewReader(doc), xmlguard.Limits{})
		if err != nil {
			return
		}
		row := xoev.Row("f", h)
		if strings.Count(row, "\t") != 14 || strings.ContainsAny(row, "\n\r") {
			t.Fatalf("row is %q", row)
		}
	})
}
