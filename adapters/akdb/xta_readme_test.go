package akdb_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
)

// TestXTAReadme runs the YAML of README.md about XTA through the code that reads
// it, without the certificates, which are not there.
func TestXTAReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Through an XTA 2 server")
	if !found {
		t.Fatal("README.md has no section about XTA")
	}
	blocks := strings.Split(section, "```yaml\n")
	var adapter struct{ Settings map[string]any }
	var federation struct {
		Simulators []struct{ Settings map[string]any }
	}
	block := func(n int) []byte { part, _, _ := strings.Cut(blocks[n], "```"); return []byte(part) }
	if err := yaml.Unmarshal(block(1), &adapter); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(block(2), &federation); err != nil || len(federation.Simulators) != 1 {
		t.Fatal(federation, err)
	}
	delete(adapter.Settings, "tls")
	settings := dump(t, adapter.Settings)
	if _, err := akdb.XTA().Source(adaptertest.Env(t.TempDir()), settings); err != nil {
		t.Error(err)
	}
	if _, err := akdb.XTA().Sink(adaptertest.Env(t.TempDir()), settings); err != nil {
		t.Error(err)
	}
	federation.Simulators[0].Settings["listen"] = "127.0.0.1:0"
	if err := xtasim.Simulator().Run(ended(t), adaptertest.Env(t.TempDir()), dump(t, federation.Simulators[0].Settings)); err != nil {
		t.Error(err)
	}
}

func dump(t *testing.T, v any) adaptertest.Settings {
	t.Helper()
	b, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return adaptertest.Settings(b)
}
