package webhookin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/webhookin"
)

var (
	file    = regexp.MustCompile("(?s)```yaml\n# (\\S+)\n(.*?)```")
	example = regexp.MustCompile("(?s)```json\n(.*?)```")
)

// TestREADME checks the adapter and the mapping of the README, with its example.
func TestREADME(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{dir: t.TempDir()}
	for _, m := range file.FindAllStringSubmatch(string(b), -1) {
		h.write(t, m[1], m[2])
	}
	h.write(t, "mappings/beispiele/zahlung.json", example.FindStringSubmatch(string(b))[1])
	raw, err := os.ReadFile(filepath.Join(h.dir, "adapters", "meldungen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var adapter struct {
		Settings map[string]any `yaml:"settings"`
	}
	if err := yaml.Load(raw, &adapter); err != nil {
		t.Fatal(err)
	}
	settings, err := yaml.Marshal(adapter.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if events, err := webhookin.Kind().Check(h.env(), adaptertest.Settings(settings)); err != nil || len(events) != 1 {
		t.Errorf("%v %v", events, err)
	}
	adaptertest.Mappings(t, h.dir)
}
