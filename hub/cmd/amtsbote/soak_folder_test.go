package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// folder is the receiver behind beta.three: it takes files out of a folder. It
// sees neither sequences nor delivery ids, so what it gets twice it knows by key
// and place.
type folder struct {
	books *books
	dir   string
	seen  map[int]map[int]bool // the last places, by key
}

func collect(t *testing.T, h *host, b *books) {
	t.Helper()
	f := &folder{books: b, dir: filepath.Join(h.data, "drop", "three", "out"), seen: map[int]map[int]bool{}}
	untilEnd(t, func(ctx context.Context) {
		f.empty()
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}, func() {})
}

// empty takes all files.
func (f *folder) empty() {
	entries, err := os.ReadDir(f.dir)
	f.books.mu.Lock()
	defer f.books.mu.Unlock()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.books.fault("read the folder of beta.three: %v", err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && filepath.Ext(e.Name()) == ".json" {
			f.take(filepath.Join(f.dir, e.Name()))
		}
	}
}

// take notes a file and takes it away.
func (f *folder) take(path string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		f.books.fault("read what beta.three got: %v", err)
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		f.books.fault("read what beta.three got: %v", err)
		return
	}
	var e struct {
		ID string `json:"id"`
	}
	err = json.Unmarshal(raw, &e)
	key, place, ok := placeOf(e.ID)
	if err != nil || !ok || os.Remove(path) != nil {
		f.books.fault("%s is no event of the load, or cannot be taken: %v", path, err)
		return
	}
	f.note(e.ID, key, place, info.ModTime())
}

func (f *folder) note(id string, key, place int, at time.Time) {
	seen := f.seen[key]
	if seen == nil {
		seen = map[int]bool{}
		f.seen[key] = seen
	}
	if seen[place] {
		f.books.files.again++
		return
	}
	seen[place] = true
	for old := range seen {
		if old < place-rememberedPlaces {
			delete(seen, old)
		}
	}
	f.books.files.matches(id)
	f.books.written.taken(id, at)
}

// rememberedPlaces of a key: a file that comes again is not older.
const rememberedPlaces = 1000

// written checks that the files of a key were written in the order in which its
// events were acknowledged. File and decision are heard of in any order.
type written struct {
	books *books
	seqs  map[string]uint64    // of events whose file was not seen yet
	times map[string]time.Time // of files whose decision was not read yet
	last  map[int][]file       // the last of each key, by sequence
}

// file is one of which both is known.
type file struct {
	seq uint64
	at  time.Time
}

func newWritten(b *books) *written {
	return &written{books: b, seqs: map[string]uint64{}, times: map[string]time.Time{}, last: map[int][]file{}}
}

func (w *written) decided(id string, seq uint64) {
	if at, ok := w.times[id]; ok {
		delete(w.times, id)
		w.put(id, file{seq, at})
		return
	}
	w.seqs[id] = seq
}

func (w *written) taken(id string, at time.Time) {
	if seq, ok := w.seqs[id]; ok {
		delete(w.seqs, id)
		w.put(id, file{seq, at})
		return
	}
	w.times[id] = at
}

func (w *written) put(id string, f file) {
	key, _, _ := placeOf(id)
	all := w.last[key]
	i, _ := slices.BinarySearchFunc(all, f, func(a, b file) int { return cmp.Compare(a.seq, b.seq) })
	if i > 0 && f.at.Before(all[i-1].at) || i < len(all) && all[i].at.Before(f.at) {
		w.books.fault("%s was not written in the order of its key", id)
	}
	all = slices.Insert(all, i, f)
	w.last[key] = all[max(0, len(all)-4*maxBurst):]
}
