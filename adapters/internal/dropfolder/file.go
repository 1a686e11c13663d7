package dropfolder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/amtsbote/amtsbote/hub"
)

// File is a file that the hub has claimed: it lies in work/.
type File struct {
	// ID is the ULID of the claim; it stays the same over retries and restarts.
	// Logs name files by it, since names that people give may be personal.
	ID string
	// Name is the file's name as dropped, without path parts.
	Name string
	// Size in bytes, and ModTime, as they were when it was claimed.
	Size    int64
	ModTime time.Time

	folder *Folder
	mode   fs.FileMode
}

// Open opens the file for reading; it never follows a symlink.
func (f File) Open() (*os.File, error) {
	before, err := os.Lstat(f.path())
	if err != nil {
		return nil, fmt.Errorf("open claimed file: %w", err)
	}
	if !before.Mode().IsRegular() {
		return nil, hub.Permanent("not-a-file", "open claimed file: not a regular file")
	}
	r, err := os.Open(f.path())
	if err != nil {
		return nil, fmt.Errorf("open claimed file: %w", err)
	}
	after, err := r.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = errors.New("was exchanged while it was opened")
	}
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("open claimed file: %w", err)
	}
	return r, nil
}

// Bytes reads the whole file; a file that has grown beyond the limit since it
// was claimed is a Permanent Fault.
func (f File) Bytes() ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, f.folder.cfg.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read claimed file: %w", err)
	}
	if int64(len(b)) > f.folder.cfg.MaxBytes {
		return nil, f.folder.tooLarge()
	}
	return b, nil
}

// path is the file's place in work/. The name stands in it as dropped; one that
// is too long stays too long, so that a restart comes to the same refusal.
func (f File) path() string {
	return f.folder.path(f.folder.cfg.Work, f.ID+"-"+shorten(f.Name, maxName+1))
}

// refusal is why the file may not be handed on at all, nil if it may.
func (f File) refusal() error {
	switch {
	case f.mode&fs.ModeSymlink != 0:
		return hub.Permanent("symlink", "the file is a symbolic link")
	case f.mode != 0:
		return hub.Permanent("not-a-file", "not a regular file")
	case !plainName(f.Name):
		return hub.Permanent("bad-name", "the name has path parts or control characters, or more than %d bytes", maxName)
	case f.Size > f.folder.cfg.MaxBytes:
		return f.folder.tooLarge()
	}
	return nil
}

func (f *Folder) tooLarge() error {
	return hub.Permanent("too-large", "the file is larger than %d bytes", f.cfg.MaxBytes)
}

// claim moves a ready file from in/ to work/. It returns nil, nil when the file
// has changed or gone since it was seen.
//
// Nothing is synced: should a power failure undo the rename, the file is in in/
// again, and is taken again.
func (f *Folder) claim(s sighting) (*File, error) {
	from := f.path(f.cfg.In, s.name)
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !s.same(info) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim file: %w", err)
	}
	file := &File{ID: ulid.Make().String(), Name: s.name, folder: f}
	err = os.Rename(from, file.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("claim file: %w", err)
	}
	f.dropSidecar(s.name)
	file.describe(info)
	// What was renamed may have been exchanged since it was looked at.
	if info, err := os.Lstat(file.path()); err == nil {
		file.describe(info)
	}
	return file, nil
}

// dropSidecar removes the mark of a claimed file, lest it vouch for the next
// file of that name.
func (f *Folder) dropSidecar(name string) {
	if f.cfg.Sidecar == "" {
		return
	}
	if err := os.Remove(f.sidecarPath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("drop folder: sidecar stays", errorField(err))
	}
}

func (f *File) describe(info fs.FileInfo) {
	f.Size, f.ModTime, f.mode = info.Size(), info.ModTime(), info.Mode().Type()
}

// claimed lists what an earlier run left in work/, in the order of the claims.
func (f *Folder) claimed() ([]File, error) {
	entries, err := os.ReadDir(f.path(f.cfg.Work)) // sorted, so by ULID
	if err != nil {
		return nil, fmt.Errorf("read work directory: %w", err)
	}
	var files []File
	for _, entry := range entries {
		id, name, found := strings.Cut(entry.Name(), "-")
		if _, err := ulid.ParseStrict(id); !found || err != nil || entry.IsDir() || !f.ours(name) {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at claimed file: %w", err)
		}
		file := File{ID: id, Name: name, folder: f}
		file.describe(info)
		files = append(files, file)
	}
	return files, nil
}
