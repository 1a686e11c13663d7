package dropfolder

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// pollsUnchanged is how many polls after its first sighting must find a file
// unchanged before it is taken.
const pollsUnchanged = 2

// sighting is what was last seen of a file in in/.
type sighting struct {
	name    string
	size    int64
	modTime time.Time
	mode    fs.FileMode
	polls   int // polls that found it unchanged
}

func (s sighting) same(info fs.FileInfo) bool {
	return s.size == info.Size() && s.modTime.Equal(info.ModTime()) && s.mode == info.Mode().Type()
}

// scanner remembers the sightings between polls.
type scanner struct {
	folder *Folder
	seen   map[string]sighting
}

// scan looks at in/ and gives the files that are ready, oldest first. A look
// that a mere hint caused does not count as a poll: hints come in bursts while a
// file is being written.
func (s *scanner) scan(counts bool) ([]sighting, error) {
	entries, err := os.ReadDir(s.folder.path(s.folder.cfg.In))
	if err != nil {
		return nil, fmt.Errorf("read in directory: %w", err)
	}
	before := s.seen
	s.seen = make(map[string]sighting, len(before))
	var ready []sighting
	for _, entry := range entries {
		now, err := s.sight(entry, before, counts)
		if err != nil {
			return nil, err
		}
		if now == nil {
			continue
		}
		s.seen[now.name] = *now
		if s.ready(*now) {
			ready = append(ready, *now)
		}
	}
	slices.SortFunc(ready, func(a, b sighting) int {
		return cmp.Or(a.modTime.Compare(b.modTime), cmp.Compare(a.name, b.name))
	})
	return ready, nil
}

// sight looks at one entry; nil means that it is none of ours.
func (s *scanner) sight(entry fs.DirEntry, before map[string]sighting, counts bool) (*sighting, error) {
	if entry.IsDir() || !s.folder.ours(entry.Name()) {
		return nil, nil
	}
	info, err := entry.Info() // as Lstat: of a symlink, not of its target
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // taken away since the listing
	}
	if err != nil {
		return nil, fmt.Errorf("look at a file in the in directory: %w", err)
	}
	now := sighting{name: entry.Name(), size: info.Size(), modTime: info.ModTime(), mode: info.Mode().Type()}
	if last, known := before[now.name]; known && last.same(info) {
		now.polls = last.polls
		if counts {
			now.polls++
		}
	}
	return &now, nil
}

func (s *scanner) ready(now sighting) bool {
	if s.folder.cfg.Sidecar == "" {
		return now.polls >= pollsUnchanged
	}
	info, err := os.Lstat(s.folder.sidecarPath(now.name))
	return err == nil && info.Mode().IsRegular()
}

func (f *Folder) sidecarPath(name string) string {
	return f.path(f.cfg.In, name+f.cfg.Sidecar)
}
