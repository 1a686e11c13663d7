package akdb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// TestSentBack: what the sender can do something about goes back to it when the
// authority has switched that on, and else nothing does.
func TestSentBack(t *testing.T) {
	on := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true}, dir", 1)
	some := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true, codes: [X001]}, dir", 1)
	wrongReader := strings.Replace(generic(1), registerKey, "ags:09999999", 1)
	broken := strings.Replace(application(t, 1), "<code>w<", "<code>f<", 1)
	rejection := strings.Replace(sampleText(t, "xinneres/messages/rueckweisung.asynchron.0010.xml"), "ags:09162000", "ags:09999999", 1)
	for name, c := range map[string]struct {
		yaml, content string
		sent          string
	}{
		"wrong reader":            {on, wrongReader, "T080"},
		"bad code":                {on, broken, "S011"},
		"switched off":            {settings, wrongReader, ""},
		"not for this code":       {some, wrongReader, ""},
		"no XML":                  {on, "Guten Tag", ""},
		"no author to answer":     {on, strings.Replace(wrongReader, "ags:09999001", "", 1), ""},
		"a Rückweisung":           {on, rejection, ""},
		"another standard":        {on, strings.Replace(wrongReader, "http://www.osci.de/xmeld2511a", "http://www.xleitstelle.de/xbau/2/6", 1), ""},
		"accepted":                {on, application(t, 1), ""},
		"too large to return":     {on, wrongReader + "\n<!-- " + strings.Repeat("x", 9<<20) + " -->", ""},
		"author's name untypable": {on, strings.Replace(wrongReader, "Meldebehörde Probstadt", "Αθηνά", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			env := adaptertest.Env(t.TempDir())
			take(t, env, c.yaml, "m.xml", c.content)
			files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
			if c.sent == "" {
				if len(files) != 0 {
					t.Errorf("out has %q", files)
				}
				return
			}
			if len(files) != 1 {
				t.Fatalf("out has %q", files)
			}
			content, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if complaint := interop.Lint(t, content, "data", "xoev", "xinneres", "schema", "xinneres-rueckweisung.xsd"); complaint != "" {
				t.Errorf("%s\n%s", complaint, content)
			}
			back := only(t, string(content))
			if back.Type() != "de.nachricht.zurueckgewiesen.v1" || back.Extensions()["correlationid"] != uuidOf(1) ||
				!strings.Contains(string(back.Data()), `"code":"`+c.sent+`"`) {
				t.Errorf("comes back as %s", back)
			}
		})
	}
}

// TestSentBackOnce: the same file, tried again, gives the same Rückweisung.
func TestSentBackOnce(t *testing.T) {
	on := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true}, dir", 1)
	env := adaptertest.Env(t.TempDir())
	var first []byte
	for range 2 {
		if err := put(env.Dir, "m.xml", strings.Replace(generic(1), registerKey, "ags:09999999", 1)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(env.Dir, "in", "m.xml"), created, created.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		run(t, env.Dir, env, on)
		files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
		if len(files) != 1 {
			t.Fatalf("out has %q", files)
		}
		content, _ := os.ReadFile(files[0])
		if first != nil && string(first) != string(content) {
			t.Error("the second is another")
		}
		first = content
	}
}

func TestSentBackSettings(t *testing.T) {
	for name, yaml := range map[string]string{
		"no author":      "{dir: ., source: 'urn:x:', rueckweisung: {senden: true}}",
		"not the sender": strings.Replace(settings, "{dir", "{rueckweisung: {senden: true, codes: [T020]}, dir", 1),
	} {
		if _, err := akdb.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
