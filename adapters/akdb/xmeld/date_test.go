package xmeld_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// TestDateOfSeveralForms: a date that is given twice reads the same every time.
func TestDateOfSeveralForms(t *testing.T) {
	const message = `<x:anmeldung.datenanforderung.0300 xmlns:x="urn:x" standard="XMeld"><betroffene><identifikation.person>
 <name><ehename.unstrukturiert><name>Zaunkönig</name></ehename.unstrukturiert></name>
 <geburt><geburtsdatum><teilbekanntesDatum><jahr>1985</jahr><jahrMonat>1985-08</jahrMonat><jahrMonatTag>1985-08-12</jahrMonatTag></teilbekanntesDatum></geburtsdatum></geburt>
</identifikation.person></betroffene><anwenderkennung>1</anwenderkennung></x:anmeldung.datenanforderung.0300>`
	m, err := xoev.Read(strings.NewReader(message), xmlguard.Limits{}, xmeld.Typed)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		d, err := xmeld.ReadAnforderung(m)
		if err != nil || d.Personen[0].Geburtsdatum.Value != "1985-08-12" {
			t.Fatal(d, err)
		}
	}
}
