package hubtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// Of the corpus of bad inputs: the type of its events, another one with the same
// fields, and the schema of the first.
const (
	CorpusType   = "de.beispiel.umzug.gemeldet.v1"
	corpusOther  = "de.beispiel.t.v1"
	CorpusSchema = "urn:amtsbote:schema:" + CorpusType
)

// WriteCorpusFederation writes the federation of the corpus's principal: organisation
// stadt-a, which owns the sources below urn:de:behoerde:stadt-a, the type of
// schema-umzug.v1.json and another one with the same fields; stadt-b gets both whole.
func WriteCorpusFederation(tb testing.TB, dir string) {
	tb.Helper()
	files := map[string]string{
		"federation.yaml": "name: Korpus\nenvironment: test\n",
		"organisations/stadt-a.yaml": `id: stadt-a
name: Stadt A
role: authority
authorities: [{key: "ags:09162000", name: Stadt A}]
applications:
  - {id: stadt-a.meldewesen, title: Meldewesen, sources: [{prefix: "urn:de:behoerde:stadt-a", authority: "ags:09162000"}]}
`,
		"organisations/stadt-b.yaml": `id: stadt-b
name: Stadt B
role: authority
authorities: [{key: "ags:09184000", name: Stadt B}]
applications:
  - {id: stadt-b.kfz, title: Kfz, mailbox: {mode: nats}}
`,
		"agreements/umzug.yaml": `id: umzug
title: Umzug
from: {application: stadt-a.meldewesen, authority: "ags:09162000"}
to: [{application: stadt-b.kfz, authority: "ags:09184000"}]
types: [` + CorpusType + `, ` + corpusOther + `]
law: DSGVO-6-1e
purpose: Test
disclose: all
valid: {from: 2026-01-01}
`,
	}
	for _, typ := range []string{CorpusType, corpusOther} {
		at := "schemas/" + typ + "/"
		files[at+"schema.json"] = corpusSchemaOf(tb, typ)
		files[at+"valid/a.json"], files[at+"valid/b.json"] = `{"vorgang":"V-1"}`, `{"vorgang":"V-2","betrag":1}`
		files[at+"invalid/leer.json"] = `{}`
		files[at+"invalid/muster.json"] = `{"vorgang":"x"}`
		files[at+"invalid/mehr.json"] = `{"vorgang":"V-1","x":1}`
		files[at+"invalid.json"] = `{"leer.json":{"pointer":"","keyword":"required"},"muster.json":{"pointer":"/vorgang","keyword":"pattern"},"mehr.json":{"pointer":"","keyword":"additionalProperties"}}`
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

// corpusSchemaOf is the corpus's schema under our name and marks.
func corpusSchemaOf(tb testing.TB, typ string) string {
	tb.Helper()
	var schema map[string]any
	if err := json.Unmarshal(corpus.File(tb, "schema-umzug.v1.json"), &schema); err != nil {
		tb.Fatal(err)
	}
	schema["$id"], schema["title"], schema["x-nicht-personenbezogen"] = "urn:amtsbote:schema:"+typ, "Umzug gemeldet", true
	raw, err := json.Marshal(schema)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}
