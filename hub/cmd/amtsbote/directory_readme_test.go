package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n# (\\S+)\n(.*?)```")

// TestReadmeOfTheDirectory: the YAML of examples/README.md, put together, is a
// directory in which check finds nothing wrong, approvals and examples included.
func TestReadmeOfTheDirectory(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		file := filepath.Join(dir, filepath.FromSlash(block[1]))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(block[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out := check(t, dir)
	if code != 0 || !strings.Contains(out, "0 errors, 0 warnings (3 organisations, 2 agreements, 1 adapters, ") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
