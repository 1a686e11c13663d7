package dataport_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	jsonMapping = `
format: json
type: de.probe.hund-angemeldet.v1
id: {content: true}
ags: /ort
data:
  /halter/name: {from: /F60000227, fim: F60000227}
  /nummer: {from: /nummer, as: integer}
  /anlagen: {const: eigene}
beispiele:
  - input: mappings/beispiel.json
    expect: {halter: {name: Mustermann}, nummer: 7, anlagen: eigene}
    attributes: {ags: "02000000"}
  - {input: mappings/falsch.json, refused: bad-integer}
`
	xmlMapping = `
format: xml
type: de.probe.antrag-eingegangen.v1
id: {content: true}
data:
  /halter: /Antrag/Name
beispiele:
  - {input: mappings/beispiel.xml, expect: {halter: Rex}}
`
	xmlSchema = "urn:xoev-de:beispiel:antrag.0200"
)

const mapped = ", fachdaten: [{schema: '" + schemaURI + "', mappings: [mappings/hund.yaml], huelle: [antrag, original, anlagen]}, {schema: '" + xmlSchema + "', mappings: [mappings/antrag.yaml]}]"

// lay writes the mappings and the inputs of their examples.
func (s *service) lay(t testing.TB) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.dir, "mappings"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"hund.yaml": jsonMapping, "antrag.yaml": xmlMapping, "beispiel.json": `{"F60000227":"Mustermann","nummer":7,"ort":"02000000"}`,
		"falsch.json": `{"F60000227":"Mustermann","nummer":"sieben","ort":"02000000"}`, "beispiel.xml": "<Antrag><Name>Rex</Name></Antrag>",
	} {
		s.mapping(t, name, text)
	}
}

func (s *service) mapping(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "mappings", name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mappable is an application whose data the mapping of JSON takes.
func mappable(data string) fitsim.Application {
	app := application(1)
	app.Data = json.RawMessage(data)
	return app
}

const good = `{"F60000227":"Mustermann","nummer":"0012","ort":"02000000","egal":[1]}`

// TestMapped: application data become fields, and what is wanted of the submission
// stands beside them.
func TestMapped(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.lay(t)
	s.put(t, mappable(good))
	e, in := one(t, s, mapped)
	var data struct {
		Halter   struct{ Name string }
		Nummer   int
		Anlagen  string
		Antrag   struct{ ID, Leistung string }
		Original struct{ Ref string }
	}
	if err := json.Unmarshal(e.Data(), &data); err != nil {
		t.Fatal(err)
	}
	if e.ID() != id(1) || e.Subject() != caseOf(1) || e.Type() != "de.probe.hund-angemeldet.v1" || e.Extensions()["ags"] != "02000000" ||
		data.Halter.Name != "Mustermann" || data.Nummer != 12 || data.Anlagen != "eigene" || data.Antrag.Leistung != "99107001017000" ||
		content(t, in, data.Original.Ref) != good || strings.Contains(string(e.Data()), "eingereicht") {
		t.Errorf("%v", e)
	}
}

func TestMappedXML(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.lay(t)
	app := mappable(`"<Antrag><Name> Bello </Name></Antrag>"`)
	app.SchemaURI, app.DataType = xmlSchema, "application/xml"
	s.put(t, app)
	if e, _ := one(t, s, mapped); e.Type() != "de.probe.antrag-eingegangen.v1" || string(e.Data()) != `{"halter":"Bello"}` {
		t.Errorf("%v", e)
	}
}

// TestUnmapped: what the mapping refuses is set aside, with the rule, and tried
// again when the mapping was mended.
func TestUnmapped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data, typ, code string
	}{
		{"a bad value", `{"F60000227":"Mustermann","nummer":"Rex","ort":"02000000"}`, "application/json", "fit-mapping-bad-integer"},
		{"a missing value", `{"nummer":1}`, "application/json", "fit-mapping-missing"},
		{"a name twice", `{"nummer":1,"nummer":2}`, "application/json", "fit-mapping-not-json"},
		{"another format", `"<Antrag/>"`, "application/xml", "fit-mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, in := newService(t), adaptertest.NewIntake()
			s.lay(t)
			app := mappable(c.data)
			app.DataType = c.typ
			s.put(t, app)
			var all []string
			until(t, s.source(t, mapped), in, func() bool {
				var err error
				if all, err = s.reports(); err != nil {
					t.Fatal(err)
				}
				return len(all) == 1
			})
			if !strings.HasPrefix(all[0], c.code+":") || strings.Contains(all[0], "Rex") || s.Ended(id(1)) != "" {
				t.Error(all, s.Ended(id(1)))
			}
			s.tryAgain(t)
			until(t, s.source(t, ""), in, func() bool { return len(in.Events()) == 1 })
		})
	}
}

