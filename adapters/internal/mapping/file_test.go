package mapping

import (
	"strings"
	"testing"
)

// TestProblems: what is wrong with a file is told with its place, all at once.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want []string // beginnings
	}{
		{"format: yaml\n", []string{"mappings/m.yaml:1:1: format: must be json, xml or csv"}},
		{"format: json\nfarbe: rot\n", []string{"mappings/m.yaml:2:1: "}},
		{"format: json\nformat: xml\n", []string{"mappings/m.yaml:2:1: "}},
		{"format: json\ntype: [x]\n", []string{"mappings/m.yaml:2:7: "}},
		{"format: &a json\ntype: *a\n", []string{"mappings/m.yaml:1:1: has anchors"}},
		{"format: json\ntype: Gebuehr\nid: {}\n", []string{
			"mappings/m.yaml:2:1: type: must be",
			"mappings/m.yaml:3:1: id: must have one of",
			"mappings/m.yaml:1:1: beispiele: is missing",
		}},
		{jsonHead + `case: {each: /x}
data:
  /a: {from: x}
  /a/b: {from: /x, as: datum}
  /c: {from: /x, const: 1}
  /d: {from: /x, as: date, formats: MM.yyyy}
  /e: {from: /x, as: date, formats: qq}
  /f: {from: /x, decimal: ","}
  /g: {from: /x, as: enum}
  /h: {from: /x, fim: F99999999}
  /i: /G06001617/F12345678
  /j: {each: /x, as: integer, item: {/k: {from: y}}}
  k: /x
  /l: {from: /x, optional: true, default: 1}
  /m: {from: /x, as: date-time, zone: Mond}
beispiele:
  - {input: ../x, expect: {}}
  - {input: x}
  - {expect: {}}
  - {input: x, expect: {}, attributes: {id: x}}
  - {input: x, line: 3, refused: y}
`, []string{
			"mappings/m.yaml:4:8: case each: an attribute is no list",
			"mappings/m.yaml:6:8: data /a from: is no JSON Pointer",
			"mappings/m.yaml:7:3: data /a/b: lies within /a",
			"mappings/m.yaml:7:20: data /a/b as: must be",
			"mappings/m.yaml:8:3: data /c: must have one of",
			"mappings/m.yaml:9:28: data /d formats: the format MM.yyyy has no day",
			"mappings/m.yaml:10:28: data /e formats: the format qq has a letter",
			"mappings/m.yaml:11:18: data /f decimal: belongs to as: number | cents",
			"mappings/m.yaml:12:3: data /g table: is missing",
			"mappings/m.yaml:13:18: data /h fim: F99999999 is no known id",
			"mappings/m.yaml:14:3: data /i from: F12345678 is no known id",
			"mappings/m.yaml:15:",
			"mappings/m.yaml:15:",
			"mappings/m.yaml:17:", // optional and default
			"mappings/m.yaml:18:",
			"mappings/m.yaml:16:3: data k: the target is no JSON Pointer",
			"mappings/m.yaml:21:5: beispiele 2: must have one of expect",
			"mappings/m.yaml:22:5: beispiele 3: input is missing",
			"mappings/m.yaml:23:",
			"mappings/m.yaml:24:",
		}},
		{"format: csv\ntype: de.test.a.v1\ncsv: {separator: ab}\nnamespaces: {a: b}\ndata: {/a: {each: x}}\nbeispiele: [{input: x, refused: y}]\n", []string{
			"mappings/m.yaml:3:7: csv separator: must be one character",
			"mappings/m.yaml:4:1: namespaces: belongs to format: xml",
			"mappings/m.yaml:5:13: data /a each: a row has no lists",
		}},
		{"format: xml\ntype: de.test.a.v1\nid: {from: /A/b}\ndata: {/a: /A/x:b, /b: A, /c: /@a, /d: /A/@a/b}\nlimits: {bytes: -1}\nbeispiele: [{input: x, refused: y}]\n", []string{
			"mappings/m.yaml:5:10: limits bytes: must be",
			"mappings/m.yaml:4:8: data /a from: the prefix x",
			"mappings/m.yaml:4:", "mappings/m.yaml:4:", "mappings/m.yaml:4:",
		}},
	} {
		dir := write(t, map[string]string{"mappings/m.yaml": tc.text})
		_, err := Load(dir, "mappings/m.yaml")
		got := problemsOf(err)
		missing := []string{}
		rest := append([]string{}, got...)
		for _, w := range tc.want {
			found := false
			for i, g := range rest {
				if strings.HasPrefix(g, w) {
					rest, found = append(rest[:i], rest[i+1:]...), true
					break
				}
			}
			if !found {
				missing = append(missing, w)
			}
		}
		if len(missing) > 0 || len(rest) > 0 {
			t.Errorf("%s\nmissing:\n%s\nbeyond:\n%s", tc.text, strings.Join(missing, "\n"), strings.Join(rest, "\n"))
		}
	}
}

