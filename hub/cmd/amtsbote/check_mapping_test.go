package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedBlock = regexp.MustCompile("(?s)```(?:yaml|text)\n# (\\S+)\n(.*?)```")

// walkThrough is the federation directory of the README of kind csv; of a file
// that stands there twice the first counts.
func walkThrough(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "adapters", "csvdatei", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range namedBlock.FindAllStringSubmatch(string(b), -1) {
		path := filepath.Join(dir, filepath.FromSlash(m[1]))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCheckMappings: adapters' settings and mappings are judged, their examples
// run, and the events of these are held against schemas and agreements.
func TestCheckMappings(t *testing.T) {
	for _, tc := range []struct {
		name, file, from, to string
		code                 int
		want                 []string
	}{
		{"as in the README", "federation.yaml", "", "", 0, []string{"0 errors, 1 warnings"}},
		{"a setting", "adapters/kasse.yaml", "dir: drop/kasse", "dir: drop/kasse\n  farbe: rot", 1, []string{"adapters/kasse.yaml:7:3: VB-YML-002 error"}},
		{"a value", "adapters/kasse.yaml", "dir: drop/kasse", "dir: drop/kasse\n  max-bad-rows: 1000", 1, []string{"adapters/kasse.yaml:7:17: VB-ADP-008 error: max-bad-rows: must be 0 to 250"}},
		{"a rule", "mappings/zahlungen.yaml", "as: cents", "as: centse", 1, []string{"mappings/zahlungen.yaml:8:32: VB-ADP-008 error: kasse: data /betrag/cent as: must be"}},
		{"an example", "mappings/zahlungen.yaml", "cent: 3000", "cent: 3001", 1, []string{"mappings/zahlungen.yaml:18:16: VB-ADP-008 error: kasse: beispiele 1 expect betrag cent: "}},
		{"a column", "mappings/zahlungen.yaml", "/vorgang/id: Vorgang", "/vorgang/id: Fall", 1, []string{"VB-ADP-008 error: kasse: beispiele 1: is refused: bad-header: read the column names: the column Fall is missing"}},
		{"two things", "mappings/zahlungen.yaml", "Kassenzeichen\n", "{from: Kassenzeichen, fim: F12345678}\n  /x/y: {form: a}\n", 1, []string{"mappings/zahlungen.yaml:8:10: VB-ADP-008"}},
		{"the schema", "mappings/zahlungen.yaml", "/zahlungsart:", "/art:", 1, []string{"adapters/kasse.yaml:1:1: VB-ADP-009 error", "SCHEMA_INVALID"}},
		{"the source", "adapters/kasse.yaml", "system:kasse", "system:amt", 1, []string{"VB-ADP-009 error", "SOURCE_NOT_ALLOWED"}},
		{"the agreement", "agreements/gebuehren.yaml", "de.gebuehr.bezahlt.v1", "de.zahlung.eingegangen.v1", 0, []string{"adapters/kasse.yaml:1:1: VB-ADP-010 warning"}},
	} {
		dir := walkThrough(t)
		path := filepath.Join(dir, filepath.FromSlash(tc.file))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.ReplaceAll(string(b), tc.from, tc.to)
		if tc.from == "" {
			changed = string(b)
		} else if changed == string(b) {
			t.Fatalf("%s: nothing is changed", tc.name)
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out := check(t, dir)
		for _, want := range tc.want {
			if code != tc.code || !strings.Contains(out, want) {
				t.Errorf("%s: exit code %d, want %d and %s:\n%s", tc.name, code, tc.code, want, out)
			}
		}
	}
}
