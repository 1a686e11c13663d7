// Package hubtest gives tests of the hub's rooms a small federation and a NATS
// server of their own: the real one, in the process, on a temporary directory.
package hubtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// Types of the test federation.
const (
	Ding    = "de.test.ding.v1"    // goes to beta.one whole and to beta.two cut to /n
	Niemand = "de.test.niemand.v1" // no agreement lets anybody have it
)

// Source is owned by alpha.app.
const Source = "urn:test:alpha:1"

// WriteFederation writes the test federation to dir: organisation alpha sends
// as alpha.app, organisation beta receives as beta.one and beta.two, by
// mailboxes of mode nats.
func WriteFederation(tb testing.TB, dir string) {
	tb.Helper()
	files := map[string]string{
		"federation.yaml":           "name: Test\nenvironment: test\n",
		"organisations/alpha.yaml":  alpha,
		"organisations/beta.yaml":   beta,
		"agreements/ding-eins.yaml": agreement("ding-eins", "beta.one", "all"),
		"agreements/ding-zwei.yaml": agreement("ding-zwei", "beta.two", "[/n]"),
	}
	for _, typ := range []string{Ding, Niemand} {
		at := "schemas/" + typ + "/"
		files[at+"schema.json"] = strings.ReplaceAll(schema, "TYPE", typ)
		files[at+"valid/one.json"], files[at+"valid/two.json"] = `{"n":1}`, `{"n":2,"text":"x"}`
		files[at+"invalid/no-n.json"] = `{}`
		files[at+"invalid/text-n.json"] = `{"n":"1"}`
		files[at+"invalid/more.json"] = `{"n":1,"m":1}`
		files[at+"invalid.json"] = invalid
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

// Federation gives the test federation, compiled.
func Federation(tb testing.TB) *federation.Federation {
	tb.Helper()
	dir := tb.TempDir()
	WriteFederation(tb, dir)
	fed, findings := federation.Load(dir, noKinds{})
	if fed == nil {
		tb.Fatalf("the test federation has findings: %v", findings)
	}
	return fed
}

// Story gives an example's federation, compiled; its adapters are not judged.
func Story(tb testing.TB, dir string) *federation.Federation {
	tb.Helper()
	fed, findings := federation.Load(dir, anyKinds{})
	if fed == nil {
		tb.Fatalf("the story has findings: %v", findings)
	}
	return fed
}

type anyKinds struct{}

// Has takes every kind for both; fit-connect makes sources alone, beside which a story has
// another adapter for the mailbox.
func (anyKinds) Has(kind string) (source, sink, ok bool) { return true, kind != "fit-connect", true }
func (anyKinds) HasSimulator(string) bool                { return true }

type noKinds struct{}

func (noKinds) Has(string) (source, sink, ok bool) { return false, false, false }
func (noKinds) HasSimulator(string) bool           { return false }

func agreement(id, to, disclose string) string {
	return strings.NewReplacer("ID", id, "RECEIVER", to, "FIELDS", disclose, "TYPE", Ding).Replace(`id: ID
title: Test
from: {application: alpha.app, authority: "ags:00000001"}
to: [{application: RECEIVER, authority: "ags:00000002"}]
types: [TYPE]
law: DSGVO-6-1e
purpose: Test
disclose: FIELDS
valid: {from: 2026-01-01}
`)
}

const alpha = `id: alpha
name: Alpha
role: authority
authorities:
  - {key: "ags:00000001", name: Alpha}
applications:
  - id: alpha.app
    title: Alpha
    sources:
      - {prefix: "urn:test:alpha", authority: "ags:00000001"}
`

const beta = `id: beta
name: Beta
role: authority
authorities:
  - {key: "ags:00000002", name: Beta}
applications:
  - id: beta.one
    title: One
    mailbox: {mode: nats}
  - id: beta.two
    title: Two
    mailbox: {mode: nats}
`

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "urn:amtsbote:schema:TYPE",
  "title": "Test",
  "type": "object",
  "additionalProperties": false,
  "required": ["n"],
  "x-nicht-personenbezogen": true,
  "properties": {
    "n": {"type": "number"},
    "text": {"type": "string", "maxLength": 100}
  }
}`

const invalid = `{
  "no-n.json": {"pointer": "", "keyword": "required"},
  "text-n.json": {"pointer": "/n", "keyword": "type"},
  "more.json": {"pointer": "", "keyword": "additionalProperties"}
}`

// WithoutAgreements gives the test federation after its agreements and the
// application alpha.app were removed from the directory.
func WithoutAgreements(tb testing.TB) *federation.Federation {
	tb.Helper()
	dir := tb.TempDir()
	WriteFederation(tb, dir)
	if err := os.RemoveAll(filepath.Join(dir, "agreements")); err != nil {
		tb.Fatal(err)
	}
	renamed := strings.ReplaceAll(alpha, "alpha.app", "alpha.other")
	if err := os.WriteFile(filepath.Join(dir, "organisations", "alpha.yaml"), []byte(renamed), 0o600); err != nil {
		tb.Fatal(err)
	}
	fed, findings := federation.Load(dir, noKinds{})
	if fed == nil {
		tb.Fatalf("the test federation has findings: %v", findings)
	}
	return fed
}
