// Package interop lets tests hold adapters against what others wrote: the
// material beside the project in ../shared, read in place, and xmllint.
//
// Where either is missing the test is skipped, visibly; with
// AMTSBOTE_INTEROP=must in the environment it fails instead.
package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Path gives a path below ../shared.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{moduleRoot(t), "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		Missing(t, path)
	}
	return path
}

// Lint validates a document with xmllint against a schema below ../shared and
// gives what xmllint says when it is not valid.
func Lint(t testing.TB, document []byte, schema ...string) (complaint string) {
	t.Helper()
	return LintAll(t, [][]byte{document}, schema...)
}

// LintAll validates several documents in one run of xmllint.
func LintAll(t testing.TB, documents [][]byte, schema ...string) (complaint string) {
	t.Helper()
	xsd := Path(t, schema...)
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		Missing(t, "xmllint")
	}
	args := []string{"--nonet", "--noout", "--schema", xsd}
	dir := t.TempDir()
	for i, document := range documents {
		file := filepath.Join(dir, fmt.Sprintf("document-%d.xml", i))
		if err := os.WriteFile(file, document, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.CommandContext(t.Context(), lint, args...).CombinedOutput() //nolint:gosec // a test's own paths
	if err != nil {
		return string(out)
	}
	return ""
}

// Missing skips a test for which something is missing on this machine, or fails it
// where everything must be there.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("AMTSBOTE_INTEROP") == "must" {
		t.Fatalf("%s is missing and AMTSBOTE_INTEROP=must", what)
	}
	t.Skipf("SKIPPED: %s is missing, interoperability was not tried", what)
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
