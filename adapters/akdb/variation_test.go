package akdb_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

const (
	typeGeneric = "de.xoev.nachricht.v1"
	openHeader  = "{dir: ., poll: 1ms, source: 'urn:de:dvdv:', ohne-kennung: 'ags:09162000'}"
)

// utf16Text is a document as some editors save it.
func utf16Text(doc string) string {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(doc)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// xdomea4 is the header as facts/xoev.md §1.1 describes it, with its children in
// xdomea's namespace or in none.
func xdomea4(prefix, parties string) string {
	doc := `<xdomea:Aussonderung.Aussonderung.0503 xmlns:xdomea="urn:xoev-de:xdomea:schema:4.0.0"><xdomea:nachrichtenkopf>
<P:identifikation.nachricht><P:nachrichtenUUID>` + strings.ToUpper(uuidOf(1)) + `</P:nachrichtenUUID>
<P:nachrichtentyp listURI="urn:xoev-de:xdomea:codeliste:nachrichtentyp" listVersionID="1.0"><code>0503</code></P:nachrichtentyp>
<P:erstellungszeitpunkt>2026-03-02T09:15:00+01:00</P:erstellungszeitpunkt></P:identifikation.nachricht>` + parties + `
<xdomea:ProzessID>aaaaaaaa-0000-4000-8000-000000000042</xdomea:ProzessID></xdomea:nachrichtenkopf></xdomea:Aussonderung.Aussonderung.0503>`
	return strings.ReplaceAll(doc, "P:", prefix)
}

const archives = `<xdomea:leser><xdomea:NameInstitution><xdomea:Name>Archiv Probstadt</xdomea:Name></xdomea:NameInstitution></xdomea:leser>
<xdomea:autor><xdomea:NameInstitution><xdomea:Name>Amt Probstadt</xdomea:Name></xdomea:NameInstitution></xdomea:autor>`

// xdomeaKopf is the header of xdomea up to 3.1, its sender with a key or what
// stands there.
func xdomeaKopf(version, key string) string {
	return `<xdomea:Aussonderung.Anbieteverzeichnis.0501 xmlns:xdomea="urn:xoev-de:xdomea:schema:` + version + `"><xdomea:Kopf>
<xdomea:ProzessID>` + uuidOf(1) + `</xdomea:ProzessID><xdomea:Nachrichtentyp><code>0501</code></xdomea:Nachrichtentyp>
<xdomea:Erstellungszeitpunkt>2018-07-24T17:21:25</xdomea:Erstellungszeitpunkt><xdomea:Absender>` + key + `
<xdomea:Institution><xdomea:Name>Amt</xdomea:Name></xdomea:Institution></xdomea:Absender></xdomea:Kopf></xdomea:Aussonderung.Anbieteverzeichnis.0501>`
}

// TestVariations: what others may write differently from the samples at hand, and
// what must come of it by facts/xoev.md §1 and §7.2: an event with these
// attributes, or a refusal with this code.
func TestVariations(t *testing.T) {
	typed, plain := application(t, 1), generic(1)
	in := func(doc string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			doc = replace(doc, pairs[i], pairs[i+1])
		}
		return doc
	}
	_, body, _ := strings.Cut(plain, "?>\n")
	for name, c := range map[string]struct{ doc, want, standard, version, number string }{
		// namespaces and prefixes
		"next version":          {in(typed, "xmeld2511a", "xmeld2605", `version="25.11a"`, `version="26.05"`), xmeld.TypeEingegangen, "XMeld", "26.05", "1704"},
		"another prefix":        {in(typed, "xmeld:", "ns0:", "xmlns:xmeld", "xmlns:ns0"), xmeld.TypeEingegangen, "XMeld", "25.11a", "1704"},
		"default namespace":     {in(plain, "x:", "", "xmlns:x=", "xmlns=", "<nachrichtenkopf.g2g>", `<nachrichtenkopf.g2g xmlns="">`), typeGeneric, "XMeld", "25.11a", "0999"},
		"header qualified":      {in(plain, "x:", "", "xmlns:x=", "xmlns="), typeGeneric, "XMeld", "25.11a", "0999"},
		"declared inside":       {in(plain, "<x:fall>", `<y:fall xmlns:y="http://www.osci.de/xmeld2511a">`, "</x:fall>", "</y:fall>"), typeGeneric, "XMeld", "25.11a", "0999"},
		"short namespace":       {in(plain, "http://www.osci.de/xmeld2511a", "xwasser", `"XMeld"`, `"XWasser"`), typeGeneric, "XWasser", "25.11a", "0999"},
		"no namespace":          {in(plain, "x:", "", ` xmlns:x="http://www.osci.de/xmeld2511a"`, ""), "xoev-x001", "", "", ""},
		"unknown standard":      {in(plain, "http://www.osci.de/xmeld2511a", "urn:xoev-de:unbekannt:standard:xprobe_1.0", `"XMeld"`, `"XProbe"`, `"25.11a">`, `"1.0">`), typeGeneric, "XProbe", "1.0", "0999"},
		"no standard named":     {in(plain, ` standard="XMeld" version="25.11a"`, ""), typeGeneric, "<nil>", "<nil>", "0999"},
		"older XPersonenstand":  {in(plain, "http://www.osci.de/xmeld2511a", "http://xpsw.domap.de/xpsw2505", ` standard="XMeld" version="25.11a"`, "", "fortschreibung.probe.0999", "stA2MB.Probe.035990"), typeGeneric, "XPersonenstand", "25.05", "035990"},
		"an extension of AKDB":  {in(plain, "<x:fall>", `<xakdb:e xmlns:xakdb="http:/www.akdb.de/oesio/xmeldit/landesspezifischeErweiterungen"/><x:fall>`), typeGeneric, "XMeld", "25.11a", "0999"},
		"list of version 0":     {in(plain, `listVersionID="25.11a"`, `listVersionID="0"`), typeGeneric, "XMeld", "25.11a", "0999"},
		"schema location":       {in(plain, "produkt=", `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b" produkt=`), typeGeneric, "XMeld", "25.11a", "0999"},
		"empty type, root wins": {in(plain, "<code>0999</code>", "<code/>"), typeGeneric, "XMeld", "25.11a", "0999"},
		"other type, root wins": {in(plain, "<code>0999</code>", "<code>0401</code>"), typeGeneric, "XMeld", "25.11a", "0999"},
		"no number anywhere":    {in(plain, "<code>0999</code>", "<code/>", "probe.0999", "probe"), "xoev-x001", "", "", ""},
		// encodings and prolog
		"byte order mark":          {"\xef\xbb\xbf" + typed, xmeld.TypeEingegangen, "XMeld", "25.11a", "1704"},
		"UTF-16":                   {utf16Text(in(plain, "UTF-8", "UTF-16")), "xoev-s001", "", "", ""},
		"UTF-16 without a word":    {utf16Text(body), "xoev-s001", "", "", ""},
		"ISO-8859-1 declared":      {in(plain, "UTF-8", "ISO-8859-1"), "xoev-s001", "", "", ""},
		"ISO-8859-1, undeclared":   {in(body, "ö", "\xf6"), "xoev-s001", "", "", ""},
		"no declaration":           {body, typeGeneric, "XMeld", "25.11a", "0999"},
		"standalone, single quote": {"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\r\n" + body, typeGeneric, "XMeld", "25.11a", "0999"},
		"comments around":          {in(plain, "?>\n<x:", "?>\n<!-- a --><!-- <nachrichtenkopf.g2g/> -->\n<x:") + "<!-- b -->\n", typeGeneric, "XMeld", "25.11a", "0999"},
		"comments in the header":   {in(plain, "<nachrichtenkopf.g2g>", "<!-- a --><nachrichtenkopf.g2g><!-- b -->", "<name>Melde", "<name><!-- c -->Melde"), typeGeneric, "XMeld", "25.11a", "0999"},
		"CDATA in the header":      {in(plain, "<kennung>"+registerKey+"<", "<kennung><![CDATA["+registerKey+"]]><", uuidOf(1), "<![CDATA["+uuidOf(1)+"]]>"), typeGeneric, "XMeld", "25.11a", "0999"},
		"blanks in the header":     {in(plain, uuidOf(1), "\n\t "+strings.ToUpper(uuidOf(1))+" \n", "<code>0999", "<code>\n0999"), typeGeneric, "XMeld", "25.11a", "0999"},
		"stylesheet":               {in(plain, "?>\n<x:", "?>\n<?xml-stylesheet href='a.xsl'?>\n<x:"), "xoev-x000", "", "", ""},
		"document type":            {in(plain, "?>\n<x:", "?>\n<!DOCTYPE x>\n<x:"), "xoev-x000", "", "", ""},
		// what a header lacks, or has too much of
		"no reader":             {in(plain, "<leser><kennung>"+registerKey+"</kennung><name>Meldebehörde Isarstadt</name></leser>", ""), typeGeneric, "XMeld", "25.11a", "0999"},
		"no author":             {in(plain, "<autor><kennung>ags:09999001</kennung><name>Meldebehörde Probstadt</name></autor>", ""), typeGeneric, "XMeld", "25.11a", "0999"},
		"author without key":    {in(plain, "<kennung>ags:09999001</kennung>", ""), typeGeneric, "XMeld", "25.11a", "0999"},
		"author of no register": {in(plain, "ags:09999001", "09999001"), "xoev-s011", "", "", ""},
		"author beyond measure": {in(plain, "ags:09999001", "ags:"+strings.Repeat("9", 200)), "xoev-s011", "", "", ""},
		"name beyond measure":   {in(plain, "Meldebehörde Probstadt", strings.Repeat("Ä", 600)), typeGeneric, "XMeld", "25.11a", "0999"},
		"no id":                 {in(plain, "<nachrichtenUUID>"+uuidOf(1)+"</nachrichtenUUID>", ""), "xoev-x001", "", "", ""},
		"an id that is none":    {in(plain, uuidOf(1), "4711"), "xoev-x001", "", "", ""},
		"no time":               {in(plain, "<erstellungszeitpunkt>2026-03-02T09:15:00</erstellungszeitpunkt>", ""), "xoev-x001", "", "", ""},
		"time of a day":         {in(plain, "2026-03-02T09:15:00", "2026-03-02"), "xoev-x001", "", "", ""},
		"end of the day":        {in(plain, "2026-03-02T09:15:00", "2026-03-02T24:00:00"), typeGeneric, "XMeld", "25.11a", "0999"},
		"fine time":             {in(plain, "2026-03-02T09:15:00", "2026-03-02T09:15:00.1234567890123+01:00"), typeGeneric, "XMeld", "25.11a", "0999"},
		"header twice":          {in(plain, "<x:fall>", "<nachrichtenkopf.g2g><identifikation.nachricht/></nachrichtenkopf.g2g><x:fall>"), typeGeneric, "XMeld", "25.11a", "0999"},
		"header too deep":       {in(plain, "<nachrichtenkopf.g2g>", "<huelle><nachrichtenkopf.g2g>", "</nachrichtenkopf.g2g>", "</nachrichtenkopf.g2g></huelle>"), "xoev-x001", "", "", ""},
		"a case without a time": {in(plain, "<ereignis.zeitpunkt>2026-03-01T00:00:00</ereignis.zeitpunkt>", ""), typeGeneric, "XMeld", "25.11a", "0999"},
		"a long case":           {in(plain, "Z-1", strings.Repeat("Z", 101)), typeGeneric, "XMeld", "25.11a", "0999"},
		"test, empty":           {in(plain, "produkt=", `test="" produkt=`), typeGeneric, "XMeld", "25.11a", "0999"},
		"test, chatty":          {in(plain, "produkt=", `test="`+strings.Repeat("ja ", 100)+`" produkt=`), typeGeneric, "XMeld", "25.11a", "0999"},
		"two roots":             {plain + body, "xoev-x000", "", "", ""},
		"cut off":               {plain[:len(plain)-9], "xoev-x000", "", "", ""},
		"nothing":               {"", "xoev-x000", "", "", ""},
		// xdomea
		"xdomea 4, qualified":     {xdomea4("xdomea:", archives), typeGeneric, "xdomea", "4.0.0", "0503"},
		"xdomea 4, unqualified":   {xdomea4("", archives), typeGeneric, "xdomea", "4.0.0", "0503"},
		"xdomea 4, nobody named":  {xdomea4("xdomea:", ""), typeGeneric, "xdomea", "4.0.0", "0503"},
		"xdomea 3.1, no key":      {xdomeaKopf("3.1.0", ""), typeGeneric, "xdomea", "3.1.0", "0501"},
		"xdomea 2.4, half a key":  {xdomeaKopf("2.4.0", "<xdomea:Behoerdenkennung><xdomea:Kennung><code>LATh</code></xdomea:Kennung><xdomea:Praefix><code>lath</code></xdomea:Praefix></xdomea:Behoerdenkennung>"), typeGeneric, "xdomea", "2.4.0", "0501"},
		"xdomea 3.0, a long key":  {xdomeaKopf("3.0.0", "<xdomea:Behoerdenkennung><xdomea:Praefix><code>"+strings.Repeat("x", 101)+"</code></xdomea:Praefix></xdomea:Behoerdenkennung>"), "xoev-x001", "", "", ""},
		"xdomea 3.0, no DVDV key": {xdomeaKopf("3.0.0", "<xdomea:Behoerdenkennung><xdomea:Behoerdenschluessel><code>x</code></xdomea:Behoerdenschluessel><xdomea:Praefix><code>Landesarchiv</code></xdomea:Praefix></xdomea:Behoerdenkennung>"), typeGeneric, "xdomea", "3.0.0", "0501"},
	} {
		t.Run(name, func(t *testing.T) {
			events, aside := take(t, adaptertest.Env(t.TempDir()), openHeader, "m.xml", c.doc)
			if c.standard == "" {
				if len(events.Events()) != 0 || len(aside) != 1 || !strings.HasPrefix(aside[0], c.want+":") {
					t.Error(events.Events(), aside)
				}
				return
			}
			if len(events.Events()) != 1 {
				t.Fatal("set aside:", aside)
			}
			e := events.Events()[0]
			valid(t, e)
			got := fmt.Sprint(e.Type(), " ", e.Extensions()["xoevstandard"], " ", e.Extensions()["xoevversion"], " ", e.Extensions()["xoevmsgtype"])
			if want := strings.Join([]string{c.want, c.standard, c.version, c.number}, " "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if !strings.Contains(c.want+name, "xdomea 2") && !strings.Contains(name, "xdomea 3") && e.ID() != uuidOf(1) {
				t.Error("id", e.ID())
			}
		})
	}
}

// TestForeignHeader: with xdomea's header a message of another standard does not
// get xdomea's leniency.
func TestForeignHeader(t *testing.T) {
	kopf := func(absender, empfaenger string) string {
		plain := generic(1)
		before, rest, _ := strings.Cut(plain, "<nachrichtenkopf.g2g>")
		_, behind, _ := strings.Cut(rest, "</nachrichtenkopf.g2g>")
		key := func(k string) string {
			return "<Behoerdenkennung><Praefix><code>" + k + "</code></Praefix></Behoerdenkennung>"
		}
		return before + "<Kopf><ProzessID>" + uuidOf(1) + "</ProzessID><Nachrichtentyp><code>0999</code></Nachrichtentyp>" +
			"<Erstellungszeitpunkt>2026-03-02T09:15:00</Erstellungszeitpunkt><Absender>" + key(absender) + "</Absender><Empfaenger>" + key(empfaenger) + "</Empfaenger></Kopf>" + behind
	}
	readers := replace(openHeader, "ohne-kennung", "leser: ['ags:09162000'], ohne-kennung")
	for name, c := range map[string]struct{ yaml, doc, want string }{
		"reader that is none": {readers, kopf("ags:09999001", "ags 09184119"), "xoev-t080"},
		"author that is none": {openHeader, kopf("boese", ""), "xoev-"},
		"no UUID":             {openHeader, kopf("ags:09999001", ""), "xoev-x001"},
	} {
		in, aside := take(t, adaptertest.Env(t.TempDir()), c.yaml, "m.xml", c.doc)
		if len(in.Events()) != 0 || len(aside) != 1 || !strings.HasPrefix(aside[0], c.want) {
			t.Error(name, in.Events(), aside)
		}
	}
}

// TestNoTextInAttributes: what xdomea has in the place of a key may be anything.
func TestNoTextInAttributes(t *testing.T) {
	doc := xdomeaKopf("3.0.0", "<xdomea:Behoerdenkennung><xdomea:Praefix><code>Frau Erika Mustermann</code></xdomea:Praefix></xdomea:Behoerdenkennung>")
	in, aside := take(t, adaptertest.Env(t.TempDir()), openHeader, "m.xml", doc)
	if len(in.Events()) != 1 {
		t.Fatal(aside)
	}
	if got := fmt.Sprint(in.Events()[0].Extensions()); strings.Contains(got, "Erika") {
		t.Error(got)
	}
}
