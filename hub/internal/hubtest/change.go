package hubtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// Sache is a type that AddType can bring into the test federation.
const Sache = "de.test.sache.v1"

// Changed gives the test federation, compiled after edit has worked on its
// directory.
func Changed(tb testing.TB, edit ...func(tb testing.TB, dir string)) *federation.Federation {
	tb.Helper()
	dir := tb.TempDir()
	WriteFederation(tb, dir)
	for _, fn := range edit {
		fn(tb, dir)
	}
	fed, findings := federation.Load(dir, noKinds{})
	if fed == nil {
		tb.Fatalf("the test federation has findings: %v", findings)
	}
	return fed
}

// AddSache adds the type Sache, which goes to beta.one whole.
func AddSache(tb testing.TB, dir string) {
	tb.Helper()
	from, to := filepath.Join(dir, "schemas", Ding), filepath.Join(dir, "schemas", Sache)
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		tb.Fatal(err)
	}
	rewrite(tb, filepath.Join(to, "schema.json"), filepath.Join(to, "schema.json"))
	rewrite(tb, filepath.Join(dir, "agreements", "ding-eins.yaml"), filepath.Join(dir, "agreements", "sache-eins.yaml"))
}

func rewrite(tb testing.TB, from, to string) {
	tb.Helper()
	content, err := os.ReadFile(from) //nolint:gosec // the test's own directory
	if err == nil {
		text := strings.NewReplacer(Ding, Sache, "ding-eins", "sache-eins").Replace(string(content))
		err = os.WriteFile(to, []byte(text), 0o600) //nolint:gosec // the test's own directory
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// RemoveDing takes the type Ding and its agreements out of the directory.
func RemoveDing(tb testing.TB, dir string) {
	tb.Helper()
	for _, path := range []string{"schemas/" + Ding, "agreements/ding-eins.yaml", "agreements/ding-zwei.yaml"} {
		if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			tb.Fatal(err)
		}
	}
}
