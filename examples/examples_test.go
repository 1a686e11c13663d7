package examples_test

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/examples"
)

// TestPorts: the stories can be served at the same time, so no two have a port in common.
func TestPorts(t *testing.T) {
	t.Parallel()
	port := regexp.MustCompile(`(?:127\.0\.0\.1:|kafka-port: )([0-9]+)`)
	story := map[string]string{}
	err := fs.WalkDir(examples.Stories, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		own, _, _ := strings.Cut(name, "/")
		text, err := fs.ReadFile(examples.Stories, name)
		for _, m := range port.FindAllSubmatch(text, -1) {
			if other, taken := story[string(m[1])]; taken && other != own {
				t.Errorf("%s: port %s is that of the story %s", name, m[1], other)
			}
			story[string(m[1])] = own
		}
		return err
	})
	if err != nil || len(story) < 10 {
		t.Errorf("%d ports: %v", len(story), err)
	}
}
