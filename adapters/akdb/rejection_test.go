package akdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
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
		"wrong reader":             {on, wrongReader, "T080"},
		"bad code":                 {on, broken, "S011"},
		"switched off":             {settings, wrongReader, ""},
		"not for this code":        {some, wrongReader, ""},
		"no XML":                   {on, "Guten Tag", ""},
		"no author to answer":      {on, strings.Replace(wrongReader, "ags:09999001", "", 1), ""},
		"a Rückweisung":            {on, rejection, ""},
		"another standard":         {on, strings.Replace(wrongReader, "http://www.osci.de/xmeld2511a", "http://www.xleitstelle.de/xbau/2/6", 1), ""},
		"accepted":                 {on, application(t, 1), ""},
		"key beyond measure":       {on, strings.Replace(wrongReader, "ags:09999001", "ags:"+strings.Repeat("9", 200), 1), ""},
		"a Quittung of another":    {on, inXPSW(wrongReader, "stA2MB.Quittieren.035990"), ""},
		"a Rückweisung of another": {on, inXPSW(wrongReader, "stA2MB.zurueckweisung.035990"), ""},
		"of another":               {on, inXPSW(wrongReader, "stA2MB.Probe.035990"), "T080"},
		"too large to return":      {on, wrongReader + "\n<!-- " + strings.Repeat("x", 9<<20) + " -->", ""},
		"author's name untypable":  {on, strings.Replace(wrongReader, "Meldebehörde Probstadt", "Αθηνά", 1), ""},
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

// inXPSW is a message of XPersonenstand with this element.
func inXPSW(doc, element string) string {
	return strings.ReplaceAll(strings.Replace(doc, "http://www.osci.de/xmeld2511a", "http://xpsw.domap.de/xpsw2511", 1), "fortschreibung.probe.0999", element)
}

// TestSentBackBounded: two sides that do not know each other's answers end, at the
// latest when one has got what an author gets in an hour.
func TestSentBackBounded(t *testing.T) {
	on := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true, je-stunde: 2}, dir", 1)
	env := adaptertest.Env(t.TempDir())
	for n := range 4 {
		if err := put(env.Dir, fmt.Sprint(n, ".xml"), strings.Replace(generic(n), registerKey, "ags:09999999", 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(env.Dir, "5.xml", strings.NewReplacer(registerKey, "ags:09999999", "ags:09999001", "ags:09999002").Replace(generic(5))); err != nil {
		t.Fatal(err)
	}
	run(t, env.Dir, env, on)
	files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
	if aside, err := reports(env.Dir); len(files) != 3 || len(aside) != 5 || err != nil {
		t.Errorf("out has %q, set aside %q %v", files, aside, err)
	}
}

// TestSentBackTestMark: in production a test message gets no Rückweisung, whatever
// else is wrong with it.
func TestSentBackTestMark(t *testing.T) {
	on := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true}, dir", 1)
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	doc := strings.Replace(generic(1), "produkt=", `test="ja" produkt=`, 1)
	_, aside := take(t, env, on, "m.xml", strings.Replace(doc, `version="25.11a"`, `version="25.11a-`+strings.Repeat("x", 40)+`"`, 1))
	files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
	if len(files) != 0 || len(aside) != 1 || !strings.HasPrefix(aside[0], "xoev-s999") {
		t.Error(files, aside)
	}
}

// TestSentBackByEach: two authorities that refuse the same message send each a
// Rückweisung of its own.
func TestSentBackByEach(t *testing.T) {
	ids := map[string]bool{}
	for _, autor := range []string{portalKey, "ags:09184119"} {
		on := strings.Replace(settings, "{dir", "{rueckweisung: {senden: true}, dir", 1)
		on = strings.Replace(on, "autor: {kennung: '"+portalKey, "autor: {kennung: '"+autor, 1)
		env := adaptertest.Env(t.TempDir())
		take(t, env, on, "m.xml", strings.Replace(generic(1), registerKey, "ags:09999999", 1))
		files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
		for _, f := range files {
			ids[filepath.Base(f)] = true
		}
	}
	if len(ids) != 2 {
		t.Error(ids)
	}
}

// noRejection is a schema by which no Rückweisung is valid.
const noRejection = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.osci.de/xinneres/rueckweisung/6">
<xs:element name="rueckweisung.asynchron.0010" type="xs:date"/></xs:schema>`

// TestSentBackInvalid: a Rückweisung that breaks its XSD is not sent; it lies where
// people look.
func TestSentBackInvalid(t *testing.T) {
	interop.Lint(t, []byte("<a/>"), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd") // skips where there is none
	schemas := t.TempDir()
	if err := os.WriteFile(filepath.Join(schemas, "a.xsd"), []byte(noRejection), 0o600); err != nil {
		t.Fatal(err)
	}
	on := strings.Replace(settings, "{dir", "{xsd: {dir: '"+schemas+"'}, rueckweisung: {senden: true}, dir", 1)
	env := adaptertest.Env(t.TempDir())
	_, aside := take(t, env, on, "m.xml", strings.Replace(generic(1), registerKey, "ags:09999999", 1))
	files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
	kept, _ := filepath.Glob(filepath.Join(env.Dir, "error", "XInneres-Rueckweisung_0010_*.xml"))
	if len(files) != 0 || len(kept) != 1 || len(aside) != 2 {
		t.Error(files, kept, aside)
	}

	b := newBroker(t, xtasim.Options{})
	b.Put(to(faulty(t, 1)))
	until(t, b.answeringSource(t, ", xsd: {dir: '"+schemas+"'}"), adaptertest.NewIntake(), func() bool { return b.quiet(t) })
	b.lies(t, "xoev-x001")
	if len(b.Sent()) != 0 {
		t.Error("was sent")
	}
}
