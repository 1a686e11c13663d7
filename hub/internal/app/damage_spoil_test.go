package app_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// spoil does one damage and tells which.
func spoil(t *testing.T, r *rand.Rand, data, old string) string {
	t.Helper()
	room := []string{"jetstream", "jetstream", "jetstream", "jetstream", "jetstream", "ledger", "ledger", "index"}[r.IntN(8)]
	if room == "jetstream" { // each stream alike
		var err error
		room, err = filepath.Rel(data, streamDir(data, mixedStreams[r.IntN(len(mixedStreams))]))
		must(t, err)
	}
	root := filepath.Join(data, room)
	if _, err := os.Stat(root); err != nil {
		return room + " is gone already"
	}
	list := slices.Sorted(maps.Keys(files(t, root, "")))
	// damage that the index finds while it runs ends the hub, and the next start
	// builds it anew: index.TestDamage
	list = slices.DeleteFunc(list, func(path string) bool { return filepath.Ext(path) == ".sst" })
	if len(list) == 0 {
		return room + " is gone already"
	}
	if r.IntN(2) == 0 { // most files are small and have spares
		list = slices.DeleteFunc(list, func(path string) bool { return strings.HasSuffix(path, ".key") || strings.Contains(path, "meta.") })
	}
	if len(list) == 0 {
		return room + " has nothing more"
	}
	path := list[r.IntN(len(list))]
	name, _ := filepath.Rel(data, path)
	names := slices.Sorted(maps.Keys(spoils))
	what := names[r.IntN(len(names))]
	if err := spoils[what](r, path, filepath.Join(old, name)); err != nil {
		return fmt.Sprintf("%s: %s: not done", name, what)
	}
	return name + ": " + what
}

// spoils are damages to one file; old is what it was in an older copy.
var spoils = map[string]func(r *rand.Rand, path, old string) error{
	"flip": func(r *rand.Rand, path, _ string) error {
		return change(path, func(raw []byte) []byte {
			for range 1 + r.IntN(8) {
				if len(raw) > 0 {
					raw[r.IntN(len(raw))] ^= 1 << r.IntN(8)
				}
			}
			return raw
		})
	},
	"zero a page": func(r *rand.Rand, path, _ string) error {
		return change(path, func(raw []byte) []byte {
			if len(raw) > 0 {
				at := r.IntN(len(raw)) &^ 4095
				clear(raw[at:min(at+4096, len(raw))])
			}
			return raw
		})
	},
	"cut": func(r *rand.Rand, path, _ string) error {
		return change(path, func(raw []byte) []byte { return raw[:r.IntN(len(raw)+1)] })
	},
	"append": func(r *rand.Rand, path, _ string) error {
		return change(path, func(raw []byte) []byte {
			for range 1 + r.IntN(5000) {
				raw = append(raw, byte(r.IntN(256)))
			}
			return raw
		})
	},
	"delete": func(_ *rand.Rand, path, _ string) error { return os.Remove(path) },
	"empty":  func(_ *rand.Rand, path, _ string) error { return os.Truncate(path, 0) },
	"swap with a neighbour": func(r *rand.Rand, path, _ string) error {
		list, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+filepath.Ext(path)))
		// no disk puts a directory in the place of a file: the hub refuses, and a
		// person must look
		list = slices.DeleteFunc(list, func(other string) bool {
			st, err := os.Lstat(other)
			return err != nil || !st.Mode().IsRegular()
		})
		if err != nil || len(list) < 2 {
			return errors.New("there is none")
		}
		other := list[r.IntN(len(list))]
		return errors.Join(os.Rename(path, path+".x"), os.Rename(other, path), os.Rename(path+".x", other))
	},
	"an older one": func(_ *rand.Rand, path, old string) error {
		raw, err := os.ReadFile(old)
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		return err
	},
	"its older directory": func(_ *rand.Rand, path, old string) error {
		if _, err := os.Stat(filepath.Dir(old)); err != nil {
			return err
		}
		dir := filepath.Dir(path)
		return errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(filepath.Dir(old))))
	},
	"directory removed": func(_ *rand.Rand, path, _ string) error { return os.RemoveAll(filepath.Dir(path)) },
	"under another number": func(r *rand.Rand, path, _ string) error {
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(filepath.Dir(path), strconv.Itoa(50+r.IntN(20))+filepath.Ext(path)), raw, 0o600)
		}
		return err
	},
	"permissions": func(_ *rand.Rand, path, _ string) error { return os.Chmod(path, 0o400) },
}

func change(path string, fn func([]byte) []byte) error {
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, fn(raw), 0o600)
	}
	return err
}
