package mapping

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
)

// write makes a federation directory of files.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compiled compiles a mapping whose example is of no account here.
func compiled(t testing.TB, text string) *Mapping {
	t.Helper()
	dir := write(t, map[string]string{"mappings/m.yaml": text + "\nbeispiele: [{input: x, refused: y}]\n"})
	m, err := Load(dir, "mappings/m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var with1 = With{Source: "urn:test:a", Key: []byte("key"), ID: "id-1", Content: []byte("c"), Meta: map[string]string{"webhook-id": "w1"}}

const jsonHead = "format: json\ntype: de.test.geschehen.v1\nid: {content: true}\n"

// mapped gives the data, or the code and the error's text.
func mapped(t testing.TB, m *Mapping, input string) (data, code, text string) {
	t.Helper()
	doc, err := m.Read([]byte(input))
	if err == nil {
		var e hub.Event
		if e, err = m.Event(doc, with1); err == nil {
			return string(e.Data()), "", ""
		}
	}
	f := hub.FaultOf(err)
	if !f.Permanent {
		t.Errorf("%s: %v is no Permanent Fault", input, err)
	}
	return "", f.Code, err.Error()
}

// TestConversions: one rule on the value at /v, as JSON and, where it is a text,
// as XML.
func TestConversions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ rule, in, want, code string }{
		{`{from: /v}`, `"  Müller "`, `"Müller"`, ""},
		{`{from: /v}`, `12.50`, `"12.50"`, ""},
		{`{from: /v, max: 3}`, `"Äöüß"`, "", "too-long"},
		{`{from: /v}`, `""`, "", "missing"},
		{`{from: /v}`, `null`, "", "missing"},
		{`{from: /v, default: keine}`, `null`, `"keine"`, ""},
		{`{from: /v, default: 3}`, `" "`, `3`, ""},
		{`{from: /v, optional: true}`, `null`, "-", ""},
		{`{from: /v}`, `{"x":1}`, "", "not-a-value"},
		{`{from: /v}`, `["a"]`, "", "not-a-value"},
		{`{from: /v/0}`, `["a"]`, `"a"`, ""},
		{`{from: /v/01}`, `["a","b"]`, "", "missing"},
		{`{from: /v, as: integer}`, `"007"`, `7`, ""},
		{`{from: /v, as: integer}`, `12`, `12`, ""},
		{`{from: /v, as: integer}`, `1.0`, "", "bad-integer"},
		{`{from: /v, as: integer}`, `1e3`, "", "bad-integer"},
		{`{from: /v, as: integer}`, `"1.234"`, "", "bad-integer"},
		{`{from: /v, as: integer, group: "."}`, `"1.234"`, `1234`, ""},
		{`{from: /v, as: integer, group: "."}`, `"12.34"`, "", "bad-integer"},
		{`{from: /v, as: integer}`, `true`, "", "bad-integer"},
		{`{from: /v, as: integer}`, `"123456789012345678901"`, "", "bad-integer"},
		{`{from: /v, as: number, decimal: ",", group: "."}`, `"1.234,50"`, `1234.50`, ""},
		{`{from: /v, as: number, decimal: ",", group: "."}`, `"-0,5"`, `-0.5`, ""},
		{`{from: /v, as: number, decimal: ","}`, `"1.5"`, "", "bad-number"},
		{`{from: /v, as: number, decimal: ","}`, `1.5`, `1.5`, ""},
		{`{from: /v, as: number}`, `"5,"`, "", "bad-number"},
		{`{from: /v, as: cents, decimal: ",", group: "."}`, `"1.234,5"`, `123450`, ""},
		{`{from: /v, as: cents, decimal: ","}`, `"0,05"`, `5`, ""},
		{`{from: /v, as: cents, decimal: ","}`, `"-0,00"`, `0`, ""},
		{`{from: /v, as: cents}`, `30`, `3000`, ""},
		{`{from: /v, as: cents}`, `30.505`, "", "bad-amount"},
		{`{from: /v, as: cents}`, `"drei"`, "", "bad-amount"},
		{`{from: /v, as: boolean}`, `"JA"`, `true`, ""},
		{`{from: /v, as: boolean}`, `"0"`, `false`, ""},
		{`{from: /v, as: boolean}`, `false`, `false`, ""},
		{`{from: /v, as: boolean, true: [x], false: ["-", offen]}`, `"-"`, `false`, ""},
		{`{from: /v, as: boolean, true: [x], false: ["-"]}`, `"ja"`, "", "bad-boolean"},
		{`{from: /v, as: date}`, `"31.12.2026"`, `"2026-12-31"`, ""},
		{`{from: /v, as: date}`, `"2024-02-29"`, `"2024-02-29"`, ""},
		{`{from: /v, as: date}`, `"29.02.2026"`, "", "bad-date"},
		{`{from: /v, as: date}`, `"1.2.2026"`, "", "bad-date"},
		{`{from: /v, as: date, formats: d.M.yyyy}`, `"1.2.2026"`, `"2026-02-01"`, ""},
		{`{from: /v, as: date, formats: yyyyMMdd}`, `20260201`, `"2026-02-01"`, ""},
		{`{from: /v, as: partial-date}`, `"1980"`, `"1980"`, ""},
		{`{from: /v, as: partial-date}`, `"1980-05-00"`, `"1980-05"`, ""},
		{`{from: /v, as: partial-date}`, `"00.00.1980"`, `"1980"`, ""},
		{`{from: /v, as: partial-date}`, `"15.05.1980"`, `"1980-05-15"`, ""},
		{`{from: /v, as: partial-date}`, `"15.00.1980"`, "", "bad-date"},
		{`{from: /v, as: partial-date}`, `"1980-13"`, "", "bad-date"},
		{`{from: /v, as: date-time}`, `"31.12.2026 08:05"`, `"2026-12-31T08:05:00+01:00"`, ""},
		{`{from: /v, as: date-time}`, `"2026-07-01T08:05:00.25"`, `"2026-07-01T08:05:00.25+02:00"`, ""},
		{`{from: /v, as: date-time}`, `"2026-07-01T08:05:00Z"`, `"2026-07-01T08:05:00Z"`, ""},
		{`{from: /v, as: date-time}`, `"2026-07-01T08:05:00-0330"`, `"2026-07-01T08:05:00-03:30"`, ""},
		{`{from: /v, as: date-time}`, `"29.03.2026 02:30"`, "", "bad-date-time"},                      // the hour that is skipped
		{`{from: /v, as: date-time}`, `"25.10.2026 02:30"`, `"2026-10-25T02:30:00+02:00"`, ""},        // the hour that comes twice
		{`{from: /v, as: date-time, zone: UTC}`, `"25.10.2026 02:30"`, `"2026-10-25T02:30:00Z"`, ""},  //
		{`{from: /v, as: date-time, formats: unix}`, `1727865900`, `"2024-10-02T12:45:00+02:00"`, ""}, // ZMS
		{`{from: /v, as: date-time, formats: unix}`, `"1e9"`, "", "bad-date-time"},                    //
		{`{from: /v, as: enum, table: {N: neu, V: 2, X: true}}`, `"V"`, `2`, ""},                      //
		{`{from: /v, as: enum, table: {N: neu}}`, `"n"`, "", "unknown-value"},                         //
		{`{from: /v, as: enum, table: {"1": neu}}`, `1`, `"neu"`, ""},                                 //
		{`{const: 2026-01-31}`, `1`, `"2026-01-31"`, ""},                                              //
		{`{const: [a, 1, true]}`, `1`, `["a",1,true]`, ""},                                            //
		{`{concat: [/v/a, /v/b, /v/c], separator: "-"}`, `{"a":"x","c":3}`, `"x-3"`, ""},              //
		{`{concat: [/v/a, /v/b]}`, `{}`, "", "missing"},                                               //
		{`{parts: {year: /v/j, month: /v/m, day: /v/t}, as: date}`, `{"j":1980,"m":5,"t":15}`, `"1980-05-15"`, ""},
		{`{parts: {year: /v/j, month: /v/m, day: /v/t}, as: date}`, `{"j":1980,"m":5}`, "", "bad-date"},
		{`{parts: {year: /v/j, month: /v/m, day: /v/t}, as: partial-date}`, `{"j":1980,"m":5}`, `"1980-05"`, ""},
		{`{parts: {year: /v/j}, as: partial-date}`, `{"j":"MCM"}`, "", "bad-date"},
		{`{each: /v, as: integer}`, `["1","2"]`, `[1,2]`, ""},
		{`{each: /v, as: integer}`, `[]`, `[]`, ""},
		{`{each: /v, as: integer}`, `["1","x"]`, "", "bad-integer"},
		{`{each: /v, item: {/n: {from: /name}, /t: {from: /t, optional: true}}}`, `[{"name":"a","t":1},{"name":"b"}]`, `[{"n":"a","t":"1"},{"n":"b"}]`, ""},
		{`{each: /v, item: {/n: {from: /name}}}`, `[{"name":"a"},{}]`, "", "missing"},
		{`{each: /v}`, `{"a":1}`, "", "not-a-list"},
		{`{each: /v, optional: true}`, `null`, "-", ""},
	} {
		m := compiled(t, jsonHead+"data: {/x/y: "+tc.rule+"}")
		data, code, text := mapped(t, m, `{"v":`+tc.in+`}`)
		want := `{"x":{"y":` + tc.want + `}}`
		if tc.want == "-" {
			want = `{}`
		}
		if tc.code != "" {
			want = ""
		}
		if data != want || code != tc.code {
			t.Errorf("%s on %s: %s %s, want %s %s", tc.rule, tc.in, data, code, want, tc.code)
		}
		if tc.code != "" && !strings.Contains(text, "data /x/y") {
			t.Errorf("%s on %s: %s does not name the rule", tc.rule, tc.in, text)
		}
	}
}

