package adaptertest

import (
	"path"
	"path/filepath"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
)

// Mappings reads every mapping file of a federation directory (*.yaml in the folder
// mappings but the list of FIM ids), and runs its examples, each as a subtest.
func Mappings(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "mappings", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		name := path.Join("mappings", filepath.Base(file))
		if name == mapping.FIMFile {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			m, err := mapping.Load(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			events, err := m.Try("urn:example:test")
			if err != nil {
				t.Error(err)
			}
			for _, e := range events {
				if err := e.Validate(); err != nil {
					t.Errorf("an example becomes no valid event: %v", err)
				}
			}
		})
	}
	if tried == 0 {
		t.Errorf("%s has no mapping", dir)
	}
}
