package okkommsim

import (
	"encoding/xml"
	"strings"
	"text/template"
)

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// answerTemplate is a 1331 or 1333 after the recorded one, which found nobody; persons
// as the schema has them. Its values are escaped.
var answerTemplate = template.Must(template.New("answer").Funcs(template.FuncMap{"xml": escape}).Parse(`<?xml version="1.0" encoding="UTF-8"?>
<xmeld:{{.Element}} xmlns:xmeld="{{.Namespace}}" produkt="Amtsbote" produkthersteller="Amtsbote" standard="XMeld" version="{{.Version}}" test="Simulator">
 <nachrichtenkopf.g2g>
  <identifikation.nachricht><nachrichtenUUID>{{.UUID}}</nachrichtenUUID>
   <nachrichtentyp listURI="urn:de:xmeld:schluesseltabelle:xmeld.nachrichten" listVersionID="{{.Version}}"><code>{{.Code}}</code></nachrichtentyp>
   <erstellungszeitpunkt>{{.Zeit}}</erstellungszeitpunkt></identifikation.nachricht>
  <leser><verzeichnisdienst listVersionID="3"><code>DVDV</code></verzeichnisdienst><kennung>{{.Leser}}</kennung><name>{{.LeserName}}</name></leser>
  <autor><verzeichnisdienst listVersionID="3"><code>DVDV</code></verzeichnisdienst><kennung>{{.Autor}}</kennung><name>{{.AutorName}}</name>
   <erreichbarkeit><kanal listVersionID="3"><code>01</code></kanal><kennung>simulator@example.org</kennung></erreichbarkeit></autor>
 </nachrichtenkopf.g2g>
 <anschrift.autor><gebaeude><hausnummer>12</hausnummer><postleitzahl>80686</postleitzahl><strasse>Hansastraße</strasse><wohnort>München</wohnort></gebaeude></anschrift.autor>
 <xmeld:antwortSuchanfrage><xmeld:auskunft><xmeld:ergebnisstatus listURI="urn:xoev-de:xmeld:codeliste:datenabruf.ergebnisstatus" listVersionID="2"><code>{{.Status}}</code></xmeld:ergebnisstatus>{{range .Personen}}
  <xmeld:person><xmeld:personendaten>
   <xmeld:name><xmeld:familienname.unstrukturiert><xmeld:nachname><name>{{xml .Familienname}}</name></xmeld:nachname></xmeld:familienname.unstrukturiert><xmeld:vornamen><xmeld:vornamen><name>{{xml .Vornamen}}</name></xmeld:vornamen></xmeld:vornamen></xmeld:name>
   <xmeld:geburtsangaben><xmeld:geburt><xmeld:geburtsdatum><teilbekanntesDatum><jahrMonatTag>{{xml .Geburtsdatum}}</jahrMonatTag></teilbekanntesDatum></xmeld:geburtsdatum></xmeld:geburt></xmeld:geburtsangaben>{{if .Strasse}}
   <xmeld:wohnung><xmeld:anschrift><xmeld:anschrift.inland><xmeld:anschrift.inland><gemeindeschluessel listVersionID="2025-01-31"><code>{{xml .AGS}}</code></gemeindeschluessel>{{if .Hausnummer}}<hausnummer>{{xml .Hausnummer}}</hausnummer>{{end}}<postleitzahl>{{xml .PLZ}}</postleitzahl><strasse>{{xml .Strasse}}</strasse><wohnort>{{xml .Ort}}</wohnort></xmeld:anschrift.inland>{{if .Sperrvermerk}}<xmeld:bedingterSperrvermerk>true</xmeld:bedingterSperrvermerk>{{end}}</xmeld:anschrift.inland></xmeld:anschrift><xmeld:wohnung.aktuell>true</xmeld:wohnung.aktuell></xmeld:wohnung>{{end}}{{if .Verringert}}
   <xmeld:verringerterDatenumfang>true</xmeld:verringerterDatenumfang>{{end}}
  </xmeld:personendaten></xmeld:person>{{end}}</xmeld:auskunft></xmeld:antwortSuchanfrage>
 <xmeld:ursprungsnachricht><nachrichtenUUID>{{.Frage}}</nachrichtenUUID>
  <nachrichtentyp listURI="urn:de:xmeld:schluesseltabelle:xmeld.nachrichten" listVersionID="{{.Version}}"><code>{{.FrageCode}}</code></nachrichtentyp>
  <erstellungszeitpunkt>{{.FrageZeit}}</erstellungszeitpunkt></xmeld:ursprungsnachricht>
</xmeld:{{.Element}}>
`))
