package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Status tells what an index holds.
type Status struct {
	Applied uint64 `json:"applied"` // sequence in TRAIL up to which it has read
	Bytes   int64  `json:"bytes"`   // of its files
	// Entries are the identities: those on disk, counted by Count; from Status
	// about as many as are known, -1 while it cannot tell.
	Entries int `json:"entries"`
	// Settled and Parked are copies that are remembered one by one.
	Settled   int `json:"settled"`
	Parked    int `json:"parked"`
	Mailboxes int `json:"mailboxes"`
}

// Status tells what is known without reading the entries.
func (x *Index) Status() (s Status, err error) {
	x.mu.RLock()
	s.Applied, s.Mailboxes = x.reach.upTo, len(x.done)
	for _, m := range x.done {
		s.Settled += m.above.count()
		s.Parked += m.parked.count()
	}
	s.Entries = len(x.fresh)
	if x.disk != nil {
		s.Entries = -1
		if f := x.disk.filter; f != nil {
			s.Entries = f.added
		}
	}
	x.mu.RUnlock()
	if x.disk != nil {
		s.Bytes, err = size(x.disk.dir)
	}
	return s, err
}

// Count is Status with the entries, every one of which it reads.
func (x *Index) Count() (Status, error) {
	s, err := x.Status()
	if err != nil || x.disk == nil {
		return s, err
	}
	s.Entries = 0
	err = x.disk.each(keySeen, keySeen+1, func(_, value []byte) error {
		s.Entries++
		_, err := decode(value, x.disk.names)
		return err
	})
	return s, err
}

// Inspect is Count of the index in a directory that nobody uses. It empties
// nothing; what Open would empty is an error.
func Inspect(dir string) (s Status, err error) {
	if _, err := os.Stat(dir); err != nil {
		return s, fmt.Errorf("look at the index: %w", err)
	}
	x, err := try(dir, Options{})
	if err != nil {
		return s, fmt.Errorf("look at the index: %w", err)
	}
	s, err = x.Count()
	return s, errors.Join(err, x.Close())
}

// size of what lies in a directory. Files may go meanwhile.
func size(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	return sum, err
}
