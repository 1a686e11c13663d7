package app_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// known are damages that once were lost unsaid, done twice, or hung.
func (m *mixed) known(t *testing.T) {
	t.Helper()
	for name, damage := range map[string]func(t *testing.T, data string){
		"a page in the middle": func(t *testing.T, data string) { // the server counts what is gone as pending
			list := blockFiles(t, streamDir(data, bus.Out))
			path := list[len(list)-2] // not the last block
			st, err := os.Stat(path)
			if err == nil {
				err = change(path, func(raw []byte) []byte { clear(raw[st.Size()/2:][:4096]); return raw })
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"notes": func(t *testing.T, data string) { // of what was acknowledged and removed
			remove(t, filepath.Join(data, "ledger", "books", bus.Out, "notes"))
			remove(t, filepath.Join(data, "ledger", "books", bus.Out, "notes.spare"))
		},
		"in stream without its book": func(t *testing.T, data string) { // its sequences were given again
			remove(t, filepath.Join(data, "ledger", "books", "IN_alpha"))
			remove(t, filepath.Join(streamDir(data, "IN_alpha"), "msgs"))
		},
		"parked messages with their book": func(t *testing.T, data string) { // nothing told of them
			remove(t, filepath.Join(data, "ledger", "books", bus.Parked))
			remove(t, filepath.Join(streamDir(data, bus.Parked), "msgs"))
		},
		"parked messages with the ledger": func(t *testing.T, data string) {
			remove(t, filepath.Join(data, "ledger"))
			remove(t, filepath.Join(streamDir(data, bus.Parked), "msgs"))
		},
		"not compared, and refused": func(t *testing.T, data string) { // the next start knew nothing of it
			remove(t, blockFiles(t, streamDir(data, "EDGE_alpha"))[0])
			remove(t, blockFiles(t, streamDir(data, bus.Out))[0])
			remove(t, filepath.Join(data, "ledger", "books", bus.Quarantine, "00000000000000000001.led"))
			remove(t, blockFiles(t, streamDir(data, bus.Quarantine))[0])
		},
		"trail with its book": func(t *testing.T, data string) { // all was decided and stored again
			remove(t, filepath.Join(data, "ledger", "books", bus.Trail))
			remove(t, streamDir(data, bus.Trail))
		},
		"trail with the ledger": func(t *testing.T, data string) {
			remove(t, filepath.Join(data, "ledger"))
			remove(t, streamDir(data, bus.Trail))
		},
		"end of the trail and of its book": func(t *testing.T, data string) {
			cut(t, last(blockFiles(t, streamDir(data, bus.Trail))))
			remove(t, filepath.Join(streamDir(data, bus.Trail), "msgs", "index.db"))
			cut(t, filepath.Join(data, "ledger", "books", bus.Trail, "00000000000000000001.led"))
		},
		"a block of the trail with its book": func(t *testing.T, data string) {
			remove(t, blockFiles(t, streamDir(data, bus.Trail))[0])
			remove(t, filepath.Join(data, "ledger", "books", bus.Trail))
		},
		"book under another number": func(t *testing.T, data string) {
			dir := filepath.Join(data, "ledger", "books", bus.Out)
			for _, as := range []string{"62.led", "00000000000000000062.led"} {
				if err := spoils["under another number"](rand.New(rand.NewPCG(1, 1)), filepath.Join(dir, "00000000000000000001.led"), ""); err != nil {
					t.Fatal(err)
				}
				raw, err := os.ReadFile(filepath.Join(dir, "00000000000000000001.led"))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, as), raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		},
		"trail without settings and messages": func(t *testing.T, data string) { // made anew over its files
			remove(t, filepath.Join(streamDir(data, bus.Trail), "msgs"))
			if err := os.Truncate(filepath.Join(streamDir(data, bus.Trail), "meta.sum"), 2); err != nil {
				t.Fatal(err)
			}
		},
		"block twice": func(t *testing.T, data string) { // the server forgets all others, and moves the mailboxes up
			list := blockFiles(t, streamDir(data, bus.Out))
			raw, err := os.ReadFile(list[1])
			if err == nil {
				err = os.WriteFile(filepath.Join(filepath.Dir(list[1]), "60.blk"), raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"key of a block and its spare": func(t *testing.T, data string) { // the server stops before such a block
			key := strings.TrimSuffix(blockFiles(t, streamDir(data, bus.Out))[1], ".blk") + ".key"
			remove(t, key)
			remove(t, filepath.Join(data, "ledger", "spare", bus.Out, "msgs", filepath.Base(key)))
		},
		"older store": func(t *testing.T, data string) {
			remove(t, filepath.Join(data, "jetstream"))
			if err := os.CopyFS(filepath.Join(data, "jetstream"), os.DirFS(filepath.Join(m.old, "jetstream"))); err != nil {
				t.Fatal(err)
			}
		},
		"older ledger": func(t *testing.T, data string) {
			remove(t, filepath.Join(data, "ledger"))
			if err := os.CopyFS(filepath.Join(data, "ledger"), os.DirFS(filepath.Join(m.old, "ledger"))); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := m.copy(t)
			damage(t, data)
			m.judge(t, data)
		})
	}
	// random damages that once broke it; another seed does what they did once the
	// files are others
	for _, seed := range []uint64{1795576623081244888, 1795577504205729895} {
		t.Run(fmt.Sprintf("AMTSBOTE_SEED=%d", seed), func(t *testing.T) {
			t.Parallel()
			m.round(t, seed)
		})
	}
}
