package aenderungen

import (
	"regexp"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
)

// data of de.meldewesen.person-geaendert.v1.
type data struct {
	Gelesen   bool          `json:"gelesen"`
	Gruppen   *[]ewo.Gruppe `json:"gruppen,omitempty"` // empty: no difference; absent: not compared
	Erstmals  bool          `json:"erstmals,omitempty"`
	Person    *personData   `json:"person,omitempty"`
	Anschrift *anschrift    `json:"anschrift,omitempty"`
	Sperren   *sperren      `json:"sperren,omitempty"`
}

type personData struct {
	Name                   name     `json:"name"`
	Geburtsdatum           *string  `json:"geburtsdatum"` // null: unknown
	Staatsangehoerigkeiten []string `json:"staatsangehoerigkeiten,omitempty"`
	Verstorben             bool     `json:"verstorben,omitempty"`
}

type name struct {
	Familienname string `json:"familienname"`
	Vornamen     string `json:"vornamen,omitempty"`
	Doktorgrad   string `json:"doktorgrad,omitempty"`
}

type anschrift struct {
	AGS              string `json:"ags"`
	Strasse          string `json:"strasse"`
	Hausnummer       string `json:"hausnummer,omitempty"`
	HausnummerZusatz string `json:"hausnummerZusatz,omitempty"`
	PLZ              string `json:"plz"`
	Ort              string `json:"ort"`
	Zusatz           string `json:"zusatz,omitempty"`
}

type sperren struct {
	Auskunftssperre       bool `json:"auskunftssperre,omitempty"`
	BedingterSperrvermerk bool `json:"bedingterSperrvermerk,omitempty"`
}

// dataOf says what the settings allow. Blocks are told whenever the person was
// read: who the event may reach depends on them.
func (r *run) dataOf(entry *entry, p *ewo.Person) *data {
	d := &data{Gelesen: p != nil}
	if p == nil {
		return d
	}
	if entry.compared {
		groups := append([]ewo.Gruppe{}, entry.groups...)
		d.Gruppen = &groups
	} else {
		d.Erstmals = true
	}
	if s := p.Sperren(); s.Any() {
		d.Sperren = &sperren{Auskunftssperre: s.Auskunftssperre, BedingterSperrvermerk: s.Sperrvermerk}
	}
	if r.set.Anreichern == person {
		d.Person, d.Anschrift = mainData(p), mainAddress(p)
	}
	return d
}

// mainData is nil when the record has no family name.
func mainData(p *ewo.Person) *personData {
	d := &personData{
		Name:                   name{p.Familienname(), p.Vornamen(), p.Doktorgrad()},
		Staatsangehoerigkeiten: p.Staatsangehoerigkeiten(),
		Verstorben:             p.Verstorben(),
	}
	if d.Name.Familienname == "" {
		return nil
	}
	if born := p.Geburtsdatum(); born != "" {
		d.Geburtsdatum = &born
	}
	return d
}

var plzForm = regexp.MustCompile(`^[0-9]{5}$`)

// mainAddress is nil when there is no current main dwelling with a whole
// address.
func mainAddress(p *ewo.Person) *anschrift {
	w, ok := p.Hauptwohnung()
	a := w.Anschrift
	if !ok || !agsForm.MatchString(a.AGS) || !plzForm.MatchString(a.PLZ) || a.Strasse == "" || a.Ort == "" {
		return nil
	}
	return &anschrift{a.AGS, a.Strasse, a.Hausnummer, a.HausnummerZusatz, a.PLZ, a.Ort, a.Zusatz}
}
