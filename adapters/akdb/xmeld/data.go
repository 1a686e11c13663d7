package xmeld

import (
	"encoding/json"
	"fmt"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// Eingegangen is the data of anmeldung-eingegangen: somebody applied to be
// registered at a new dwelling.
type Eingegangen struct {
	Person             Person         `json:"person"`
	BisherigeAnschrift *Anschrift     `json:"bisherigeAnschrift,omitempty"`
	Anschrift          Anschrift      `json:"anschrift"` // the new dwelling
	Einzug             string         `json:"einzug"`    // date
	Wohnungsstatus     string         `json:"wohnungsstatus"`
	Sperren            *Sperren       `json:"sperren,omitempty"`
	Kopf               *xoev.Kopf     `json:"kopf,omitempty"`
	Original           *xoev.Original `json:"original,omitempty"`
}

// Angenommen is the data of anmeldung-angenommen.
type Angenommen struct {
	Aktenzeichen      string         `json:"aktenzeichen"`
	Person            Person         `json:"person"`
	Anschrift         Anschrift      `json:"anschrift"`
	Einzug            PartDate       `json:"einzug"`
	Anmeldung         string         `json:"anmeldung"` // date
	Wohnungsstatus    string         `json:"wohnungsstatus"`
	Meldebestaetigung *xoev.Original `json:"meldebestaetigung,omitempty"`
	Ursprung          Ursprung       `json:"ursprung"`
	Kopf              *xoev.Kopf     `json:"kopf,omitempty"`
	Original          *xoev.Original `json:"original,omitempty"`
}

// Zurueckgewiesen is the data of anmeldung-zurueckgewiesen.
type Zurueckgewiesen struct {
	Aktenzeichen string         `json:"aktenzeichen"`
	Grund        Grund          `json:"grund"`
	Person       *Person        `json:"person,omitempty"`
	Bescheid     *xoev.Original `json:"bescheid,omitempty"` // the reasons, as PDF
	Ursprung     Ursprung       `json:"ursprung"`
	Kopf         *xoev.Kopf     `json:"kopf,omitempty"`
	Original     *xoev.Original `json:"original,omitempty"`
}

// Grund is why an application was refused. XMeld carries the code alone; the
// text is the code list's.
type Grund struct {
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// Person as far as the messages tell; results tell name and date of birth only.
type Person struct {
	Name                   Name     `json:"name"`
	Geburtsdatum           PartDate `json:"geburtsdatum,omitzero"`
	Geburtsort             string   `json:"geburtsort,omitempty"`
	Geschlecht             string   `json:"geschlecht,omitempty"`             // m, w, d, x
	Staatsangehoerigkeiten []string `json:"staatsangehoerigkeiten,omitempty"` // Destatis, 3 digits; 000 is German
	Familienstand          string   `json:"familienstand,omitempty"`          // DSMeld 1401: LD, VH, ...
}

// Name of a person. Vornamen is empty for somebody who rightly has none.
type Name struct {
	Familienname string `json:"familienname"`
	Vornamen     string `json:"vornamen,omitempty"`
	Doktorgrad   string `json:"doktorgrad,omitempty"`
}

// Anschrift is a dwelling in Germany.
type Anschrift struct {
	AGS              string `json:"ags"`
	Strasse          string `json:"strasse"`
	Hausnummer       string `json:"hausnummer,omitempty"`
	HausnummerZusatz string `json:"hausnummerZusatz,omitempty"`
	PLZ              string `json:"plz"`
	Ort              string `json:"ort"`
	Zusatz           string `json:"zusatz,omitempty"`
}

// Sperren are the blocks that must be honoured (§§ 51, 52 BMG and the rights to
// object); a block that is not set is left out.
type Sperren struct {
	Auskunftssperre       bool     `json:"auskunftssperre,omitempty"`
	BedingterSperrvermerk bool     `json:"bedingterSperrvermerk,omitempty"`
	Uebermittlungssperren []string `json:"uebermittlungssperren,omitempty"` // DSMeld 1801
}

// Ursprung names the message that a result answers.
type Ursprung struct {
	NachrichtenUUID      string `json:"nachrichtenUUID"`
	Code                 string `json:"code"`
	Erstellungszeitpunkt string `json:"erstellungszeitpunkt"`
}

// PartDate is a date of which part may be unknown: "1985-08-12", "1985-08",
// "1985", or "" for unknown, which is null in JSON.
type PartDate struct {
	Value string
	Given bool // false when the data does not have the field at all
}

// MarshalJSON implements json.Marshaler.
func (d PartDate) MarshalJSON() ([]byte, error) {
	if d.Value == "" {
		return []byte("null"), nil
	}
	return json.Marshal(d.Value)
}

// UnmarshalJSON implements json.Unmarshaler; it is called for null, too.
func (d *PartDate) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("date: %w", err)
	}
	*d = PartDate{Given: true}
	if s != nil {
		d.Value = *s
	}
	return nil
}
