package dropfolder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/amtsbote/amtsbote/hub"
)

// fileMode lets the application read by its group.
const fileMode = 0o640

// ErrNameTaken is returned by Write when another content lies in out/ under
// the name. It passes when the other side takes that file away.
var ErrNameTaken = errors.New("a file of this name with other content is still in the out directory")

// Write puts a file into out/. It appears there whole and under its final name
// at once, and is synced to disk when Write returns nil.
//
// The same name with the same content again has no second effect while the file
// is still there. Once the other side has taken the file away, Write cannot know
// of it and writes it anew: hand-over is at least once, and receivers recognise
// a repetition by the name. So name and content must be the same in every
// attempt. The same name with other content gives ErrNameTaken; a name with path
// parts, or one that readers would skip, is a Permanent Fault.
func (f *Folder) Write(name string, content []byte) error {
	if !plainName(name) || !f.ours(name) {
		return hub.Permanent("bad-name", "write to out: not a name of this folder's files")
	}
	lock := f.stripe(name)
	lock.Lock()
	defer lock.Unlock()
	held, err := f.Holds(name, content)
	if err != nil {
		return err
	}
	if held {
		// An earlier attempt may have failed between rename and sync.
		return f.syncOut()
	}
	if err := writeSynced(f.path(f.cfg.Out, name), content); err != nil {
		return fmt.Errorf("write to out: %w", err)
	}
	return nil
}

// Holds tells whether out/ has a file of this name with this content. Another
// content gives ErrNameTaken.
func (f *Folder) Holds(name string, content []byte) (bool, error) {
	path := f.path(f.cfg.Out, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into out: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != int64(len(content)) {
		return false, fmt.Errorf("write to out: %w", ErrNameTaken)
	}
	old, err := os.ReadFile(f.path(f.cfg.Out, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // taken away just now
	}
	if err != nil {
		return false, fmt.Errorf("look into out: %w", err)
	}
	if !bytes.Equal(old, content) {
		return false, fmt.Errorf("write to out: %w", ErrNameTaken)
	}
	return true, nil
}

func (f *Folder) syncOut() error {
	if err := syncDir(f.path(f.cfg.Out)); err != nil {
		return fmt.Errorf("write to out: %w", err)
	}
	return nil
}

// WriteSynced puts a file at path, whole, under its final name at once, and synced
// to disk when it returns nil. What stood there is replaced.
func WriteSynced(path string, content []byte) error { return writeSynced(path, content) }

// writeSynced makes the file under a hidden temporary name beside path, then
// renames it. The temporary name is the same every time, so crashes leave no
// more than one.
func writeSynced(path string, content []byte) error {
	dir, name := filepath.Split(path)
	temp := filepath.Join(dir, "."+name+".tmp")
	if err := writeTemp(temp, content); err != nil {
		return errors.Join(err, ignoreAbsent(os.Remove(temp)))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, ignoreAbsent(os.Remove(temp)))
	}
	return syncDir(dir)
}

func writeTemp(path string, content []byte) error {
	// A leftover is removed, not truncated, so that no link is written through.
	if err := ignoreAbsent(os.Remove(path)); err != nil {
		return err
	}
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode) //nolint:gosec // read by the application's group
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// SyncDir makes durable what was made in dir, where the file system can.
func SyncDir(dir string) error { return syncDir(dir) }

// syncDir makes renames in dir durable. Network file systems that cannot sync a
// directory say so by EINVAL or ENOTSUP; there the server decides.
func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
