package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// damages are done to the files of one stream.
var damages = map[string]func(t *testing.T, dir string){
	"bit flip in the first block": func(t *testing.T, dir string) { flip(t, blockFiles(t, dir)[0], 0.5) },
	"bit flip in the last block":  func(t *testing.T, dir string) { flip(t, last(blockFiles(t, dir)), 0.5) },
	"bit flip, index gone": func(t *testing.T, dir string) {
		flip(t, last(blockFiles(t, dir)), 0.3)
		remove(t, filepath.Join(dir, "msgs", "index.db"))
	},
	"last block cut": func(t *testing.T, dir string) { cut(t, last(blockFiles(t, dir))) },
	"last block cut, index gone": func(t *testing.T, dir string) {
		cut(t, last(blockFiles(t, dir)))
		remove(t, filepath.Join(dir, "msgs", "index.db"))
	},
	"first block cut":  func(t *testing.T, dir string) { cut(t, blockFiles(t, dir)[0]) },
	"first block lost": func(t *testing.T, dir string) { remove(t, blockFiles(t, dir)[0]) },
	"last block lost":  func(t *testing.T, dir string) { remove(t, last(blockFiles(t, dir))) },
	"last block lost, index gone": func(t *testing.T, dir string) {
		remove(t, last(blockFiles(t, dir)))
		remove(t, filepath.Join(dir, "msgs", "index.db"))
	},
	"all messages lost": func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "msgs")) },
	"stream lost":       func(t *testing.T, dir string) { remove(t, dir) },
	"index damaged":     func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "msgs", "index.db"), 0.5) },
	"key of a block damaged": func(t *testing.T, dir string) {
		flip(t, strings.TrimSuffix(blockFiles(t, dir)[0], ".blk")+".key", 0.5)
	},
	"settings damaged":     func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "meta.inf"), 0.5) },
	"settings lost":        func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "meta.inf")) },
	"checksum lost":        func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "meta.sum")) },
	"key of settings lost": func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "meta.key")) },
}

func blockFiles(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "msgs", "*.blk"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no blocks in %s: %v", dir, err)
	}
	slices.SortFunc(list, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return list
}

func last(list []string) string { return list[len(list)-1] }

func flip(t *testing.T, path string, at float64) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		raw[int(float64(len(raw))*at)] ^= 4
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string) {
	t.Helper()
	st, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, st.Size()*2/3)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}
