package interop

import (
	"bytes"
	"os/exec"
	"testing"
)

// debianPython is the interpreter that has Debian's python3-* packages; another one
// in the PATH need not have them.
const debianPython = "/usr/bin/python3"

// Python runs a script with the modules that it imports, gives it input, and gives
// what it prints.
func Python(t testing.TB, script string, input []byte, modules ...string) []byte {
	t.Helper()
	for _, m := range modules {
		if err := exec.CommandContext(t.Context(), debianPython, "-c", "import "+m).Run(); err != nil { //nolint:gosec // a test's own names
			Missing(t, debianPython+" with the module "+m)
		}
	}
	cmd := exec.CommandContext(t.Context(), debianPython, "-c", script) //nolint:gosec // a test's own script
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("python: %v\n%s", err, complaint.String())
	}
	return out.Bytes()
}
