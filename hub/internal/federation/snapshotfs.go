package federation

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"time"
)

// folder is the part of a snapshot below a folder, as a file system.
type folder struct {
	*snapshot
	name string
}

var (
	_ fs.ReadDirFS  = folder{}
	_ fs.ReadFileFS = folder{}
	_ fs.StatFS     = folder{}
)

// Open opens a file; folders are read by ReadDir.
func (f folder) Open(name string) (fs.File, error) {
	raw, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{item{path.Base(name), int64(len(raw)), false}, bytes.NewReader(raw)}, nil
}

// ReadFile gives the bytes of a file.
func (f folder) ReadFile(name string) ([]byte, error) {
	raw, ok := f.files[path.Join(f.name, name)]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return raw, nil
}

// Stat describes a file.
func (f folder) Stat(name string) (fs.FileInfo, error) {
	raw, err := f.ReadFile(name)
	return item{path.Base(name), int64(len(raw)), false}, err
}

// ReadDir lists a folder.
func (f folder) ReadDir(name string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	below := path.Join(f.name, name) + "/"
	for _, file := range f.names(path.Join(f.name, name)) {
		base, _, isDir := strings.Cut(strings.TrimPrefix(file, below), "/")
		if len(out) == 0 || out[len(out)-1].Name() != base {
			out = append(out, fs.FileInfoToDirEntry(item{base, int64(len(f.files[file])), isDir}))
		}
	}
	return out, nil
}

type openFile struct {
	item
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.item, nil }
func (f *openFile) Close() error               { return nil }
func (f *openFile) Size() int64                { return f.size }

// item describes a file or folder of a snapshot.
type item struct {
	name string
	size int64
	dir  bool
}

func (i item) Name() string       { return i.name }
func (i item) Size() int64        { return i.size }
func (i item) ModTime() time.Time { return time.Time{} }
func (i item) IsDir() bool        { return i.dir }
func (i item) Sys() any           { return nil }

// Mode is that of a plain file or folder.
func (i item) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