// An error says where, and nothing of the input.
func TestErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	m := compiled(t, jsonHead+`data: {/p: {each: /v, item: {/geburt: {from: /g, as: date}}}}`)
	_, code, text := mapped(t, m, `{"v":[{"g":"1980-05-15"},{"g":"Mustermann"}]}`)
	if code != "bad-date" || strings.Contains(text, "Mustermann") || !strings.Contains(text, "item 2 of data /p") || !strings.Contains(text, "/geburt") {
		t.Errorf("%s: %s", code, text)
	}
}

func TestStrictInput(t *testing.T) {
	t.Parallel()
	j := compiled(t, jsonHead+"limits: {bytes: 200, depth: 4, nodes: 12, items: 3}\ndata: {/x: {each: /v, as: integer}}")
	for in, want := range map[string]string{
		`{"v":[1]}`:                          "",
		`{"v":[1],"v":[2]}`:                  "not-json",
		`{"v":[1]} x`:                        "not-json",
		`{"v":[1]}{}`:                        "not-json",
		`{"v":[1]`:                           "not-json",
		``:                                   "not-json",
		"{\"v\":[\"\xff\"]}":                 "not-json",
		`{"v":["\ud800"]}`:                   "not-json",
		`{"v":[[[[1]]]]}`:                    "not-json",
		`{"v":[1,2,3,4]}`:                    "too-many",
		`{"v":[1,2,3,4,5,6,7,8,9,10,11,12]}`: "not-json",
		`{"v":[1e1000]}`:                     "not-json",
		`{"v":[` + strings.Repeat("1", 65) + `]}`:    "not-json",
		`{"v":["` + strings.Repeat("x", 200) + `"]}`: "too-large",
	} {
		if _, code, _ := mapped(t, j, in); code != want {
			t.Errorf("%.40s: %q, want %q", in, code, want)
		}
	}
	x := compiled(t, "format: xml\ntype: de.test.geschehen.v1\nid: {content: true}\ndata: {/x: /A/b}")
	for in, want := range map[string]string{
		`<A><b>1</b></A>`:                             "",
		`<A><b>1</b><b>2</b></A>`:                     "several",
		`<A><b><c/></b></A>`:                          "not-a-value",
		`<B><b>1</b></B>`:                             "missing",
		`<!DOCTYPE A><A><b>1</b></A>`:                 "not-xml",
		`<A><b>&x;</b></A>`:                           "not-xml",
		`<A><b>1</b></A><A/>`:                         "not-xml",
		`<A>` + strings.Repeat("<b>", 80) + `</A>`:    "not-xml",
		`<?xml version="1.0"?><A><?p x?><b>1</b></A>`: "not-xml",
	} {
		if _, code, _ := mapped(t, x, in); code != want {
			t.Errorf("%.40s: %q, want %q", in, code, want)
		}
	}
}

