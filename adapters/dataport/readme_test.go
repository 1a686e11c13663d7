package dataport_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
)

// TestReadme runs the YAML of README.md through the code that reads it: the
// simulator makes the keys that the adapter has.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")
	block := func(n int) []byte { part, _, _ := strings.Cut(blocks[n], "```"); return []byte(part) }
	var adapter struct{ Settings map[string]any }
	var federation struct {
		Simulators []struct{ Settings map[string]any }
	}
	if err := yaml.Unmarshal(block(1), &adapter); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(block(2), &federation); err != nil || len(federation.Simulators) != 1 {
		t.Fatal(federation, err)
	}
	env := adaptertest.Env(t.TempDir())
	env.Federation = env.Dir
	if err := os.Mkdir(filepath.Join(env.Dir, "fit"), 0o750); err != nil {
		t.Fatal(err)
	}
	former, err := keys()[1].WriteJWK(fit.Decryption)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"client": []byte("geheim"), "callback": []byte("geheim"), "2025.jwk": former} {
		if err := os.WriteFile(filepath.Join(env.Dir, "fit", name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	simulator := federation.Simulators[0].Settings
	simulator["listen"], simulator["bits"] = "127.0.0.1:0", 2048
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fitsim.Simulator().Run(ended, env, dump(t, simulator)); err != nil {
		t.Fatal(err)
	}
	if _, err := dataport.Kind().Source(env, dump(t, adapter.Settings)); err != nil {
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
