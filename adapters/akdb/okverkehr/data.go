package okverkehr

import (
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
)

// data of de.kfz.halter-ermittelt.v1. It is the same for a vehicle that nobody
// knows and for one whose record is blocked, but for the id of the question.
type data struct {
	Anfrage auskunft.Anfrage `json:"anfrage"`

	AnfrageID string      `json:"anfrageid"`
	Stichtag  string      `json:"stichtag"`
	Gefunden  bool        `json:"gefunden"`
	Halter    *halterData `json:"halter,omitempty"`
}

type halterData struct {
	Name         *name      `json:"name,omitempty"`
	Organisation string     `json:"organisation,omitempty"`
	Anschrift    *anschrift `json:"anschrift,omitempty"`
}

type name struct {
	Familienname string `json:"familienname"`
	Vornamen     string `json:"vornamen,omitempty"`
}

type anschrift struct {
	Strasse    string `json:"strasse,omitempty"`
	Hausnummer string `json:"hausnummer,omitempty"`
	PLZ        string `json:"plz,omitempty"`
	Ort        string `json:"ort,omitempty"`
	AGS        string `json:"ags,omitempty"`
}

var agsForm = regexp.MustCompile(`^[0-9]{8}$`)

func dataOf(a Auskunft, day time.Time) data {
	d := data{AnfrageID: a.AnfrageID, Stichtag: day.Format(time.DateOnly), Gefunden: a.Halter != nil}
	h := a.Halter
	if h == nil {
		return d
	}
	d.Halter = &halterData{Name: nameOf(h), Organisation: joined(h.NameJuristischePerson, h.NameVereinigung)}
	at := anschrift{Strasse: h.Strasse, Hausnummer: h.Hausnummer, PLZ: h.Postleitzahl, Ort: h.Wohnort}
	if agsForm.MatchString(h.AGS) {
		at.AGS = h.AGS
	}
	if at != (anschrift{}) {
		d.Halter.Anschrift = &at
	}
	return d
}

// nameOf puts a single name into the family name; nil when there is none.
func nameOf(h *Halter) *name {
	n := name{Familienname: joined(h.Namensbestandteil, h.Nachname), Vornamen: strings.TrimSpace(h.Vorname)}
	if strings.TrimSpace(h.Nachname) == "" {
		n = name{Familienname: joined(h.Namensbestandteil, n.Vornamen)}
	}
	if n.Familienname == "" {
		return nil
	}
	return &n
}

func joined(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}
