package xsd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xsd"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

const schema = `<?xml version="1.0"?>
<!-- by hand --><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:probe" elementFormDefault="qualified">
 <xs:element name="brief"><xs:complexType><xs:sequence>
  <xs:element name="tag" type="xs:date" maxOccurs="9"/>
 </xs:sequence></xs:complexType></xs:element>
</xs:schema>`

// folder writes files and opens a validator on them.
func folder(t *testing.T, files map[string]string, change func(*xsd.Config)) (*xsd.Validator, error) {
	t.Helper()
	cfg := xsd.Defaults()
	cfg.Dir = t.TempDir()
	for name, content := range files {
		path := filepath.Join(cfg.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&cfg)
	}
	return xsd.Open(cfg)
}

// lint skips the test, visibly, where there is no xmllint.
func lint(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err != nil {
		interop.Missing(t, "xmllint")
	}
}

func must(t *testing.T) func(*xsd.Validator, error) *xsd.Validator {
	return func(v *xsd.Validator, err error) *xsd.Validator {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestVerdict(t *testing.T) {
	lint(t)
	v := must(t)(folder(t, map[string]string{"unter/--output=x.xsd": schema, "kein.xsd": "Guten Tag", "dtd.xsd": "<!DOCTYPE a><a/>"}, nil))
	check := func(doc string) error { return v.Check(t.Context(), "urn:probe", "brief", strings.NewReader(doc)) }
	if err := check(`<brief xmlns="urn:probe"><tag>2026-03-01</tag></brief>`); err != nil {
		t.Errorf("valid: %v", err)
	}
	err := check("<brief xmlns='urn:probe'>\n<tag>2026-03-01</tag>\n<tag>geheim</tag><tag>geheim</tag></brief>")
	got, ok := errors.AsType[*xsd.InvalidError](err)
	if !ok || got.Line != 3 || got.Element != "tag" || got.More != 1 || got.Schema != filepath.Join("unter", "--output=x.xsd") {
		t.Errorf("invalid: %v", err)
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("tells a value: %v", err)
	}
	if _, ok := errors.AsType[*xsd.InvalidError](check("<brief")); !ok {
		t.Error("not well-formed is valid")
	}
	if err := v.Check(t.Context(), "urn:probe", "karte", strings.NewReader("<karte/>")); !errors.Is(err, xsd.ErrNoSchema) {
		t.Errorf("unknown: %v", err)
	}
}

// TestNoNetwork: a schema that imports another by its address on the web is
// usable only when the folder's catalog says where that is.
func TestNoNetwork(t *testing.T) {
	lint(t)
	files := map[string]string{
		"a.xsd": `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:p="urn:probe" targetNamespace="urn:a">
 <xs:import namespace="urn:probe" schemaLocation="http://127.0.0.1:9/probe.xsd"/>
 <xs:element name="a"><xs:complexType><xs:sequence><xs:element ref="p:brief"/></xs:sequence></xs:complexType></xs:element></xs:schema>`,
		"b.xsd": schema,
	}
	doc := `<a:a xmlns:a="urn:a"><brief xmlns="urn:probe"><tag>2026-03-01</tag></brief></a:a>`
	v := must(t)(folder(t, files, nil))
	err := v.Check(t.Context(), "urn:a", "a", strings.NewReader(doc))
	if _, invalid := errors.AsType[*xsd.InvalidError](err); err == nil || invalid {
		t.Errorf("without catalog: %v", err)
	}
	files["catalog.xml"] = `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog"><uri name="http://127.0.0.1:9/probe.xsd" uri="b.xsd"/><system systemId="http://127.0.0.1:9/probe.xsd" uri="b.xsd"/></catalog>`
	v = must(t)(folder(t, files, nil))
	if err := v.Check(t.Context(), "urn:a", "a", strings.NewReader(doc)); err != nil {
		t.Errorf("with catalog: %v", err)
	}
}

// program writes a stand-in for xmllint.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lint")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTimeout(t *testing.T) {
	v := must(t)(folder(t, map[string]string{"a.xsd": schema}, func(c *xsd.Config) {
		c.Xmllint, c.Timeout = program(t, "exec /bin/sleep 600"), time.Second
	}))
	if err := v.Check(t.Context(), "urn:probe", "brief", strings.NewReader("")); !errors.Is(err, xsd.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Check(ended, "urn:probe", "brief", strings.NewReader("")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestBounded: the stand-in fails when a second one runs beside it.
func TestBounded(t *testing.T) {
	place := t.TempDir()
	v := must(t)(folder(t, map[string]string{"a.xsd": schema}, func(c *xsd.Config) {
		c.Xmllint = program(t, "/bin/mkdir '"+place+"/busy' || exit 9\n/bin/sleep 0.03\n/bin/rmdir '"+place+"/busy'\n")
		c.Processes = 1
	}))
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if err := v.Check(t.Context(), "urn:probe", "brief", strings.NewReader("")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestOperatorsFault: what is wrong with xmllint or a schema says nothing about
// the message.
func TestOperatorsFault(t *testing.T) {
	for name, script := range map[string]string{"schema": "exit 5", "killed": "kill -9 $$", "unknown": "exit 42"} {
		v := must(t)(folder(t, map[string]string{"a.xsd": schema}, func(c *xsd.Config) { c.Xmllint = program(t, script) }))
		err := v.Check(t.Context(), "urn:probe", "brief", strings.NewReader(""))
		if _, invalid := errors.AsType[*xsd.InvalidError](err); err == nil || invalid || errors.Is(err, xsd.ErrTimeout) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpen(t *testing.T) {
	ok := program(t, "exit 0")
	for name, change := range map[string]func(*xsd.Config){
		"no xmllint":   func(c *xsd.Config) { c.Xmllint = "gibt-es-nicht" },
		"no folder":    func(c *xsd.Config) { c.Dir = filepath.Join(c.Dir, "fehlt") },
		"no schema":    func(c *xsd.Config) { c.Dir = filepath.Join(c.Dir, "leer") },
		"no process":   func(c *xsd.Config) { c.Processes = 0 },
		"no time":      func(c *xsd.Config) { c.Timeout = 0 },
		"many at once": func(c *xsd.Config) { c.Processes = 1000 },
	} {
		if _, err := folder(t, map[string]string{"a.xsd": schema, "leer/a.txt": ""}, func(c *xsd.Config) { c.Xmllint = ok; change(c) }); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// TestLargeText: a document of more than 10 MB in base64 is valid.
func TestLargeText(t *testing.T) {
	lint(t)
	v := must(t)(folder(t, map[string]string{"a.xsd": strings.Replace(schema, "xs:date", "xs:string", 1)}, nil))
	large := `<brief xmlns="urn:probe"><tag>` + strings.Repeat("QUJD", 11<<18) + `</tag></brief>`
	if err := v.Check(t.Context(), "urn:probe", "brief", strings.NewReader(large)); err != nil {
		t.Error(err)
	}
}
