package akdb_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/okewo"
)

// TestReadme runs the YAML of README.md through the code that reads it.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, part := range regexp.MustCompile("```(yaml|text)\n").Split(string(text), -1)[1:] {
		block, _, _ := strings.Cut(part, "```")
		title, _, _ := strings.Cut(block, "\n")
		blocks[title] = block
	}
	env := adaptertest.Env(t.TempDir())
	env.Federation = env.Dir

	var file struct{ Settings map[string]any }
	if err := yaml.Unmarshal([]byte(blocks["# adapters/okewo.yaml"]), &file); err != nil {
		t.Fatal(err)
	}
	settings, err := yaml.Marshal(file.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := akdb.Kind().Source(env, adaptertest.Settings(settings)); err != nil {
		t.Error(err)
	}
	if _, err := akdb.Kind().Sink(env, adaptertest.Settings(settings)); err != nil {
		t.Error(err)
	}

	rules := filepath.Join(env.Federation, "okewo", "regeln.yaml")
	if err := os.MkdirAll(filepath.Dir(rules), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, []byte(blocks["# okewo/regeln.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	var federation struct {
		Simulators []struct{ Settings map[string]any }
	}
	if err := yaml.Unmarshal([]byte(blocks["# federation.yaml"]), &federation); err != nil || len(federation.Simulators) != 1 {
		t.Fatal(federation, err)
	}
	if settings, err = yaml.Marshal(federation.Simulators[0].Settings); err != nil {
		t.Fatal(err)
	}
	if err := okewo.Simulator().Run(ended(t), env, adaptertest.Settings(settings)); err != nil {
		t.Error(err)
	}
}
