package akdb_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// TestRealMessages drops every message that others wrote: each becomes an event
// that is valid by its schema, or is set aside for a reason that is known here.
func TestRealMessages(t *testing.T) {
	const yaml = "{dir: ., poll: 1ms, source: 'urn:de:dvdv:', ohne-kennung: 'ags:09162000'}"
	events, aside := 0, 0
	for _, file := range realMessages(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in, reasons := take(t, adaptertest.Env(t.TempDir()), yaml, "m.xml", string(content))
		switch {
		case len(in.Events()) == 1:
			events++
			valid(t, in.Events()[0])
		case len(reasons) == 1 && strings.Contains(reasons[0], "no XÖV header") && !isMessage(file):
			aside++
		default:
			t.Errorf("%s: %d events, set aside %q", file, len(in.Events()), reasons)
		}
	}
	if events < 42 || aside < 10 {
		t.Errorf("%d events, %d set aside", events, aside)
	}
}

// isMessage leaves out envelopes, and XGewerbeanzeige 1.3, which is another format.
func isMessage(file string) bool {
	for _, other := range []string{"akdb-okkomm", "soap-samples", "xgwa1.3", "xy-unknown"} {
		if strings.Contains(file, other) {
			return false
		}
	}
	return true
}

func realMessages(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(interop.Path(t, "data", "xoev"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".xml" && !strings.Contains(path, "codelists") && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
