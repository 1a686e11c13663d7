package xoev_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

func TestPrintHeadersGoesOnAfterABadFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, content := range map[string]string{
		"good.xml":    archiv,
		"bad.xml":     "<a>\n  <b></a>",
		"binary.zip":  "PK\x03\x04 and nothing more",
		"umlaut.xml":  strings.Replace(archiv, "Amt	für\nProben", "Amt", 1),
		"nothing.xml": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errOut bytes.Buffer
	err := xoev.PrintHeaders(&out, &errOut, []string{"good.xml", "bad.xml", "missing.xml", ".", "binary.zip", "nothing.xml", "umlaut.xml"})
	if err == nil || err.Error() != "5 of 7 files could not be read" {
		t.Errorf("error is %v", err)
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "good.xml\txdomea4\t") || !strings.Contains(rows[0], "\tAmt für Proben\t") {
		t.Errorf("rows are %q", rows)
	}
	want := []string{
		"bad.xml:2:6: an end tag that does not match (XML_SYNTAX)",
		"missing.xml: no such file or directory",
		".: is a directory",
		"binary.zip: not a usable xdomea container: damaged",
		"nothing.xml:1:1: there is no root element (XML_SYNTAX)",
	}
	if got := strings.TrimSpace(errOut.String()); got != strings.Join(want, "\n") {
		t.Errorf("stderr is\n%s", got)
	}
}
