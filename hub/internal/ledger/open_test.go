package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestOpen: that a book is lost, and what a start has found, is known until it was
// told, though the start may end anywhere.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.Stored("OUT", 1, batch(1, 3))
	again := func() {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, dir)
	}
	again()
	if err := errors.Join(l.Close(), os.RemoveAll(filepath.Join(dir, "books", "OUT"))); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if upTo, ok := l.Reach("OUT"); upTo != 3 || !ok || book(t, l, "OUT").UpTo() != 0 {
		t.Errorf("the book was on disk up to %d (%v), and is up to %d", upTo, ok, book(t, l, "OUT").UpTo())
	}
	if high, err := l.High("OUT"); high != 3 || err != nil {
		t.Errorf("the stream was as far as %d: %v", high, err)
	}
	if err := errors.Join(l.SetBlind("OUT", "lost"), l.SetOpen("OUT", 5, 6), l.SetOpen("OUT", 7, 7)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again()
		if is := l.Blind("OUT") + fmt.Sprint(l.Opened("OUT")); is != "lost[5 6 7]" {
			t.Errorf("it is open: %s", is)
		}
	}
	if err := l.CloseUp("OUT"); err != nil {
		t.Fatal(err)
	}
	again()
	if l.Blind("OUT") != "" || l.Opened("OUT") != nil {
		t.Errorf("it is still open: %q, %v", l.Blind("OUT"), l.Opened("OUT"))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestHigh: sequences that only notes name were in use too.
func TestHigh(t *testing.T) {
	l := open(t, t.TempDir())
	defer func() { _ = l.Close() }()
	for want, note := range []func() error{
		func() error { return nil },
		func() error { return l.Deleting("OUT", 1) },
		func() error { return l.Removing("OUT", "out.a.b.c", 2) },
		func() error { return l.Removing("OUT", "out.>", 3) },
		func() error { return l.Settle("OUT", []uint64{4}) },
		func() error { return l.Floors("OUT", map[string]uint64{"a.b": 5}) },
		func() error { l.Stored("OUT", 6, batch(6, 1)); return nil },
	} {
		if err := note(); err != nil {
			t.Fatal(err)
		}
		if high, err := l.High("OUT"); high != uint64(want) || err != nil {
			t.Errorf("the stream was as far as %d, not %d: %v", high, want, err)
		}
	}
}
