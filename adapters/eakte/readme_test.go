package eakte_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte"
)

// TestReadme runs the adapter's settings in README.md through the code that reads them.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "# adapters/eakte.yaml\n")
	block, _, _ = strings.Cut(block, "```")
	var file struct{ Settings map[string]any }
	if err := yaml.Unmarshal([]byte(block), &file); err != nil || len(file.Settings) == 0 {
		t.Fatal(file, err)
	}
	settings, err := yaml.Marshal(file.Settings)
	if err != nil {
		t.Fatal(err)
	}
	env := adaptertest.Env(t.TempDir())
	if _, err := eakte.Kind().Source(env, adaptertest.Settings(settings)); err != nil {
		t.Error(err)
	}
	if _, err := eakte.Kind().Sink(env, adaptertest.Settings(settings)); err != nil {
		t.Error(err)
	}
}
