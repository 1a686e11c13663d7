package okkommsim

import (
	"bytes"
	"errors"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Person is somebody whom a 1330 may find.
type Person struct {
	Familienname string `json:"familienname"`
	Vornamen     string `json:"vornamen"`
	Geburtsdatum string `json:"geburtsdatum"` // 1985-08-12
	AGS          string `json:"ags"`
	PLZ          string `json:"plz"`
	Ort          string `json:"ort"`
	Strasse      string `json:"strasse"`
	Hausnummer   string `json:"hausnummer"`
	// Auskunftssperre has the register answer as if nobody were found (03).
	Auskunftssperre bool `json:"auskunftssperre"`
	// Sperrvermerk marks the address (bedingterSperrvermerk).
	Sperrvermerk bool `json:"sperrvermerk"`
	// Verringert has the register say that it withholds something
	// (verringerterDatenumfang).
	Verringert bool `json:"verringert"`
}

// Put enters a person.
func (s *Server) Put(p Person) error {
	if p.Familienname == "" || p.Vornamen == "" || len(p.Geburtsdatum) != 10 || len(p.AGS) != 8 {
		return errors.New("person: familienname, vornamen, geburtsdatum (1985-08-12) and ags (8 digits) are needed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.persons = append(s.persons, p)
	return nil
}

// find gives whom a 1330 finds, and the code of datenabruf.ergebnisstatus: 01 one
// person, 02 several, 03 nobody or a block.
func (s *Server) find(question []byte) (found []Person, status string) {
	doc, err := xmlguard.Read(bytes.NewReader(question), xmlguard.Limits{}, func(int, *xmlguard.Element) bool { return true })
	if err != nil {
		return nil, "03"
	}
	want := doc.Root.At("suchprofil", "auswahldaten")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.persons {
		if p.fits(want) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0 || len(found) == 1 && found[0].Auskunftssperre:
		return nil, "03"
	case len(found) == 1:
		return found, "01"
	}
	return found, "02"
}

func (p Person) fits(want *xmlguard.Element) bool {
	name := want.At("name", "name", "nachnameUndVornamen")
	if !strings.EqualFold(p.Familienname, name.Value("nachname", "name")) || !strings.EqualFold(p.Vornamen, name.Value("vornamen", "name")) {
		return false
	}
	born := want.At("geburtsdatum", "geburtsdatum", "teilbekanntesDatum")
	for _, part := range []string{"jahrMonatTag", "jahrMonat", "jahr"} {
		if v := born.Value(part); v != "" && !strings.HasPrefix(p.Geburtsdatum, v) {
			return false
		}
	}
	return p.AGS == want.Value("anschrift", "gemeindeschluessel", "code")
}
