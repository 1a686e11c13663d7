package akdb_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// TestXSD runs the source with KoSIT's schemas: what is not valid is set aside
// with the line, and no value.
func TestXSD(t *testing.T) {
	interop.Lint(t, []byte("<a/>"), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd") // skips where there is none
	with := func(more string) string {
		return strings.Replace(anyReader, "{", "{xsd: {dir: '"+interop.Path(t, "data", "xoev", "xmeld", "schema")+"'"+more+"}, ", 1)
	}
	good := sampleText(t, "xmeld/synthetic/fortschreibung.tod.0040.xml")
	bad := strings.Replace(good, "<xmeld:sterbetag>2026-02-27", "<xmeld:sterbetag>2026-02-27</xmeld:sterbetag><xmeld:sterbetag>2026-02-28", 1)
	for name, c := range map[string]struct{ yaml, content, code, says string }{
		"valid":            {with(""), good, "", ""},
		"not valid":        {with(""), bad, "xoev-x001", "line 78, element sterbetag"},
		"no schema":        {with(""), strings.ReplaceAll(good, "xmeld2511a", "xmeld9911"), "", ""},
		"no schema, asked": {with(", pflicht: true"), strings.ReplaceAll(good, "xmeld2511a", "xmeld9911"), "xoev-v000", "no schema"},
	} {
		t.Run(name, func(t *testing.T) {
			in, aside := take(t, adaptertest.Env(t.TempDir()), c.yaml, "--schema=x '$(reboot)'.xml", c.content)
			switch {
			case c.code == "" && len(in.Events()) != 1:
				t.Errorf("set aside %q", aside)
			case c.code != "" && (len(aside) != 1 || !strings.HasPrefix(aside[0], c.code+": ") || !strings.Contains(aside[0], c.says)):
				t.Errorf("set aside %q", aside)
			}
			if strings.Contains(strings.Join(aside, ""), "2026-02") {
				t.Errorf("tells a value: %q", aside)
			}
		})
	}
	t.Run("out", func(t *testing.T) {
		for name, schemas := range map[string][]string{"message": {"xmeld", "schema"}, "container": {"xdomea", "xsd", "3.0.0"}} {
			env := adaptertest.Env(t.TempDir())
			dir := interop.Path(t, append([]string{"data", "xoev"}, schemas...)...)
			yaml := strings.Replace(settings, "{dir", "{xdomea: 3.0.0, xsd: {dir: '"+dir+"', pflicht: true}, dir", 1)
			s, err := akdb.Kind().Sink(env, adaptertest.Settings(yaml))
			if err != nil {
				t.Fatal(err)
			}
			e := event(t, 7, xmeld.TypeEingegangen, applicationData())
			if name == "container" {
				e = event(t, 7, "de.eakte.aussonderung-angeboten.v1", map[string]any{
					"prozess": uuidOf(8), "absender": map[string]any{"name": "Bauamt"}, "empfaenger": map[string]any{"name": "Archiv"},
					"schriftgut": []any{map[string]any{"id": uuidOf(9), "art": "akte"}},
				})
			}
			if err := s.Deliver(t.Context(), hub.Delivery{ID: "d1", Attempt: 1, Event: e}); err != nil {
				t.Error(name, err)
			}
			if files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*")); len(files) != 1 {
				t.Errorf("out has %q", files)
			}
		}
	})
}

func TestXSDSettings(t *testing.T) {
	for name, yaml := range map[string]string{
		"no folder":   "{dir: ., source: 'urn:x:', xsd: {dir: fehlt}}",
		"no program":  "{dir: ., source: 'urn:x:', xsd: {dir: ., xmllint: gibt-es-nicht}}",
		"unknown key": "{dir: ., source: 'urn:x:', xsd: {ordner: .}}",
		"version":     "{dir: ., source: 'urn:x:', xdomea: '2.3.0'}",
	} {
		if _, err := akdb.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
