package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The federation: one operator with an application that sends for 20
// authorities, five receivers, three types. Half of the events are of the first
// type, which two receivers get; that makes 1.5 copies an event.
const sources = 20

var types = []string{"de.probe.zuzug.v1", "de.probe.gewerbe.v1", "de.probe.antrag.v1"}

// copiesOf tells how many copies an event of types[i] makes.
var copiesOf = []int{2, 1, 1}

// writeFederation writes it to dir; cut has one receiver of each event get three
// of its five fields only, and open lets as many events in by HTTP as come.
func writeFederation(t *testing.T, dir string, cut, open bool) {
	t.Helper()
	disclosed := "all"
	if cut {
		disclosed = "[/vorgangsnummer, /eingang, /ort]"
	}
	files := map[string]string{
		"federation.yaml":         "name: Messung\nenvironment: test\n",
		"organisations/amt.yaml":  senders(open),
		"organisations/ziel.yaml": receivers,
	}
	for _, a := range []struct {
		name, to, typ, disclosed string
		first, last              int
	}{
		{"zuzug-eins", "eins", types[0], disclosed, 1, sources},
		{"zuzug-zwei", "zwei", types[0], "all", 1, sources},
		{"gewerbe", "drei", types[1], disclosed, 1, sources},
		{"antrag-nord", "vier", types[2], disclosed, 1, sources / 2},
		{"antrag-sued", "fuenf", types[2], disclosed, sources/2 + 1, sources},
	} {
		for k := a.first; k <= a.last; k++ {
			id := fmt.Sprintf("%s-%02d", a.name, k)
			files["agreements/"+id+".yaml"] = fmt.Sprintf(agreement, id, authority(k), a.to, a.typ, a.disclosed)
		}
	}
	for _, typ := range types {
		at := "schemas/" + typ + "/"
		files[at+"schema.json"] = strings.ReplaceAll(schema, "TYPE", typ)
		files[at+"valid/eins.json"], files[at+"valid/zwei.json"] = payload(1, 300), payload(2, 1000)
		for _, f := range flaws {
			files[at+"invalid/"+f.name+".json"] = f.spoil(payload(3, 300))
		}
		files[at+"invalid.json"] = flawList()
	}
	writeFiles(t, dir, files)
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func authority(k int) string { return fmt.Sprintf("ags:%08d", k) }

func source(k int) string { return fmt.Sprintf("urn:probe:%02d", k) }

func senders(open bool) string {
	var keys, prefixes strings.Builder
	for k := 1; k <= sources; k++ {
		fmt.Fprintf(&keys, "  - {key: %q, name: Gemeinde %d, contract: AVV-%d}\n", authority(k), k, k)
		fmt.Fprintf(&prefixes, "      - {prefix: %q, authority: %q}\n", source(k), authority(k))
	}
	limits, own := "", ""
	if open {
		limits, own = "limits: {rate: 1000000}\n", "    limits: {rate: 1000000, body: 4MiB}\n"
	}
	return "id: amt\nname: Amt\nrole: operator\nquota: 8GiB\n" + limits + "authorities:\n" + keys.String() +
		"applications:\n  - id: amt.fach\n    title: Fach\n" + own + "    sources:\n" + prefixes.String()
}

const receivers = `id: ziel
name: Ziel
role: authority
authorities:
  - {key: "ags:00000099", name: Ziel}
applications:
  - {id: ziel.eins, title: Eins, mailbox: {mode: nats}}
  - {id: ziel.zwei, title: Zwei, mailbox: {mode: nats}}
  - {id: ziel.drei, title: Drei, mailbox: {mode: nats}}
  - {id: ziel.vier, title: Vier, mailbox: {mode: nats}}
  - {id: ziel.fuenf, title: Fünf, mailbox: {mode: nats}}
`

const agreement = `id: %s
title: Messung
from: {application: amt.fach, authority: "%s"}
to: [{application: ziel.%s, authority: "ags:00000099"}]
types: [%s]
law: DSGVO-6-1e
purpose: Messung
disclose: %s
valid: {from: 2026-01-01}
`

// schema has what real ones have: patterns, enumerations, limits, a reference,
// an array of objects. What is released is removed at once (x-keep).
const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "urn:amtsbote:schema:TYPE",
  "title": "Messung",
  "type": "object",
  "additionalProperties": false,
  "x-nicht-personenbezogen": true,
  "x-keep": "P0D",
  "required": ["vorgangsnummer", "eingang", "ort", "betrieb", "anlagen"],
  "properties": {
    "vorgangsnummer": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}-[0-9]{6}$"},
    "eingang": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"},
    "ort": {"$ref": "#/$defs/ort"},
    "betrieb": {
      "type": "object",
      "additionalProperties": false,
      "required": ["bezeichnung", "zweig"],
      "properties": {
        "bezeichnung": {"type": "string", "minLength": 3, "maxLength": 400},
        "zweig": {"type": "string", "pattern": "^[0-9]{2}\\.[0-9]{2}$"},
        "beschaeftigte": {"type": "integer", "minimum": 0, "maximum": 100000},
        "nebenerwerb": {"type": "boolean"},
        "sitz": {"$ref": "#/$defs/ort"}
      }
    },
    "anlagen": {
      "type": "array",
      "maxItems": 200,
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "name", "mimetype", "groesse", "sha256"],
        "properties": {
          "id": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
          "name": {"type": "string", "minLength": 1, "maxLength": 120},
          "mimetype": {"enum": ["application/pdf", "image/png", "image/jpeg", "text/xml"]},
          "groesse": {"type": "integer", "minimum": 1, "maximum": 104857600},
          "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}
        }
      }
    }
  },
  "$defs": {
    "ort": {
      "type": "object",
      "additionalProperties": false,
      "required": ["strasse", "hausnummer", "plz", "ort"],
      "properties": {
        "strasse": {"type": "string", "minLength": 1, "maxLength": 80},
        "hausnummer": {"type": "string", "pattern": "^[0-9]{1,4}[a-z]?$"},
        "zusatz": {"type": "string", "maxLength": 60},
        "plz": {"type": "string", "pattern": "^[0-9]{5}$"},
        "ort": {"type": "string", "minLength": 1, "maxLength": 60}
      }
    }
  }
}`