func TestFilesOutsideAreNotRead(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a.yaml": "x"})
	for _, name := range []string{"../a.yaml", "/etc/hostname", "mappings/none.yaml", ""} {
		if _, err := Load(dir, name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestFIMOfTheDirectory(t *testing.T) {
	t.Parallel()
	text := jsonHead + "data: {/a: {from: /F60000227, fim: F60000227}, /b: {from: /x, fim: [F99999999, F60000228]}}\nbeispiele: [{input: x, refused: y}]\n"
	for fim, want := range map[string]int{"F99999999: Prüffeld\n": 0, "F11111111: anderes\n": 1, "F9: x\n": 1, "[x\n": 1} {
		dir := write(t, map[string]string{"mappings/m.yaml": text, FIMFile: fim})
		if _, err := Load(dir, "mappings/m.yaml"); len(problemsOf(err)) != want {
			t.Errorf("%q: %v, want %d problems", fim, err, want)
		}
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	text := jsonHead + `data: {/a/b: {from: /b, as: number}, /c: {from: /c, optional: true}}
time: {from: /am, optional: true}
beispiele:
  - {input: mappings/gut.json, expect: {a: {b: 1.50}}}
  - {input: mappings/gut.json, expect: {a: {b: 2}}}
  - {input: mappings/gut.json, expect: {a: {b: "1.5"}, c: x}}
  - {input: mappings/gut.json, refused: missing}
  - {input: mappings/schlecht.json, refused: bad-number}
  - {input: mappings/schlecht.json, refused: missing}
  - {input: mappings/schlecht.json, expect: {}}
  - {input: mappings/fehlt.json, expect: {}}
  - {input: mappings/am.json, expect: {a: {b: 1}, c: c}, attributes: {time: "2026-01-31T23:00:00Z"}}
  - {input: mappings/am.json, expect: {a: {b: 1}, c: c}, attributes: {time: "2026-01-31T00:00:00Z", ags: "1"}}
`
	dir := write(t, map[string]string{
		"mappings/m.yaml": text, "mappings/gut.json": `{"b":1.5}`, "mappings/schlecht.json": `{"b":"geheim"}`,
		"mappings/am.json": `{"b":1,"c":"c","am":"01.02.2026"}`,
	})
	m, err := Load(dir, "mappings/m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	events, err := m.Try("urn:test:a")
	got := strings.Join(problemsOf(err), "\n")
	want := `mappings/m.yaml:8:50: beispiele 2 expect a b: the event has another value, or one of another type
mappings/m.yaml:9:50: beispiele 3 expect a b: the event has another value, or one of another type
mappings/m.yaml:9:60: beispiele 3 expect c: is expected, and the event has it not
mappings/m.yaml:10:33: beispiele 4 refused: becomes an event
mappings/m.yaml:12:38: beispiele 6 refused: is refused as bad-number
mappings/m.yaml:13:5: beispiele 7: is refused: bad-number: mapping, rule data /a/b: no number stands there
mappings/m.yaml:14:5: beispiele 8: is refused: mappings/fehlt.json:0:0: cannot be opened: is it there, may the hub read it?
mappings/m.yaml:16:74: beispiele 10 attributes ags: the event has another (time is compared in UTC)
mappings/m.yaml:16:74: beispiele 10 attributes time: the event has another (time is compared in UTC)`
	if tidy(got) != tidy(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(events) != 5 || events[0].Source() != "urn:test:a" {
		t.Errorf("%d events", len(events))
	}
}

// tidy leaves the columns out, which follow the flow style of the file.
func tidy(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		at, rest, _ := strings.Cut(line, ": ")
		parts := strings.Split(at, ":")
		out = append(out, strings.Join(parts[:2], ":")+": "+rest)
	}
	return strings.Join(out, "\n")
}

func TestCSVExample(t *testing.T) {
	t.Parallel()
	text := `format: csv
type: de.test.geschehen.v1
csv: {encoding: windows-1252}
data: {/name: Straße, /n: {from: n, as: integer}}
beispiele:
  - {input: mappings/liste.csv, expect: {name: Öder Weg, n: 1}}
  - {input: mappings/liste.csv, line: 3, refused: bad-integer}
  - {input: mappings/liste.csv, line: 4, refused: bad-row}
  - {input: mappings/liste.csv, line: 9, refused: no-row}
`
	dir := write(t, map[string]string{"mappings/m.yaml": text, "mappings/liste.csv": "Stra\xdfe;n\r\n\xd6der Weg;1\r\nx;y\r\nz\r\n"})
	m, err := Load(dir, "mappings/m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if events, err := m.Try("urn:test:a"); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}
