package schemas

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// needed are the legal bases of the workflows W1 to W11 and of the examples.
var needed = []string{
	// W1 Wohnsitzanmeldung, W2 Wegzug
	"BMG-17-1", "BMG-17-2", "BMG-23a", "BMG-24-2", "BMG-33-1", "BMG-33-2", "BMG-37", "OZG-8a", "OZG-9",
	"FZV-15-1", "AufenthV-72", "MeldDVBY-15", "MeldDVBYAbfall", "SGBVIII-24", "WaffG-44",
	// W3 Geburt, W4 Sterbefall
	"PStG-18", "BMG-17-4", "PStV-57", "AO-139b", "BEEG-7", "BEEG-25", "PStG-68-3",
	"PStG-28", "PStV-60", "SGBVI-196-2", "SGBX-101a",
	// W5 Gewerbe, W6 Bewohnerparkausweis
	"GewO-14-1", "GewO-14-6", "GewO-14-8", "GewO-15-1", "StVO-45-1b", "StVG-35", "StVG-36", "StVG-6a-5a",
	// W7 Bauantrag
	"BayBO", "BayBO-65-1", "BayBO-65-2", "BayBO-68", "BayBO-68-2", "BauGB-36", "BayVwVfG-42a",
	// W8 Mängelmeldung, W9 Termin
	"DSGVO-6-1c", "DSGVO-6-1e", "BayDSG-4",
	// W10 Erzwingungshaft, W11 Ausländerbehörde
	"OWiG-96", "OWiG-97", "GVG-36", "AufenthG-90a", "BMG-6",
}

// The keys of an entry in their order.
var rechtKeys = []string{
	"key", "norm", "statute", "title", "title-en", "says", "says-en", "checked", "ungeprueft",
	"transfer", "from", "to", "fields", "transport", "blocks",
}

// lawLines is an entry read line by line: enough for one that keeps to the form.
// The strict reading is tested where laws are compiled.
type lawLines struct {
	order  []string
	values map[string]string
	fields map[string][]string // by event type
}

func readLaw(t *testing.T, name string) lawLines {
	t.Helper()
	text, err := fs.ReadFile(Recht(), name)
	if err != nil {
		t.Fatal(err)
	}
	l := lawLines{values: map[string]string{}, fields: map[string][]string{}}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok:
			t.Errorf("%s: not key: value: %q", name, line)
		case strings.HasPrefix(key, "  "):
			l.fields[strings.TrimSpace(key)] = items(value)
		default:
			l.order = append(l.order, key)
			l.values[key] = value
		}
	}
	return l
}

// items reads a list in one line: [a, b].
func items(list string) []string {
	inner := strings.TrimSuffix(strings.TrimPrefix(list, "["), "]")
	if inner == "" {
		return nil
	}
	return strings.Split(inner, ", ")
}

func lawNames(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(Recht(), "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

func TestLawsNeeded(t *testing.T) {
	names := lawNames(t)
	for _, key := range needed {
		if !slices.Contains(names, key+".yaml") {
			t.Errorf("recht/%s.yaml is missing", key)
		}
	}
	entries, err := fs.ReadDir(Recht(), ".")
	if err != nil || len(entries) != len(names) {
		t.Errorf("%d entries, %d laws, %v: Recht holds laws only", len(entries), len(names), err)
	}
}

func TestLawsKeepTheForm(t *testing.T) {
	key := regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(-[0-9]+[a-z]?[A-Za-z0-9]*)*$`)
	day := regexp.MustCompile(`^20[0-9]{2}-[01][0-9]-[0-3][0-9]$`)
	for _, name := range lawNames(t) {
		l := readLaw(t, name)
		if v := l.values["key"]; v+path.Ext(name) != name || !key.MatchString(v) {
			t.Errorf("%s: key is %q", name, v)
		}
		at := func(k string) int { return slices.Index(rechtKeys, k) }
		for i, k := range l.order {
			if at(k) < 0 || i > 0 && at(k) <= at(l.order[i-1]) {
				t.Errorf("%s: %s is unknown, twice or not in its place", name, k)
			}
		}
		for _, k := range []string{"norm", "statute", "title", "title-en", "says", "says-en"} {
			if len(strings.Trim(l.values[k], `"`)) < 4 {
				t.Errorf("%s: %s is missing", name, k)
			}
		}
		checked, isChecked := l.values["checked"]
		reason, isUngeprueft := l.values["ungeprueft"]
		if isChecked == isUngeprueft || isChecked && !day.MatchString(checked) || isUngeprueft && len(reason) < 10 {
			t.Errorf("%s: exactly one of checked (a day) and ungeprueft (a reason)", name)
		}
		if !slices.Contains([]string{"within-unit", "between-units", "any"}, l.values["transfer"]) {
			t.Errorf("%s: transfer is %q", name, l.values["transfer"])
		}
	}
}

// TestLawsOfBlocks: a law that nobody has checked lets no block pass.
func TestLawsOfBlocks(t *testing.T) {
	s, _ := embeddedForTest(t).Lookup("de.meldewesen.wohnung-angemeldet.v1")
	known := map[string]bool{}
	for _, block := range s.Sperren {
		known[block.Name] = true
	}
	for _, name := range lawNames(t) {
		l := readLaw(t, name)
		blocks, has := l.values["blocks"]
		if has && l.values["ungeprueft"] != "" {
			t.Errorf("%s: ungeprueft, yet it lets %s pass", name, blocks)
		}
		for _, block := range items(blocks) {
			if !known[block] {
				t.Errorf("%s: no schema knows the block %q", name, block)
			}
		}
	}
}

func TestLawsNameFieldsThatExist(t *testing.T) {
	r := embeddedForTest(t)
	for _, name := range lawNames(t) {
		l := readLaw(t, name)
		if _, has := l.values["fields"]; has != (len(l.fields) > 0) {
			t.Errorf("%s: fields without types, or the reverse", name)
		}
		for typ, pointers := range l.fields {
			s, ok := r.Lookup(typ)
			if !ok {
				t.Errorf("%s: no type %s", name, typ)
				continue
			}
			for _, pointer := range pointers {
				if !slices.ContainsFunc(s.Fields(), func(f Field) bool { return f.Pointer == pointer }) {
					t.Errorf("%s: %s has no field %s", name, typ, pointer)
				}
			}
		}
	}
}

// TestLawsInTheReadme holds the README to the files: its example is an entry,
// and it says what each office is.
func TestLawsInTheReadme(t *testing.T) {
	readme, err := os.ReadFile("recht/README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(readme)
	_, rest, _ := strings.Cut(text, "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	file, err := fs.ReadFile(Recht(), "AufenthV-72.yaml")
	if !ok || err != nil || example != string(file) {
		t.Errorf("the example is not AufenthV-72.yaml: %v\n%s", err, example)
	}
	for _, name := range lawNames(t) {
		l := readLaw(t, name)
		for _, office := range slices.Concat(items(l.values["from"]), items(l.values["to"])) {
			if !strings.Contains(text, "| `"+office+"` |") {
				t.Errorf("%s: the README does not explain the office %s", name, office)
			}
		}
	}
}
