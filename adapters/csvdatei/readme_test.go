package csvdatei_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/csvdatei"
)

var block = regexp.MustCompile("(?s)```(?:yaml|text)\n# (\\S+)\n(.*?)```")

// TestREADME does the walk-through with the files of the README, as far as the
// adapter goes; hub/cmd/amtsbote checks the whole directory.
func TestREADME(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{dir: t.TempDir()}
	adapters := []string{}
	for _, m := range block.FindAllStringSubmatch(string(b), -1) {
		if m[1] == "adapters/kasse.yaml" {
			adapters = append(adapters, m[2])
			continue
		}
		o.write(t, filepath.FromSlash(m[1]), m[2])
	}
	if len(adapters) != 2 {
		t.Fatalf("%d adapters in the README", len(adapters))
	}
	for i, text := range adapters {
		var adapter struct {
			Application string         `yaml:"application"`
			Kind        string         `yaml:"kind"`
			Settings    map[string]any `yaml:"settings"`
		}
		if err := yaml.Load([]byte(text), &adapter, yaml.WithKnownFields()); err != nil {
			t.Fatal(err)
		}
		settings, err := yaml.Marshal(adapter.Settings)
		if err != nil {
			t.Fatal(err)
		}
		events, err := csvdatei.Kind().Check(o.env(), adaptertest.Settings(settings))
		if err != nil || len(events) != 1 || adapter.Kind != "csv" {
			t.Fatalf("adapter %d: %v %v", i+1, events, err)
		}
		if i == 0 {
			o.settings = string(settings) + "poll: 2ms\n"
		}
	}
	adaptertest.Mappings(t, o.dir)
	if _, err := o.source(); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(o.dir, "mappings", "beispiele", "zahlungen.csv"))
	if err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	if err := os.WriteFile(filepath.Join(o.dir, "drop", "kasse", "in", "zahlungen.csv"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	o.play(t, in, func() bool {
		aside, _ := filepath.Glob(filepath.Join(o.dir, "drop", "kasse", "error", "zahlungen.*.zeilen.csv.fehler.json"))
		return len(in.Events()) == 1 && len(aside) == 1
	})
}

// TestREADMETables: each setting has its row, with its default.
func TestREADMETables(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := "`dir`, `in`, `work`, `done`, `error`, `poll`, `sidecar`"
	for _, settings := range csvdatei.Defaults() {
		v := reflect.ValueOf(settings)
		for i := range v.NumField() {
			key, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			switch {
			case options == "inline" || key == "sftp", key == "address", key == "user", key == "password-file":
				continue
			}
			value := ""
			if !v.Field(i).IsZero() {
				value = strings.Replace(fmt.Sprintf("`%v` ", v.Field(i).Interface()), "1m0s", "1m", 1)
			}
			if row := fmt.Sprintf("| `%s` | %s|", key, value); !strings.Contains(string(b), row) {
				t.Errorf("no row begins %s", row)
			}
		}
	}
	if !strings.Contains(string(b), folder) {
		t.Errorf("no row for %s", folder)
	}
}
