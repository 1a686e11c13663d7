package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func check(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"check"}, args...), &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("stderr: %s", stderr.String())
	}
	return code, stdout.String()
}

func TestCheck(t *testing.T) {
	story := filepath.Join("..", "..", "..", "examples", "wohnsitzanmeldung")
	code, out := check(t, story)
	if code != 0 || !strings.Contains(out, "0 errors, 0 warnings (5 organisations, ") {
		t.Errorf("exit code %d: %s", code, out)
	}
	code, out = check(t, filepath.Join("..", "..", "..", "examples", "maengelmeldung"))
	if code != 0 || !strings.Contains(out, "0 errors, 0 warnings (2 organisations, ") {
		t.Errorf("exit code %d: %s", code, out)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "federation.yaml"), []byte("name: X\nenvironment: prod\nkind: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out = check(t, "--lang", "de", dir)
	want := `federation.yaml:2:14: VB-YML-007 error: Der Wert ist nicht erlaubt; erwartet: test | production.
federation.yaml:3:1: VB-YML-002 error: Den Schlüssel kind gibt es hier nicht. Erlaubt: name, environment, origin, simulators, console.
` + dir + ": 2 Fehler, 0 Warnungen\n"
	if code != 1 || out != want {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
