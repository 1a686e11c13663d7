package xmeld

import "github.com/amtsbote/amtsbote/adapters/akdb/xoev"

// Angefordert is the data of meldeschein-angefordert: who asks the authority of
// the former home for the pre-filled form, and for whom.
type Angefordert struct {
	Wegzugsbehoerde  xoev.Stelle       `json:"wegzugsbehoerde"`
	Zuzugsbehoerde   xoev.Stelle       `json:"zuzugsbehoerde"`
	Anwenderkennung  string            `json:"anwenderkennung"`
	Personen         []Gesucht         `json:"personen"`
	Wegzugsanschrift *Wegzugsanschrift `json:"wegzugsanschrift,omitempty"`
	Kopf             *xoev.Kopf        `json:"kopf,omitempty"`
	Original         *xoev.Original    `json:"original,omitempty"`
}

// Gesucht is a person that is asked for.
type Gesucht struct {
	Name         Name     `json:"name"`
	Geburtsdatum PartDate `json:"geburtsdatum"`
}

// Wegzugsanschrift is a former dwelling as far as it is known.
type Wegzugsanschrift struct {
	AGS              string `json:"ags,omitempty"`
	Strasse          string `json:"strasse,omitempty"`
	Hausnummer       string `json:"hausnummer,omitempty"`
	HausnummerZusatz string `json:"hausnummerZusatz,omitempty"`
	PLZ              string `json:"plz,omitempty"`
	Zusatz           string `json:"zusatz,omitempty"`
}

// Bereitgestellt is the data of meldeschein-bereitgestellt, the answer.
type Bereitgestellt struct {
	Wegzugsbehoerde xoev.Stelle    `json:"wegzugsbehoerde"`
	Zuzugsbehoerde  xoev.Stelle    `json:"zuzugsbehoerde"`
	Personen        []Gefunden     `json:"personen"`
	Ursprung        Ursprung       `json:"ursprung"`
	Sperren         *Sperren       `json:"sperren,omitempty"` // of any of the persons
	Kopf            *xoev.Kopf     `json:"kopf,omitempty"`
	Original        *xoev.Original `json:"original,omitempty"`
}

// Gefunden is the answer about one person: what was searched for, and, when
// somebody was found, what the register knows.
type Gefunden struct {
	Status                 string     `json:"status"` // code of XMeld; 01: found
	Name                   Name       `json:"name"`
	Geburtsdatum           PartDate   `json:"geburtsdatum"`
	Geschlecht             string     `json:"geschlecht,omitempty"`
	Staatsangehoerigkeiten []string   `json:"staatsangehoerigkeiten,omitempty"`
	Familienstand          string     `json:"familienstand,omitempty"`
	Anschrift              *Anschrift `json:"anschrift,omitempty"`
}

// Mitgeteilt is the data of anmeldestatus-mitgeteilt.
type Mitgeteilt struct {
	Aktenzeichen string         `json:"aktenzeichen"`
	Status       Grund          `json:"status"`
	Fristende    string         `json:"fristende,omitempty"` // date
	Person       *Person        `json:"person,omitempty"`
	Dokument     *xoev.Original `json:"dokument,omitempty"` // letter to the person, PDF
	Ursprung     Ursprung       `json:"ursprung"`
	Kopf         *xoev.Kopf     `json:"kopf,omitempty"`
	Original     *xoev.Original `json:"original,omitempty"`
}
