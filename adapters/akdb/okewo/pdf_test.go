package okewo

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPage follows the file's own pointers: startxref leads to the table, the
// table to the objects, Length covers the stream.
func TestPage(t *testing.T) {
	pdf := page("Überschrift (mit Klammern) \\", "", strings.Repeat("lange Zeile ", 20), "Ωmega")
	start, err := strconv.Atoi(find(t, pdf, `startxref\n(\d+)\n%%EOF\n$`))
	if err != nil || !bytes.HasPrefix(pdf[start:], []byte("xref\n0 6\n0000000000 65535 f \n")) {
		t.Fatalf("no table at %d, %v", start, err)
	}
	table := bytes.Split(pdf[start:], []byte("\n"))[3:]
	for i := range 5 {
		at, err := strconv.Atoi(string(table[i][:10]))
		if want := strconv.Itoa(i+1) + " 0 obj\n"; err != nil || len(table[i]) != 19 || !bytes.HasPrefix(pdf[at:], []byte(want)) {
			t.Errorf("object %d is not at %d, %v", i+1, at, err)
		}
	}
	length, err := strconv.Atoi(find(t, pdf, `/Length (\d+)`))
	stream := pdf[bytes.Index(pdf, []byte("stream\n"))+7:]
	if err != nil || !bytes.HasPrefix(stream[length:], []byte("\nendstream")) {
		t.Errorf("the stream is not %d long, %v", length, err)
	}
	if !bytes.Contains(stream, []byte("(\xdcberschrift \\(mit Klammern\\) \\\\) Tj")) || !bytes.Contains(stream, []byte("(?mega)")) {
		t.Errorf("text is %q", stream[:length])
	}
}

func find(t *testing.T, pdf []byte, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(pdf)
	if m == nil {
		t.Fatalf("no %s", pattern)
	}
	return string(m[1])
}
