package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the real main as the command amtsbote.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"amtsbote": main})
}

// TestScripts runs the commands as people type them.
func TestScripts(t *testing.T) {
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
			return os.MkdirAll(tmp, 0o700)
		},
	})
}
