package akdb_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

const blockedPerson = `<xmeld:auskunftssperre><xmeld:grund><code>1</code></xmeld:grund></xmeld:auskunftssperre>`

// TestBlocksOfOthers: a block of the partner or a child is in the event, or the
// original, which shows it, stays behind.
func TestBlocksOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		file, before, add string
		said, original    bool
	}{
		"partner in 1704": {
			"onlinedienste.anmeldung.meldeschein.1704", "<xmeld:ergaenzendeMeldedaten>",
			"<xmeld:weiterePerson><xmeld:partner>" + blockedPerson + "</xmeld:partner></xmeld:weiterePerson>", true, true,
		},
		"second person in 1707": {"onlinedienste.anmeldung.ergebnis.1707", "</xmeld:anmeldung>", "<xmeld:zuziehendePerson>" + blockedPerson + "</xmeld:zuziehendePerson>", false, false},
		"nobody in 1707":        {"onlinedienste.anmeldung.ergebnis.1707", "</xmeld:anmeldung>", "", false, true},
		"somebody in 0300":      {"anmeldung.datenanforderung.0300", "</xmeld:betroffene>", blockedPerson, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			message := strings.Replace(sampleText(t, "xmeld/synthetic/"+c.file+".xml"), c.before, c.add+c.before, 1)
			if c.add != "" && !strings.Contains(message, c.add) {
				t.Fatal("the message is built otherwise")
			}
			d := dataOf(t, only(t, message))
			if _, said := d["sperren"]; said != c.said {
				t.Errorf("sperren is %v", d["sperren"])
			}
			if _, original := d["original"]; original != c.original {
				t.Errorf("original is %v", d["original"])
			}
		})
	}
}

// TestBlocksInNotices: an Anzeige tells the blocks that its original shows.
func TestBlocksInNotices(t *testing.T) {
	for _, name := range []string{"geburtsanzeige.081020.xml", "sterbeanzeige.084020.xml"} {
		message := own(t, name)
		end := strings.LastIndex(message, "</")
		d := dataOf(t, only(t, message[:end]+`<auskunftssperre>true</auskunftssperre>`+message[end:]))
		if d["sperren"] == nil || d["original"] == nil {
			t.Errorf("%s: sperren %v, original %v", name, d["sperren"], d["original"])
		}
	}
}

// TestBlocksBroughtBack: what came back in base64 may have a block that nobody saw.
func TestBlocksBroughtBack(t *testing.T) {
	const block = "map[auskunftssperre:true]"
	for _, element := range []string{"administration.returntosender.0910", "rueckweisung.fremd.0010", "datenabrufe.aussteuerung.suchanfrage.1322"} {
		e := only(t, strings.ReplaceAll(generic(3), "fortschreibung.probe.0999", element))
		if got := fmt.Sprint(dataOf(t, e)["sperren"]); got != block {
			t.Errorf("%s: sperren is %s", element, got)
		}
	}
	for content, want := range map[string]string{"no XML": block, generic(3): "<nil>"} {
		v := envelope(9, register, portal)
		back, err := xmeld.WriteRueckweisung(v, &xmeld.Zurueckweisung{Gruende: []xmeld.Rueckweisgrund{{Code: "X000"}}}, []byte(generic(3)))
		if err != nil {
			t.Fatal(err)
		}
		start, end := strings.Index(string(back), "<nachricht>"), strings.Index(string(back), "</nachricht>")
		e := only(t, string(back[:start])+"<nachricht>"+base64.StdEncoding.EncodeToString([]byte(content))+string(back[end:]))
		if got := fmt.Sprint(dataOf(t, e)["sperren"]); got != want {
			t.Errorf("%.6s: sperren is %s", content, got)
		}
	}
}

// TestPersonsWithoutCase: persons are numbered as their cases are, or the case of
// another person would be cut out of the original.
func TestPersonsWithoutCase(t *testing.T) {
	message := own(t, "rueckmeldung-drei-personen.0201.xml")
	const open, end = "<xmeld:identifikation.ereignis>", "</xmeld:identifikation.ereignis>"
	i, j := strings.Index(message, open), strings.Index(message, end)+len(end)
	if i < 0 {
		t.Fatal("the message is built otherwise")
	}
	once := message[i:j]
	for name, content := range map[string]string{
		"no case": message[:i] + message[j:], "two cases": message[:j] + once + message[j:],
	} {
		in, aside := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", content)
		if len(in.Events()) != 0 || len(aside) != 1 || !strings.HasPrefix(aside[0], "xoev-x001") {
			t.Errorf("%s: %d events, set aside %q", name, len(in.Events()), aside)
		}
	}
}
