package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// findMarker looks for the marker of the load in all files below some
// directories: store, index, logs.
func findMarker(t *testing.T, dirs ...string) {
	t.Helper()
	files, bytes := 0, int64(0)
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			n, held, err := holds(f, marker)
			if held {
				t.Errorf("%s holds the marker", path)
			}
			files, bytes = files+1, bytes+n
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files == 0 || bytes == 0 {
		t.Error("there was nothing to look for the marker in")
	}
	t.Logf("the marker stands in none of %d files (%d MB)", files, bytes/1_000_000)
}

// holds looks for text in what r gives, also where two readings meet, and tells
// how much it has read.
func holds(r io.Reader, text string) (n int64, held bool, err error) {
	buf, kept := make([]byte, 1<<20), 0
	for {
		got, err := r.Read(buf[kept:])
		n += int64(got)
		seen := buf[:kept+got]
		if bytes.Contains(seen, []byte(text)) {
			return n, true, nil
		}
		kept = copy(buf, seen[max(0, len(seen)-len(text)+1):])
		if errors.Is(err, io.EOF) {
			return n, false, nil
		}
		if err != nil {
			return n, false, err
		}
	}
}

func TestHoldsFindsTheMarkerAnywhere(t *testing.T) {
	for _, before := range []int{0, 1, 1<<20 - 8, 1<<20 - 1, 1 << 20, 3<<20 - 5} {
		if _, held, err := holds(strings.NewReader(strings.Repeat("x", before)+marker+"yy"), marker); err != nil || !held {
			t.Errorf("behind %d bytes: not found, %v", before, err)
		}
	}
	if _, held, err := holds(strings.NewReader(strings.Repeat(marker[:8], 1<<18)), marker); err != nil || held {
		t.Errorf("found what is not there, %v", err)
	}
}