func TestXMLPaths(t *testing.T) {
	t.Parallel()
	m := compiled(t, `format: xml
namespaces: {p: "urn:p"}
type: de.test.geschehen.v1
id: {from: /Antrag/@id}
data:
  /name: /Antrag/p:Person/Name
  /art: /Antrag/@art
  /lang: {from: /Antrag/@p:lang, optional: true}
  /kinder: {each: /Antrag/Kind, item: {/n: Name, /w: {from: "@w", as: boolean}}}
  /texte: {each: /Antrag/Kind/Name}
`)
	in := `<Antrag xmlns:q="urn:p" id="7" art="N" q:lang="de"><Person><Name>falsch</Name></Person><q:Person><Name> Beispiel </Name></q:Person>` +
		`<Kind w="ja"><Name>A</Name></Kind><q:Kind w="nein"><Name>B</Name></q:Kind></Antrag>`
	data, _, text := mapped(t, m, in)
	want := `{"art":"N","kinder":[{"n":"A","w":true},{"n":"B","w":false}],"lang":"de","name":"Beispiel","texte":["A","B"]}`
	if data != want {
		t.Errorf("%s %s\nwant %s", data, text, want)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	m := compiled(t, `format: json
type: de.test.geschehen.v1
id: {from: [/nr, /stand]}
case: /nr
time: {from: /am}
ags: {from: /ags}
data: {/x: {const: 1}}
`)
	event := func(in string) hub.Event {
		t.Helper()
		doc, err := m.Read([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.Event(doc, with1)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		return e
	}
	const one = `{"nr":"A-1","stand":1,"am":"01.02.2026","ags":"09162000"}`
	a, again := event(one), event(one)
	later := event(strings.ReplaceAll(one, `"stand":1`, `"stand":2`))
	if a.String() != again.String() {
		t.Error("the same input gives another event")
	}
	if a.ID() == later.ID() || a.Subject() != later.Subject() || a.Extensions()["correlationid"] != a.Subject() {
		t.Errorf("two events of one case:\n%s\n%s", a, later)
	}
	if strings.Contains(a.String(), "A-1") || len(a.Subject()) != 28 {
		t.Errorf("the case's number stands in the event:\n%s", a)
	}
	if got := a.Time().Format("2006-01-02T15:04:05Z07:00"); got != "2026-02-01T00:00:00+01:00" || a.Extensions()["ags"] != "09162000" {
		t.Errorf("time %s, ags %v", got, a.Extensions()["ags"])
	}
	if other, err := m.Event(mustRead(t, m, one), With{Source: "urn:test:a", Key: []byte("another")}); err != nil || other.Subject() == a.Subject() || other.ID() != a.ID() {
		t.Errorf("another key: %v\n%s", err, other)
	}
	if _, code, _ := mapped(t, m, strings.ReplaceAll(one, "09162000", "9162")); code != "bad-ags" {
		t.Errorf("a wrong ags: %q", code)
	}
	if _, code, _ := mapped(t, m, strings.ReplaceAll(one, "01.02.2026", "gestern")); code != "bad-date-time" {
		t.Errorf("a wrong time: %q", code)
	}
}

func mustRead(t testing.TB, m *Mapping, in string) Doc {
	t.Helper()
	doc, err := m.Read([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestWhenAndMeta(t *testing.T) {
	t.Parallel()
	a := compiled(t, "format: json\ntype: de.test.a.v1\nid: {meta: Webhook-Id}\nwhen: {/art: [a, b]}\ndata: {/x: {const: 1}}")
	b := compiled(t, "format: json\ntype: de.test.b.v1\nid: {meta: webhook-id}\ncorrelationid: {from: /v, optional: true}\nwhen: {/art: c}\ndata: {/x: {const: 1}}")
	for in, want := range map[string]string{
		`{"art":"b"}`: "de.test.a.v1", `{"art":"c"}`: "de.test.b.v1", `{"art":"d"}`: "no-mapping", `{}`: "no-mapping",
		`{"art":"c","v":"Erika Muster"}`: "bad-correlationid", `{"art":"c","v":"v-abcdefgh"}`: "de.test.b.v1",
	} {
		e, err := Set{a, b}.Event(mustRead(t, a, in), with1)
		got := ""
		if err != nil {
			got = hub.FaultOf(err).Code
		} else {
			got = e.Type()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// problemsOf lists what is wrong with a mapping file.
func problemsOf(err error) []string {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, one := range many.Unwrap() {
			out = append(out, problemsOf(one)...)
		}
		return out
	}
	if p, ok := errors.AsType[*hub.Problem](err); ok {
		return []string{p.Error()}
	}
	return []string{"not a Problem: " + err.Error()}
}
