// Package xdomea writes the two messages by which an authority hands records to
// an archive, as xdomea 3.0.0 or 3.1.0 has them: 0501 (Anbieteverzeichnis) and
// 0503 (Aussonderung), each in its ZIP container.
package xdomea

import "github.com/amtsbote/amtsbote/adapters/akdb/xoev"

// Types of the events that become such messages.
const (
	TypeAngeboten  = "de.eakte.aussonderung-angeboten.v1"
	TypeUebergeben = "de.eakte.aussonderung-uebergeben.v1"
)

// Numbers and names of the messages.
const (
	Anbieteverzeichnis = "0501"
	Aussonderung       = "0503"
)

var names = map[string]string{
	Anbieteverzeichnis: "Aussonderung.Anbieteverzeichnis",
	Aussonderung:       "Aussonderung.Aussonderung",
}

// Versions that can be written.
var Versions = []string{"3.0.0", "3.1.0"}

// Abgabe is the data of both events.
type Abgabe struct {
	Prozess    string         `json:"prozess"` // ProzessID, a UUID
	Absender   Stelle         `json:"absender"`
	Empfaenger Stelle         `json:"empfaenger"`
	Schriftgut []Objekt       `json:"schriftgut"`
	Original   *xoev.Original `json:"original,omitempty"`
}

// Stelle is who gives or gets.
type Stelle struct {
	Name    string `json:"name"`
	Kennung string `json:"kennung,omitempty"` // DVDV key
}

// Objekt is a file (akte), a case (vorgang) or a document (dokument).
type Objekt struct {
	ID               string     `json:"id"`
	Art              string     `json:"art"`
	Kennzeichen      string     `json:"kennzeichen,omitempty"`
	Betreff          string     `json:"betreff,omitempty"`
	Aktenplaneinheit string     `json:"aktenplaneinheit,omitempty"`
	Laufzeit         Laufzeit   `json:"laufzeit,omitzero"`
	Dokumente        []Dokument `json:"dokumente,omitempty"`
}

// Laufzeit is from the first to the last day of work on it.
type Laufzeit struct {
	Beginn string `json:"beginn,omitempty"`
	Ende   string `json:"ende,omitempty"`
}

// Dokument is one document; its file travels in a 0503 only.
type Dokument struct {
	ID          string         `json:"id"`
	Betreff     string         `json:"betreff,omitempty"`
	Kennzeichen string         `json:"kennzeichen,omitempty"`
	Datum       string         `json:"datum,omitempty"`
	Dateiname   string         `json:"dateiname,omitempty"`
	Dateiformat string         `json:"dateiformat,omitempty"` // code list dateiformat
	Datei       *xoev.Original `json:"datei,omitempty"`
}
