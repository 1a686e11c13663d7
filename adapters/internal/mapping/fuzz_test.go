package mapping

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub"
)

// FuzzFile: whatever a mapping file says, reading it ends, with problems that have
// a place or with a mapping.
func FuzzFile(f *testing.F) {
	f.Add([]byte(jsonHead + "data: {/a: {from: /x, as: date, formats: [dd.MM.yyyy, unix]}}\nbeispiele: [{input: x, refused: y}]\n"))
	f.Add([]byte("format: xml\ntype: de.a.b.v1\nid: {from: /A/@b}\ndata: {/a: {each: /A/c, item: {/d: .}}}\nbeispiele: [{input: x, expect: {a: 1}}]\n"))
	f.Add([]byte("format: csv\ntype: de.a.b.v1\ncsv: {separator: tab}\ndata: {/a: {concat: [x, y]}, /b: {parts: {year: j}, as: partial-date}}\nbeispiele: [{input: x, refused: y}]\n"))
	known, err := knownFIM(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(dir, "m.yaml", raw, known)
		if (m == nil) == (err == nil) {
			t.Fatalf("a mapping or an error: %v", err)
		}
		for _, p := range problemsOf(err) {
			if len(p) > 4 && p[:4] == "not " {
				t.Fatal(p)
			}
		}
		if m != nil && m.Format() != CSV {
			_, _, _ = tried(m, []byte(`{"x":"01.02.2026"}`))
			_, _, _ = tried(m, []byte(`<A b="1"><c>x</c></A>`))
		}
	})
}

func tried(m *Mapping, raw []byte) (hub.Event, Doc, error) {
	doc, err := m.Read(raw)
	if err != nil {
		return hub.Event{}, doc, err
	}
	e, err := Set{m}.Event(doc, with1)
	return e, doc, err
}

const fuzzRules = `
data:
  /s: {from: /s, optional: true}
  /i: {from: /i, as: integer, group: ".", optional: true}
  /n: {from: /n, as: number, decimal: ",", optional: true}
  /b: {from: /b, as: boolean, default: false}
  /d: {from: /d, as: date, optional: true}
  /p: {from: /d, as: partial-date, optional: true}
  /t: {from: /t, as: date-time, optional: true, formats: [iso, unix, "dd.MM.yyyy HH:mm"]}
  /l: {each: /l, item: {/a: /a}, optional: true}
`

// FuzzJSON: whatever comes in, an event is valid JSON, and the same again, or the
// input is refused for good.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"s":"x","i":"1.000","n":"1,5","b":"ja","d":"31.12.2026","t":"2026-01-01T00:00:00Z","l":[{"a":1}]}`))
	f.Add([]byte(`{"s":"x","s":1}`))
	m := compiled(f, jsonHead+fuzzRules)
	f.Fuzz(func(t *testing.T, raw []byte) { judge(t, m, raw) })
}

// FuzzXML is the same for XML.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<A><s>x</s><i>1.000</i><n>1,5</n><b>ja</b><d>31.12.2026</d><t>1727865900</t><l a="1"/></A>`))
	m := compiled(f, "format: xml\ntype: de.test.a.v1\nid: {content: true}\ndata:\n"+
		"  /s: {from: /A/s, optional: true}\n  /n: {from: /A/n, as: number, optional: true}\n  /d: {from: /A/@d, as: date, optional: true}\n"+
		"  /l: {each: /A/l, item: {/a: \"@a\"}, optional: true}\n")
	f.Fuzz(func(t *testing.T, raw []byte) { judge(t, m, raw) })
}

func judge(t *testing.T, m *Mapping, raw []byte) {
	t.Helper()
	e, doc, err := tried(m, raw)
	if err != nil {
		if fault, ok := errors.AsType[*hub.Fault](err); !ok || !fault.Permanent {
			t.Fatalf("not refused for good: %v", err)
		}
		return
	}
	if !json.Valid(e.Data()) || !utf8.Valid(e.Data()) || e.Validate() != nil {
		t.Fatalf("no valid event: %s", e)
	}
	again, err := Set{m}.Event(doc, with1)
	if err != nil || again.String() != e.String() {
		t.Fatalf("another event at the second time: %v", err)
	}
}
