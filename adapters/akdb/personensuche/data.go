package personensuche

import (
	"maps"
	"slices"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

// The outcomes of a search.
const (
	gefunden      = "gefunden"
	nichtGefunden = "nicht-gefunden"
	mehrdeutig    = "mehrdeutig"
)

// data of de.meldewesen.person-ermittelt.v1.
type data struct {
	Anfrage auskunft.Anfrage `json:"anfrage"`

	Ergebnis  string           `json:"ergebnis"`
	Person    *person          `json:"person,omitempty"`
	Anschrift *xmeld.Anschrift `json:"anschrift,omitempty"`
	Sperren   *xmeld.Sperren   `json:"sperren,omitempty"`
}

type person struct {
	Name                   *xmeld.Name    `json:"name,omitempty"`
	Geburtsdatum           xmeld.PartDate `json:"geburtsdatum,omitzero"`
	Geschlecht             string         `json:"geschlecht,omitempty"`
	Staatsangehoerigkeiten []string       `json:"staatsangehoerigkeiten,omitempty"`
	Verstorben             bool           `json:"verstorben,omitempty"`
}

// The fields that can be asked for (setting felder).
const (
	feldName         = "name"
	feldGeburtsdatum = "geburtsdatum"
	feldGeschlecht   = "geschlecht"
	feldStaat        = "staatsangehoerigkeiten"
	feldVerstorben   = "verstorben"
	feldAnschrift    = "anschrift"
)

// codes by which a 1330 asks for a field (XMeld 25.11a, code list
// personensuche.anforderungselement).
var codes = map[string][]string{
	feldName:         {"1", "7", "10"},
	feldGeburtsdatum: {"13"},
	feldGeschlecht:   {"19"},
	feldStaat:        {"41"},
	feldVerstorben:   {"172"},
	feldAnschrift:    {"44", "45", "46", "48", "49", "50", "51", "52", "53", "55"},
}

func felder() []string { return slices.Sorted(maps.Keys(codes)) }

func elemente(felder []string) (all []string) {
	for _, f := range felder {
		all = append(all, codes[f]...)
	}
	return all
}

// only takes out what was not asked for, whatever the register sent. Blocks stay.
func (d *data) only(felder []string) *data {
	without := func(feld string) bool { return !slices.Contains(felder, feld) }
	if without(feldAnschrift) {
		d.Anschrift = nil
	}
	p := d.Person
	if p == nil {
		return d
	}
	if without(feldName) {
		p.Name = nil
	}
	if without(feldGeburtsdatum) {
		p.Geburtsdatum = xmeld.PartDate{}
	}
	if without(feldGeschlecht) {
		p.Geschlecht = ""
	}
	if without(feldStaat) {
		p.Staatsangehoerigkeiten = nil
	}
	if without(feldVerstorben) {
		p.Verstorben = false
	}
	return d
}

// toldOf is what an asker may know: unless told of blocks, that nobody was found where
// anybody in the answer has one. An event that the hub held back for its mark would tell
// of the block by its absence.
func (d *data) toldOf(gesperrte string) *data {
	if d.Sperren == nil || gesperrte == mitKennzeichen {
		return d
	}
	return &data{Ergebnis: nichtGefunden}
}
