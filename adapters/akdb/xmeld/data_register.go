package xmeld

import "github.com/amtsbote/amtsbote/adapters/akdb/xoev"

// Gesandt is the data of rueckmeldung-gesandt: the authority of the new home
// reports a move to that of the former home.
type Gesandt struct {
	Wegzugsbehoerde    xoev.Stelle    `json:"wegzugsbehoerde"`
	Zuzugsbehoerde     xoev.Stelle    `json:"zuzugsbehoerde"`
	NachrichtenUUID    string         `json:"nachrichtenUUID"`
	Gesandt            string         `json:"gesandt"` // date and time
	Ereignis           *xoev.Ereignis `json:"ereignis,omitempty"`
	Person             *Person        `json:"person,omitempty"`
	Anschrift          *Anschrift     `json:"anschrift,omitempty"` // the new dwelling
	BisherigeAnschrift *Anschrift     `json:"bisherigeAnschrift,omitempty"`
	Einzug             PartDate       `json:"einzug,omitzero"` // a day, or unknown
	Wohnungsstatus     string         `json:"wohnungsstatus,omitempty"`
	Sperren            *Sperren       `json:"sperren,omitempty"`
	Kopf               *xoev.Kopf     `json:"kopf,omitempty"`
	Original           *xoev.Original `json:"original,omitempty"`
}

// Ausgewertet is the data of rueckmeldung-ausgewertet. Abweichungen names groups
// of data that differ and never their values.
type Ausgewertet struct {
	Wegzugsbehoerde   xoev.Stelle    `json:"wegzugsbehoerde"`
	Zuzugsbehoerde    *xoev.Stelle   `json:"zuzugsbehoerde,omitempty"`
	Ursprung          Ursprung       `json:"ursprung"`
	Ausgewertet       string         `json:"ausgewertet"` // date and time
	Abweichungen      []string       `json:"abweichungen"`
	Ursprungsereignis *xoev.Ereignis `json:"ursprungsereignis,omitempty"`
	Ereignis          *xoev.Ereignis `json:"ereignis,omitempty"`
	Person            *Person        `json:"person,omitempty"`
	Anschrift         *Anschrift     `json:"anschrift,omitempty"` // under which the reader has the person
	Sperren           *Sperren       `json:"sperren,omitempty"`
	Kopf              *xoev.Kopf     `json:"kopf,omitempty"`
	Original          *xoev.Original `json:"original,omitempty"`
}

// TodFortgeschrieben is the data of tod-fortgeschrieben.
type TodFortgeschrieben struct {
	Leser     xoev.Stelle    `json:"leser"`
	Person    Person         `json:"person"`
	Anschrift *Anschrift     `json:"anschrift,omitempty"` // under which the reader has the person
	Sterbetag PartDate       `json:"sterbetag"`
	Sterbeort string         `json:"sterbeort,omitempty"`
	Nachweis  *Nachweis      `json:"nachweis,omitempty"`
	Sperren   *Sperren       `json:"sperren,omitempty"`
	Kopf      *xoev.Kopf     `json:"kopf,omitempty"`
	Original  *xoev.Original `json:"original,omitempty"`
}

// Nachweis is a document from which an authority knows something.
type Nachweis struct {
	Datum        string `json:"datum,omitempty"` // date
	Beschreibung string `json:"beschreibung,omitempty"`
	Behoerde     string `json:"behoerde,omitempty"`
	Aktenzeichen string `json:"aktenzeichen,omitempty"`
}

// AnschriftFortgeschrieben is the data of anschrift-fortgeschrieben.
type AnschriftFortgeschrieben struct {
	Leser              xoev.Stelle    `json:"leser"`
	Person             Person         `json:"person"`
	Anlass             string         `json:"anlass"` // code of XMeld
	BisherigeAnschrift Anschrift      `json:"bisherigeAnschrift"`
	Anschrift          Anschrift      `json:"anschrift"`
	AnschriftBeimLeser *Anschrift     `json:"anschriftBeimLeser,omitempty"`
	Ereignis           *xoev.Ereignis `json:"ereignis,omitempty"`
	Sperren            *Sperren       `json:"sperren,omitempty"`
	Kopf               *xoev.Kopf     `json:"kopf,omitempty"`
	Original           *xoev.Original `json:"original,omitempty"`
}
