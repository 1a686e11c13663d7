package phoenix_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
	"github.com/amtsbote/amtsbote/hub"
)

// TestReadme runs the YAML of README.md through the code that reads it.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "geheim"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"matrix", "nextcloud", "mail"} {
		write(t, filepath.Join(dir, "geheim"), name, "geheim")
	}
	kinds := map[string]hub.Kind{}
	for _, k := range []hub.Kind{phoenix.Matrix(), phoenix.Nextcloud(), phoenix.Mail(), phoenix.WebDAV()} {
		kinds[k.Name] = k
	}
	production := env(dir)
	production.Production = true
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		var file struct {
			Kind       string
			Settings   map[string]any
			Simulators []struct{ Settings map[string]any }
		}
		if err := yaml.Unmarshal([]byte(block), &file); err != nil {
			t.Fatal(err)
		}
		if len(file.Simulators) == 1 {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			simulator := file.Simulators[0].Settings
			simulator["listen"] = "127.0.0.1:0"
			if err := phoenixsim.Simulator().Run(ended, env(dir), dump(t, simulator)); err != nil {
				t.Error(err)
			}
			continue
		}
		k := kinds[file.Kind]
		if k.Sink == nil {
			t.Errorf("kind %q", file.Kind)
			continue
		}
		delete(kinds, file.Kind)
		if _, err := k.Sink(production, dump(t, file.Settings)); err != nil {
			t.Error(err)
		}
	}
	if len(kinds) != 0 {
		t.Errorf("kinds without an example: %v", kinds)
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
