package adaptertest

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestContractsAreQuoted holds the suite to the comments in package hub: what a
// failure quotes must stand there.
func TestContractsAreQuoted(t *testing.T) {
	text := hubComments(t)
	quotes := map[string]string{}
	for _, c := range sourceChecks() {
		quotes[c.name] = c.contract
	}
	for _, c := range sinkChecks() {
		quotes[c.name] = c.contract
	}
	for name, quote := range quotes {
		if !strings.Contains(text, quote) {
			t.Errorf("check %q quotes what package hub does not say: %q", name, quote)
		}
	}
}

func hubComments(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "hub", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("find package hub: %v", err)
	}
	var all strings.Builder
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range file.Comments {
			all.WriteString(c.Text() + "\n")
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}
