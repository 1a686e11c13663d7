package open311_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
)

// The YAML of README.md is read by the code that reads it in life.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	for _, block := range blocks {
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
		env.Production = true
		if _, err := open311.Kind().Check(env, adaptertest.Settings(settings)); err != nil {
			t.Error(err)
		}
	}
	if len(blocks) != 2 {
		t.Errorf("%d examples", len(blocks))
	}
}
