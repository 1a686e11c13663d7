package index

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestDamage damages each kind of file. Either the index is empty, or it answers
// right, or it says that it is damaged, and is empty at the next start.
func TestDamage(t *testing.T) {
	healthy := t.TempDir()
	x := open(t, healthy, small)
	fill(x, 1, 3000)
	closed(t, x)
	files, err := os.ReadDir(healthy)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == "LOCK" {
			continue
		}
		for how, damage := range damages {
			t.Run(f.Name()+" "+how, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "index")
				copyLive(t, healthy, dir)
				damage(t, filepath.Join(dir, f.Name()))
				x := open(t, dir, small)
				if answersRight(x) {
					closed(t, x)
					return
				}
				if !errors.Is(x.Err(), ErrDamaged) {
					t.Fatal("damage was not noticed")
				}
				if err := x.Close(); !errors.Is(err, ErrDamaged) {
					t.Errorf("Close = %v", err)
				}
				x = open(t, dir, small)
				defer closed(t, x)
				if x.Applied() != 0 || x.Err() != nil {
					t.Errorf("after damage the index is not emptied: applied %d, %v", x.Applied(), x.Err())
				}
			})
		}
	}
}

// answersRight tells whether the index knows what it says it has read.
func answersRight(x *Index) bool {
	for i := 1; i <= int(x.Applied()); i++ {
		if !knows(x, i) {
			return false
		}
	}
	return x.Err() == nil
}

var damages = map[string]func(*testing.T, string){
	"cut": func(t *testing.T, path string) {
		info, err := os.Stat(path)
		if err == nil {
			err = os.Truncate(path, info.Size()/2)
		}
		if err != nil {
			t.Fatal(err)
		}
	},
	"gone": func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	},
	"flipped": func(t *testing.T, path string) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			if i%512 == 256 || len(raw) < 512 {
				raw[i] ^= 0x55
			}
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	},
}
