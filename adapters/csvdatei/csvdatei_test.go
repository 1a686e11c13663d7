package csvdatei_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/csvdatei"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: newOrigin})
}

const mappingText = `format: csv
type: de.test.geschehen.v1
csv: {separator: ";", unknown-columns: ignore}
case: Vorgang
data:
  /betrag: {from: Betrag, as: number, decimal: ","}
  /name: Name
beispiele:
  - {input: mappings/beispiel.csv, expect: {betrag: 12.50, name: Beispiel}}
  - {input: mappings/beispiel.csv, line: 3, refused: bad-number}
`

const beispiel = "Vorgang;Betrag;Name\n1;12,50;Beispiel\n2;viel;Beispiel\n"

const settings = "source: urn:test:a\nmapping: mappings/m.yaml\ndir: drop\npoll: 2ms\nmax-bytes: 4096\nmax-bad-rows: 2\n"

// office is an office that drops CSV files.
type office struct {
	dir      string
	settings string
	n        int
	patience time.Duration // beyond the usual
}

func newOffice(t testing.TB, settings string) *office {
	t.Helper()
	o := &office{dir: t.TempDir(), settings: settings}
	o.write(t, filepath.Join("mappings", "m.yaml"), mappingText)
	o.write(t, filepath.Join("mappings", "beispiel.csv"), beispiel)
	if _, err := o.source(); err != nil { // makes the directories
		t.Fatal(err)
	}
	return o
}

func (o *office) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (o *office) env() hub.Env {
	env := adaptertest.Env(o.dir)
	env.Federation = o.dir
	return env
}

func (o *office) source() (hub.Source, error) {
	return csvdatei.Kind().Source(o.env(), adaptertest.Settings(o.settings))
}

func (o *office) name() string {
	o.n++
	return fmt.Sprintf("liste-%04d.csv", o.n)
}

// drop puts a file into the folder as a whole.
func (o *office) drop(name, content string) error {
	path := filepath.Join(o.dir, "drop", "in", name)
	if err := os.WriteFile(path+".part", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func newOrigin(t testing.TB) adaptertest.Origin {
	t.Helper()
	o := newOffice(t, settings)
	bad := func(name, content string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error { return o.drop(o.name(), content) }}
	}
	return adaptertest.Origin{
		Source: o.source, Input: o.input, SetAside: o.setAside,
		Bad: []adaptertest.Input{
			bad("a bad value", "Vorgang;Betrag;Name\n1;viel;Beispiel\n"),
			bad("a bad row", "Vorgang;Betrag;Name\n1;1\n"),
			bad("an open quotation", "Vorgang;Betrag;Name\n\"1;1;Beispiel\n"),
			bad("no header", ""),
			bad("a missing column", "Vorgang;Name\n1;Beispiel\n"),
			bad("not UTF-8", "Vorgang;Betrag;Name\n1;1;M\xfcller\n"),
			bad("too many bad rows", "Vorgang;Betrag;Name\n"+strings.Repeat("1;viel;Beispiel\n", 3)),
			bad("too large", "Vorgang;Betrag;Name\n"+strings.Repeat("1;1;Beispiel\n", 400)),
			{Name: "a link", Put: func() error { return os.Symlink("/etc/hostname", filepath.Join(o.dir, "drop", "in", o.name())) }},
		},
	}
}

// input is a file of two rows; the ids come of the file, so that they are known
// only when it is there.
func (o *office) input(n int) adaptertest.Input {
	name := fmt.Sprintf("gut-%04d.csv", n)
	content := fmt.Sprintf("Vorgang;Betrag;Name;Rest\nV-%d;12,50;Beispiel;x\nV-%d;13,00;Beispiel;y\n", n, n)
	var want []adaptertest.Want
	for line, betrag := range map[int]string{2: "12.50", 3: "13.00"} {
		want = append(want, adaptertest.Want{
			EventRef: hub.EventRef{Source: "urn:test:a", ID: csvdatei.RowID(content, name, line), Type: "de.test.geschehen.v1"},
			Check: func(e hub.Event) error {
				if got := string(e.Data()); got != `{"betrag":`+betrag+`,"name":"Beispiel"}` {
					return fmt.Errorf("data %s", got)
				}
				return nil
			},
		})
	}
	if want[0].ID != csvdatei.RowID(content, name, 2) {
		want[0], want[1] = want[1], want[0]
	}
	return adaptertest.Input{Put: func() error { return o.drop(name, content) }, Want: want}
}

// reports gives what lies in error/, by file name.
func (o *office) reports() (map[string]string, error) {
	reports, err := filepath.Glob(filepath.Join(o.dir, "drop", "error", "*.fehler.json"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, name := range reports {
		if _, err := os.Lstat(strings.TrimSuffix(name, ".fehler.json")); err != nil {
			continue // the file follows its report
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var report struct{ Code, Text string }
		if err := json.Unmarshal(b, &report); err != nil {
			return nil, err
		}
		out[strings.TrimSuffix(filepath.Base(name), ".fehler.json")] = report.Code + " " + report.Text
	}
	return out, nil
}

func (o *office) setAside() ([]string, error) {
	reports, err := o.reports()
	var out []string
	for _, text := range reports {
		out = append(out, text)
	}
	return out, err
}
