package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestNotesDamage: notes survive the damage of either of their files, and a line
// whose end a crash has cut off does not swallow the next one.
func TestNotesDamage(t *testing.T) {
	for name, spoil := range map[string]func(raw []byte) []byte{
		"end of the last line cut": func(raw []byte) []byte { return raw[:len(raw)-1] },
		"first line damaged":       func(raw []byte) []byte { raw[3] ^= 1; return raw },
		"emptied":                  func([]byte) []byte { return nil },
		"garbage":                  func(raw []byte) []byte { return append(raw, make([]byte, 100_000)...) },
	} {
		for _, file := range []string{"notes", "notes" + spareSuffix} {
			dir := t.TempDir()
			l := open(t, dir)
			for _, seq := range []uint64{3, 5, 7} {
				if err := l.Deleting("OUT", seq); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "books", "OUT", file)
			raw, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, spoil(raw), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, seq := range []uint64{9, 11} { // each at a start of its own
				l = open(t, dir)
				if err := errors.Join(l.Deleting("OUT", seq), l.Close()); err != nil {
					t.Fatal(err)
				}
			}
			l = open(t, dir)
			for seq := uint64(1); seq < 12; seq++ {
				if got, want := book(t, l, "OUT").Gone("out.a.b.c", seq), seq > 2 && seq%2 == 1; got != want {
					t.Errorf("%s of %s: %d gone is %v", name, file, seq, got)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNotesStaySmall: what is superseded is dropped while the hub runs.
func TestNotesStaySmall(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer func() { _ = l.Close() }()
	var list []note
	for i := range 30_000 {
		list = append(list, note{Removed: "out.a.b.>", UpTo: uint64(i)})
	}
	if err := l.note("OUT", list...); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(dir, "books", "OUT", "notes")); err != nil || st.Size() > 1000 {
		t.Errorf("%v, %v", st, err)
	}
	if b := book(t, l, "OUT"); !b.Gone("out.a.b.c", 29_999) || b.Gone("out.a.b.c", 30_000) {
		t.Error("the last note does not hold")
	}
}
