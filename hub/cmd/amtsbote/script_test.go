package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// readmeHTTP writes the commands of the section HTTP of hub/README.md to a file, for
// the script http.
func readmeHTTP(dir string) error {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		return err
	}
	_, section, _ := strings.Cut(string(text), "\n## HTTP\n")
	_, block, _ := strings.Cut(section, "```sh\n")
	commands, _, found := strings.Cut(block, "```")
	if !found {
		return errors.New("hub/README.md has no commands in its section HTTP")
	}
	return os.WriteFile(filepath.Join(dir, "readme-http.sh"), []byte(commands), 0o600)
}

// TestMain lets scripts run the real main as the command amtsbote.
func TestMain(m *testing.M) {
	testscript.Main(inFolder{m}, map[string]func(){"amtsbote": main, "eased": eased, "notExecuted": notExecuted, "spared": spared})
}

// inFolder runs the tests with a folder for the binaries that they build.
type inFolder struct{ m *testing.M }

func (f inFolder) Run() int {
	var err error
	if hubs.dir, err = os.MkdirTemp("", "hubs"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(hubs.dir) }()
	return f.m.Run()
}

// TestScripts runs the commands as people type them, each a process of its own: under the
// race detector they took a quarter of an hour to start.
func TestScripts(t *testing.T) {
	notRaced(t)
	examples, err := filepath.Abs(filepath.Join("..", "..", "..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			// the data directories of the scripts do not lie below this one
			tmp := filepath.Join(e.WorkDir, "tmp")
			e.Setenv("TMPDIR", tmp)
			if err := os.MkdirAll(tmp, 0o700); err != nil {
				return err
			}
			return readmeHTTP(e.WorkDir)
		},
	})
}