// TestMappingChanged: what the hub may have is not made otherwise by a mapping that
// was changed meanwhile.
func TestMappingChanged(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	s.lay(t)
	s.put(t, mappable(good))
	in.Follow(func(context.Context, int, hub.Event, func() error) error { return errors.New("the hub is away") })
	until(t, s.source(t, mapped), in, func() bool { return s.told(waits) > 0 })
	s.mapping(t, "hund.yaml", strings.ReplaceAll(jsonMapping, "eigene", "andere"))
	until(t, s.source(t, mapped), in, func() bool { all, err := s.reports(); return err == nil && len(all) == 1 })
	if all, err := s.reports(); err != nil || !strings.HasPrefix(all[0], "fit-mapping-changed:") {
		t.Error(all, err)
	}
	s.lay(t) // the former one is back
	s.tryAgain(t)
	in.Follow(nil)
	until(t, s.source(t, mapped), in, func() bool { return len(in.Events()) == 1 })
	if err := in.Breaches(); err != nil {
		t.Error(err)
	}
}

// TestCheck: "amtsbote check" runs the examples, and asks about events as the source
// would make them.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.lay(t)
	samples, err := dataport.Kind().Check(s.env(), s.settings(mapped))
	if err != nil || len(samples) != 2 {
		t.Fatal(samples, err)
	}
	if e := samples[0]; e.Validate() != nil || e.Source() != eventSource || !strings.Contains(string(e.Data()), `"original":{"ref"`) ||
		e.Extensions()[hub.AttrCorrelationID] == nil || e.DataSchema() != "urn:amtsbote:schema:de.probe.hund-angemeldet.v1" {
		t.Error(e)
	}
	for _, c := range []struct{ old, with, says string }{
		{"{const: eigene}", "{const: andere}", "beispiele 1"},
		{"fim: F60000227", "fim: F60009999", "F60009999"},
		{"/nummer", "/G99999999", "G99999999"},
		{"id: {content: true}", "id: {meta: webhook-id}", "beside the document"},
		{"format: json", "format: csv", ""},
	} {
		s.mapping(t, "hund.yaml", strings.Replace(jsonMapping, c.old, c.with, 1))
		if _, err := dataport.Kind().Check(s.env(), s.settings(mapped)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.with, err)
		}
		if _, err := s.open(mapped); err == nil {
			t.Errorf("%s: the source begins", c.with)
		}
	}
	s.lay(t)
	for _, bad := range []string{
		"{schema: x, typ: de.a.b.v1, mappings: [mappings/hund.yaml]}", "{schema: x, huelle: [antrag]}", "{schema: x, mappings: [mappings/fehlt.yaml]}",
		"{schema: x, mappings: [mappings/hund.yaml], huelle: [daten]}", "{schema: x, mappings: [mappings/hund.yaml, mappings/antrag.yaml]}",
		"{schema: x}, {schema: x}",
	} {
		if _, err := dataport.Kind().Check(s.env(), s.settings(", fachdaten: ["+bad+"]")); err == nil {
			t.Error("taken:", bad)
		}
	}
}
