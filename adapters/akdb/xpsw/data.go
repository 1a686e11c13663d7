package xpsw

import (
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// Person as the notices tell; which fields there are depends on the event type.
type Person struct {
	Name         *xmeld.Name      `json:"name,omitempty"`
	Geburtsdatum xmeld.PartDate   `json:"geburtsdatum"`
	Geburtsort   string           `json:"geburtsort,omitempty"`
	Geschlecht   string           `json:"geschlecht,omitempty"`
	Anschrift    *xmeld.Anschrift `json:"anschrift,omitempty"`
}

// Eintrag is an entry in a register of civil status.
type Eintrag struct {
	Standesamt xoev.Stelle `json:"standesamt"`
	Nummer     string      `json:"nummer"`
}

// Beurkundet is the data of geburt.beurkundet.
type Beurkundet struct {
	Meldebehoerde     xoev.Stelle    `json:"meldebehoerde"`
	Eintrag           Eintrag        `json:"eintrag"`
	Kind              Person         `json:"kind"`
	Mutter            Person         `json:"mutter"` // elternteil1, as a rule the mother
	AndererElternteil *Person        `json:"andererElternteil,omitempty"`
	Sperren           *xmeld.Sperren `json:"sperren,omitempty"`
	Kopf              *xoev.Kopf     `json:"kopf,omitempty"`
	Original          *xoev.Original `json:"original,omitempty"`
}

// Gestorben is the data of tod.beurkundet.
type Gestorben struct {
	Meldebehoerde xoev.Stelle      `json:"meldebehoerde"`
	Eintrag       Eintrag          `json:"eintrag"`
	Person        Person           `json:"person"`
	Anschrift     *xmeld.Anschrift `json:"anschrift,omitempty"`
	Sterbetag     xmeld.PartDate   `json:"sterbetag"`
	Sterbeort     string           `json:"sterbeort,omitempty"`
	Sperren       *xmeld.Sperren   `json:"sperren,omitempty"`
	Kopf          *xoev.Kopf       `json:"kopf,omitempty"`
	Original      *xoev.Original   `json:"original,omitempty"`
}

// Geburtsmeldung is the data of geburt.angezeigt.
type Geburtsmeldung struct {
	Standesamt  xoev.Stelle    `json:"standesamt"`
	Kind        Person         `json:"kind"`
	Geburtszeit string         `json:"geburtszeit,omitempty"` // 15:04
	Geburtsort  string         `json:"geburtsort"`
	Mutter      Person         `json:"mutter"`
	Anzeigender string         `json:"anzeigender"` // an institution, no person
	Angezeigt   string         `json:"angezeigt"`   // date and time
	Sperren     *xmeld.Sperren `json:"sperren,omitempty"`
	Kopf        *xoev.Kopf     `json:"kopf,omitempty"`
	Original    *xoev.Original `json:"original,omitempty"`
}

// Sterbemeldung is the data of tod.angezeigt.
type Sterbemeldung struct {
	Standesamt  xoev.Stelle    `json:"standesamt"`
	Person      Person         `json:"person"`
	Sterbetag   xmeld.PartDate `json:"sterbetag"`
	Sterbezeit  string         `json:"sterbezeit,omitempty"` // 15:04
	Sterbeort   string         `json:"sterbeort"`
	Anzeigender string         `json:"anzeigender"` // an institution, no person
	Angezeigt   string         `json:"angezeigt"`   // date and time
	Sperren     *xmeld.Sperren `json:"sperren,omitempty"`
	Kopf        *xoev.Kopf     `json:"kopf,omitempty"`
	Original    *xoev.Original `json:"original,omitempty"`
}
