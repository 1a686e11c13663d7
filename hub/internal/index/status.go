package index

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Status tells what an index holds.
type Status struct {
	Applied uint64 // sequence in TRAIL up to which it has read
	Bytes   int64  // of its files
	// Entries are the identities on disk, counted by Count.
	Entries int
	// Settled and Parked are copies that are remembered one by one.
	Settled, Parked int
	Mailboxes       int
}

// Status tells what is known without reading the entries.
func (x *Index) Status() (s Status, err error) {
	x.mu.RLock()
	s.Applied, s.Mailboxes = x.reach.upTo, len(x.done)
	for _, m := range x.done {
		s.Settled += m.above.count()
		s.Parked += m.parked.count()
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
	err = x.disk.each(keySeen, keySeen+1, func(_, value []byte) error {
		s.Entries++
		_, err := decode(value, x.disk.names)
		return err
	})
	return s, err
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
