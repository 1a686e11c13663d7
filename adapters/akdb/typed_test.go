package akdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// TestTypedSamples: each schema-valid sample of others becomes an event of its
// own type, valid by its schema and correlated to what it answers.
func TestTypedSamples(t *testing.T) {
	const move, asked = "a2150ab4-c282-584c-b21b-ca365be1c0fc", "79911b70-2932-54aa-8538-80ffbd1fce4c"
	cases := map[string]struct {
		file, eventType, ags, correlation string
		contains                          []string
	}{
		"0201": {
			"xmeld/synthetic/rueckmeldung.anmeldunginland.0201.xml", "de.meldewesen.rueckmeldung-gesandt.v1", "09162000", move,
			[]string{`"wegzugsbehoerde":{"kennung":"ags:09184119"`, `"geburtsdatum":"1985-08-12"`, `"zeichen":"EWO-2026-000123"`},
		},
		"0203": {
			"xmeld/synthetic/rueckmeldung.auswertung.0203.xml", "de.meldewesen.rueckmeldung-ausgewertet.v1", "09184119", move,
			[]string{`"abweichungen":[]`, `"wegzugsbehoerde":{"kennung":"ags:09184119"`, `"person":{"name":{"familienname":"Erika Maria"}}`},
		},
		"0040": {
			"xmeld/synthetic/fortschreibung.tod.0040.xml", "de.meldewesen.tod-fortgeschrieben.v1", "09184119", "",
			[]string{`"sterbetag":"2026-02-27"`, `"geburtsort":"Berlin"`, `"nachweis":{"datum":"2026-03-01","beschreibung":"Sterbeurkunde"}`},
		},
		"0090": {
			"xmeld/synthetic/fortschreibung.anschrift.0090.xml", "de.meldewesen.anschrift-fortgeschrieben.v1", "09162000", "",
			[]string{`"anlass":"1"`, `"anschriftBeimLeser":{"ags":"09184119"`},
		},
		"0300": {
			"xmeld/synthetic/anmeldung.datenanforderung.0300.xml", "de.meldewesen.meldeschein-angefordert.v1", "09162000", asked,
			[]string{`"anwenderkennung":"12"`, `"personen":[{"name":{"familienname":"Mustermann","vornamen":"Erika Maria"}`},
		},
		"0301": {
			"xmeld/synthetic/anmeldung.datenbereitstellung.0301.xml", "de.meldewesen.meldeschein-bereitgestellt.v1", "09162000", asked,
			[]string{`"status":"01"`},
		},
		"0010": {
			"xinneres/messages/rueckweisung.asynchron.0010.xml", "de.nachricht.zurueckgewiesen.v1", "", move,
			[]string{`"code":"T080"`, `"angaben":["Leser-Kennung gehört nicht zu diesem Postfach"]`, `"empfaenger":{"kennung":"ags:09162000"`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := sample(t, c.file)
			if e.Type() != c.eventType {
				t.Fatalf("is a %s", e.Type())
			}
			if c.correlation == "" {
				c.correlation = e.ID()
			}
			if got := e.Extensions()["correlationid"]; got != c.correlation {
				t.Errorf("correlationid is %v", got)
			}
			if got, _ := e.Extensions()["ags"].(string); got != c.ags {
				t.Errorf("ags is %q", got)
			}
			for _, want := range c.contains {
				if !strings.Contains(string(e.Data()), want) {
					t.Errorf("lacks %s: %s", want, e.Data())
				}
			}
			if e.Type() == "de.nachricht.zurueckgewiesen.v1" && e.Extensions()["causationid"] != move {
				t.Errorf("causationid is %v", e.Extensions()["causationid"])
			}
		})
	}
}

const anyReader = "{dir: ., poll: 1ms, source: 'urn:de:dvdv:', ohne-kennung: 'ags:09162000'}"

func sample(t *testing.T, file string) hub.Event {
	t.Helper()
	return only(t, sampleText(t, file))
}

