package xpsw_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xpsw"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// FuzzRead: a message of XPersonenstand has a type of its own or none; it is never
// refused and never stops the reader.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "*.0?????.xml"))
	if err != nil || len(files) < 4 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, doc string) {
		m, err := xoev.Read(strings.NewReader(doc), xmlguard.Limits{}, xpsw.Typed)
		if err != nil || m.Tree == nil {
			return
		}
		eventType, data, attach, ok := xpsw.Read(m)
		if !ok {
			return
		}
		attach(&xoev.Original{Ref: "blob:a"})
		raw, err := json.Marshal(data)
		if err != nil || eventType == "" || !strings.Contains(string(raw), `"original"`) {
			t.Fatalf("%s %s %v", eventType, raw, err)
		}
	})
}
