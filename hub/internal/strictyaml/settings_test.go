package strictyaml

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

type common struct {
	Dir  string        `yaml:"dir"`
	Poll time.Duration `yaml:"poll"`
}

type example struct {
	Common   common            `yaml:",inline"`
	MaxBytes int64             `yaml:"max-bytes"`
	Retries  int               `yaml:"retries"`
	Ratio    float64           `yaml:"ratio"`
	Strict   bool              `yaml:"strict"`
	Port     uint16            `yaml:"port"`
	Leser    []string          `yaml:"leser"`
	Map      map[string]string `yaml:"map"`
	Nested   *struct {
		URL string `yaml:"url"`
	} `yaml:"nested"`
	Plain   string
	Free    any    `yaml:"free"`
	hidden  string //nolint:unused // must not be reachable
	Ignored string `yaml:"-"`
}

func settingsOf(t *testing.T, text string) *Settings {
	t.Helper()
	r := reader{List: &finding.List{}, file: "adapters/x.yaml"}
	root := r.parse([]byte(text))
	if root == nil || len(r.Found) > 0 {
		t.Fatal(r.Found)
	}
	return &Settings{root}
}

func TestDecode(t *testing.T) {
	s := settingsOf(t, `
dir: ./drop
poll: 1m30s
max-bytes: 40MiB
retries: 0x10
ratio: 0.5
strict: true
port: 443
leser: [a, "b c"]
map: {k: v}
nested: {url: "https://example.org"}
plain: |
  zwei
  Zeilen
free: {a: [1, x]}
`)
	got := example{Retries: 3}
	if err := s.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := example{
		Common: common{"./drop", 90 * time.Second}, MaxBytes: 40 << 20, Retries: 16, Ratio: 0.5, Strict: true, Port: 443,
		Leser: []string{"a", "b c"}, Map: map[string]string{"k": "v"}, Plain: "zwei\nZeilen\n",
		Free: map[string]any{"a": []any{"1", "x"}},
	}
	want.Nested = got.Nested
	if d := cmp.Diff(want, got, cmp.AllowUnexported(example{})); d != "" || got.Nested.URL != "https://example.org" {
		t.Error(d, got.Nested)
	}
}

// What is not given keeps its default; a key without value is not given.
func TestDecodeKeepsDefaults(t *testing.T) {
	got := example{Common: common{Poll: time.Second}, Leser: []string{"x"}, MaxBytes: 7}
	if err := settingsOf(t, "dir: a\nleser:\n").Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Common.Poll != time.Second || len(got.Leser) != 1 || got.MaxBytes != 7 || got.Common.Dir != "a" {
		t.Errorf("got %+v", got)
	}
	if err := (&Settings{}).OrEmpty(finding.Pos{File: "f", Line: 1, Column: 1}).Decode(&got); err != nil {
		t.Error(err)
	}
}

func TestDecodeReportsAll(t *testing.T) {
	s := settingsOf(t, `
dir: 5
poll: 1
max-bytes: 40 Megabyte
retries: 1.5
strict: yes
port: 70000
leser: a
map: [a]
nested: {uri: x}
hidden: x
Ignored: x
free: 1
`)
	var got example
	err := s.Decode(&got)
	if err == nil {
		t.Fatal("no error")
	}
	want := `adapters/x.yaml:2:6: VB-YML-004 error: This must be a text in quotes, not a whole number.
adapters/x.yaml:3:7: VB-YML-004 error: This must be a duration like 1s or 5m, not a whole number.
adapters/x.yaml:4:12: VB-YML-004 error: This must be a whole number or a size like 40MiB, not a text.
adapters/x.yaml:5:10: VB-YML-004 error: This must be a whole number (int), not a decimal number.
adapters/x.yaml:6:9: VB-YML-004 error: This must be true or false, not a text.
adapters/x.yaml:7:7: VB-YML-004 error: This must be a whole number (uint16), not a whole number.
adapters/x.yaml:8:8: VB-YML-004 error: This must be a list, not a text.
adapters/x.yaml:9:6: VB-YML-004 error: This must be a mapping (key: value), not a list.
adapters/x.yaml:10:10: VB-YML-002 error: The key uri does not exist here. Allowed: url.
adapters/x.yaml:11:1: VB-YML-002 error: The key hidden does not exist here. Allowed: dir, poll, max-bytes, retries, ratio, strict, port, leser, map, nested, plain, free.
adapters/x.yaml:12:1: VB-YML-002 error: The key Ignored does not exist here. Allowed: dir, poll, max-bytes, retries, ratio, strict, port, leser, map, nested, plain, free.`
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Error(d)
	}
	if err := s.Decode(got); err == nil {
		t.Error("decoded into a value that is no pointer")
	}
}

func TestErrorf(t *testing.T) {
	s := settingsOf(t, "dir: ./drop\nleser:\n  - \"ags:1\"\n  - \"ags:2\"\n")
	for key, want := range map[string]string{
		"":        "adapters/x.yaml:1:1: VB-ADP-008 error: settings: too bad",
		"dir":     "adapters/x.yaml:1:6: VB-ADP-008 error: dir: too bad",
		"leser.1": "adapters/x.yaml:4:5: VB-ADP-008 error: leser.1: too bad",
		"leser.7": "adapters/x.yaml:3:3: VB-ADP-008 error: leser.7: too bad",
		"fehlt":   "adapters/x.yaml:1:1: VB-ADP-008 error: fehlt: too bad",
	} {
		if got := s.Errorf(key, "too %s", "bad").Error(); got != want {
			t.Errorf("%s\n got %s\nwant %s", key, got, want)
		}
	}
}

func TestSettingsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.yaml")
	write(t, file, []byte("dir: a\n"))
	s, err := SettingsFile(file)
	var got example
	if err != nil || s.Decode(&got) != nil || got.Common.Dir != "a" {
		t.Error(err, got)
	}
	write(t, file, []byte("- a\n"))
	if _, err := SettingsFile(file); err == nil || !strings.Contains(err.Error(), "s.yaml:1:1: VB-YML-004") {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := SettingsFile(file); err == nil {
		t.Error("read a file that is not there")
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "512": 512, "1GiB": 1 << 30, "40 MiB": 40 << 20, "3B": 3, "2TiB": 2 << 40} {
		if got, ok := ParseSize(s); !ok || got != want {
			t.Errorf("ParseSize(%q) = %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "-1", "1.5GiB", "1GB", "GiB", "99999999TiB", "1 000"} {
		if got, ok := ParseSize(s); ok {
			t.Errorf("ParseSize(%q) = %d", s, got)
		}
	}
}

func write(t *testing.T, file string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