func sampleText(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(interop.Path(t, append([]string{"data", "xoev"}, strings.Split(file, "/")...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// only gives the one event that becomes of a message.
func only(t *testing.T, content string) hub.Event {
	t.Helper()
	in, aside := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", content)
	if len(in.Events()) != 1 {
		t.Fatalf("%d events, set aside %q", len(in.Events()), aside)
	}
	valid(t, in.Events()[0])
	return in.Events()[0]
}

// own gives one of the messages written by hand in testdata.
func own(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSeveralCases: a message with several cases becomes one event of each, in
// its order, joined by correlationid, with the same ids when it comes again. The
// whole original, which shows the block of the second person, goes with the
// event that is about it and with no other.
func TestSeveralCases(t *testing.T) {
	message := own(t, "rueckmeldung-drei-personen.0201.xml")
	t.Run("valid", func(t *testing.T) {
		if complaint := interop.Lint(t, []byte(message), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
			t.Error(complaint)
		}
	})
	first, _ := take(t, adaptertest.Env(t.TempDir()), anyReader, "m.xml", message)
	again, _ := take(t, adaptertest.Env(t.TempDir()), anyReader, "n.xml", message)
	const id = "bbbbbbbb-0000-4000-8000-000000000201"
	var got []string
	for i, e := range first.Events() {
		valid(t, e)
		d := dataOf(t, e)
		_, original := d["original"]
		_, blocked := d["sperren"]
		got = append(got, fmt.Sprint(e.ID(), " ", d["ereignis"].(map[string]any)["zeichen"], " ", original, blocked, e.Extensions()["correlationid"] == id)) //nolint:errcheck,forcetypeassert // the schema says so
		if b := again.Events()[i]; b.ID() != e.ID() || string(b.Data()) != string(e.Data()) {
			t.Errorf("event %d is another the second time", i)
		}
	}
	want := []string{id + ".1 Z-1 false false true", id + ".2 Z-2 true true true", id + ".3 Z-3 false false true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSeveralCasesWithoutType(t *testing.T) {
	one := "<x:identifikation.ereignis>"
	message := strings.Replace(generic(4), one, one+`<ereignis.zeitpunkt>2026-03-01T00:00:00</ereignis.zeitpunkt><ereignis.zeichen>Z-0</ereignis.zeichen></x:identifikation.ereignis><x:auskunftssperre><x:grund><code>3</code></x:grund></x:auskunftssperre>`+one, 1)
	in, _ := take(t, adaptertest.Env(t.TempDir()), settings, "m.xml", message)
	var got []string
	for _, e := range in.Events() {
		valid(t, e)
		d := dataOf(t, e)
		got = append(got, fmt.Sprint(e.ID(), d["ereignisse"].([]any)[0].(map[string]any)["zeichen"], d["sperren"], " ", d["original"] != nil, " ", e.Extensions()["correlationid"])) //nolint:errcheck,forcetypeassert // the schema says so
	}
	block := "map[auskunftssperre:true]"
	want := []string{uuidOf(4) + ".1Z-0" + block + " true " + uuidOf(4), uuidOf(4) + ".2Z-1" + block + " true " + uuidOf(4)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAfterACrash: what was published of a message before a crash is published
// again after it with the same ids, and the rest follows.
func TestAfterACrash(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: func(t testing.TB) adaptertest.Origin {
		dir := t.TempDir()
		o := newOrigin(t)
		o.Source = func() (hub.Source, error) {
			return newSource(dir, anyReader)
		}
		o.Input = func(n int) adaptertest.Input {
			message := strings.ReplaceAll(own(t, "rueckmeldung-drei-personen.0201.xml"), "bbbbbbbb-0000-4000-8000-000000000201", uuidOf(n))
			in := adaptertest.Input{Put: func() error { return put(dir, fmt.Sprintf("%06d.xml", n), message) }}
			for i := 1; i <= 3; i++ {
				in.Want = append(in.Want, adaptertest.Want{EventRef: hub.EventRef{
					Source: "urn:de:dvdv:ags:09162000", ID: fmt.Sprintf("%s.%d", uuidOf(n), i), Type: "de.meldewesen.rueckmeldung-gesandt.v1",
				}})
			}
			return in
		}
		o.Bad = []adaptertest.Input{{Name: "one-bad-person.xml", Put: func() error {
			return put(dir, "one-bad-person.xml", strings.ReplaceAll(own(t, "rueckmeldung-drei-personen.0201.xml"), "1984-02", "1984-13"))
		}}}
		o.SetAside = func() ([]string, error) { return reports(dir) }
		return o
	}})
}

// TestPersonenstand: the notices as the public schemas of XPersonenstand have
// them; nothing here was held against an XSD.
func TestPersonenstand(t *testing.T) {
	for file, want := range map[string]string{
		"geburt.031010.xml":         "de.geburt.beurkundet.v1",
		"sterbefall.035010.xml":     "de.tod.beurkundet.v1",
		"geburtsanzeige.081020.xml": "de.geburt.angezeigt.v1",
		"sterbeanzeige.084020.xml":  "de.tod.angezeigt.v1",
	} {
		t.Run(file, func(t *testing.T) {
			e := only(t, own(t, file))
			if e.Type() != want {
				t.Fatalf("is a %s: %s", e.Type(), e.Data())
			}
			golden := filepath.Join("testdata", strings.TrimSuffix(file, ".xml")+".json")
			d := dataOf(t, e)
			delete(d, "kopf")
			delete(d, "original")
			compare(t, golden, d)
		})
		t.Run(file+" without its middle", func(t *testing.T) {
			broken := own(t, file)
			for _, part := range []string{"aktenzeichen", "nameEinrichtung", "nameOrganisation"} {
				broken = strings.ReplaceAll(broken, part, "anderes")
			}
			if e := only(t, broken); e.Type() != "de.xoev.nachricht.v1" {
				t.Errorf("is a %s", e.Type())
			}
		})
	}
}

// TestAcknowledgements: a 1101 says what became of a delivery; a 0020, in version
// 3 and in a form that a newer one may have, is correlated to what it names.
func TestAcknowledgements(t *testing.T) {
	e := only(t, own(t, "quittung.1101.xml"))
	for _, want := range []string{`"lieferung":17`, `"saetze":{"gelesen":120,"zurueckgewiesen":1,"gemeldet":1}`, `"zeichen":"Z-1"`} {
		if e.Type() != "de.nachricht.quittiert.v1" || !strings.Contains(string(e.Data()), want) {
			t.Errorf("lacks %s: %s", want, e)
		}
	}
	for _, form := range []string{"quittung.0020.xml", "quittung-andere-fassung.0020.xml"} {
		e = only(t, own(t, form))
		const id = "bbbbbbbb-0000-4000-8000-000000000201"
		if e.Type() != "de.nachricht.quittiert.v1" || e.Extensions()["causationid"] != id || e.Extensions()["correlationid"] != id ||
			!strings.Contains(string(e.Data()), `"zeichen":"Z-2"`) {
			t.Errorf("event is %s", e)
		}
	}
	t.Run("valid", func(t *testing.T) {
		if complaint := interop.Lint(t, []byte(own(t, "quittung.1101.xml")), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
			t.Error(complaint)
		}
	})
}

// TestTooManyCases: none of them is dropped in silence.
func TestTooManyCases(t *testing.T) {
	one := `<x:identifikation.ereignis><ereignis.zeichen>Z</ereignis.zeichen></x:identifikation.ereignis>`
	_, aside := take(t, adaptertest.Env(t.TempDir()), settings, "m.xml", strings.Replace(generic(4), "<x:fall>", "<x:fall>"+strings.Repeat(one, 10_000), 1))
	if len(aside) != 1 || !strings.HasPrefix(aside[0], "xoev-s999: ") {
		t.Errorf("set aside %q", aside)
	}
}
