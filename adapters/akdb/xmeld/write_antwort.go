package xmeld

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// WriteRueckweisung builds a 0010 of XInneres-Rückweisung 6 that sends a message
// back. nachricht is that message, byte for byte, which XInneres demands.
func WriteRueckweisung(v Envelope, d *Zurueckweisung, nachricht []byte) ([]byte, error) {
	if err := d.check(nachricht); err != nil {
		return nil, err
	}
	kids := each(d.Gruende, func(g Rueckweisgrund) elem { return g.elem("rueckweisungsgrund") })
	kids = append(kids, d.transport())
	kids = append(kids, each(d.Faelle, func(f Zurueckgewiesner) elem {
		gruende := each(f.Gruende, func(g Rueckweisgrund) elem { return g.elem("grund") })
		return el("nichtVerarbeitbarerEinzelfall", append([]elem{v.ereignisElem("identifikation.ereignis", &f.Ereignis)}, gruende...)...)
	})...)
	kids = append(kids, d.idNachricht(nachricht), tx("nachricht", base64.StdEncoding.EncodeToString(nachricht)))
	return v.messageOf(xinneresEdition, "rueckweisung.asynchron", Rueckweisung, el("rueckweisung", kids...))
}

func (g Rueckweisgrund) elem(element string) elem {
	kids := []elem{cd("grund", listFehler, g.Code)}
	angaben := g.Angaben
	if len(angaben) == 0 && g.Code == "S999" {
		angaben = []string{g.Text} // S999 says nothing by itself
	}
	kids = append(kids, each(angaben, func(a string) elem { return el("grundSpezifisch", tx("fehlerbeschreibung", a)) })...)
	return el(element, kids...)
}

func (d *Zurueckweisung) transport() elem {
	if d.Transportnachricht == "" {
		return elem{}
	}
	return el("transportinformationen", tx("nachrichtenId", d.Transportnachricht))
}

// idNachricht names the message sent back as its own header does, if it can be
// read.
func (d *Zurueckweisung) idNachricht(nachricht []byte) elem {
	h, err := xoev.ReadHeader(bytes.NewReader(nachricht), xmlguard.Limits{})
	if err != nil || !uuidForm.MatchString(h.UUID) || h.Code == "" || h.CodeList == "" {
		return elem{}
	}
	if _, err := xoev.ParseTime(h.Created); err != nil {
		return elem{}
	}
	return el("idNachricht",
		tx("nachrichtenUUID", h.UUID),
		cd("nachrichtentyp", list{h.CodeList, or(h.CodeListVersion, "0")}, h.Code),
		tx("erstellungszeitpunkt", xoev.WithZone(h.Created)),
	)
}

func (d *Zurueckweisung) check(nachricht []byte) error {
	if len(nachricht) == 0 {
		return unmappable("nachricht", "is missing, and XInneres 0010 demands the message that is sent back")
	}
	errs := []error{checkGruende(d.Gruende, "gruende")}
	for i, f := range d.Faelle {
		field := fmt.Sprintf("faelle[%d]", i)
		errs = append(errs, checkEreignis(&f.Ereignis, field+".ereignis"), checkGruende(f.Gruende, field+".gruende"))
	}
	return errors.Join(errs...)
}

func checkGruende(all []Rueckweisgrund, field string) error {
	if len(all) == 0 {
		return unmappable(field, "are missing")
	}
	for _, g := range all {
		if fehlercodes[g.Code] == "" {
			return unmappable(field, "have a code that is none of the list fehlercodes")
		}
		if g.Code == "S999" && len(g.Angaben) == 0 && g.Text == "" {
			return unmappable(field, "have S999 without saying what is wrong")
		}
	}
	return nil
}
