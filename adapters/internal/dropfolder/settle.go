package dropfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

const reportSuffix = ".fehler.json"

// Report is the content of <name>.fehler.json: why a file was set aside. It
// holds nothing of the file's content.
type Report struct {
	Name string    `json:"name"` // as dropped
	Time time.Time `json:"time"`
	Code string    `json:"code"` // of the Fault
	Text string    `json:"text"`
}

// done moves a handled file to the directory of the day, or removes it. It is not
// synced: should a power failure undo it, the file is handled once more.
func (f *Folder) done(file File) error {
	if f.cfg.Forget {
		if err := ignoreAbsent(os.Remove(file.path())); err != nil {
			return fmt.Errorf("remove handled file: %w", err)
		}
		f.log.Debug("drop folder: file done and removed", zap.String("file", file.ID))
		return nil
	}
	day := f.path(f.cfg.Done, time.Now().Format(filepath.Join("2006", "01", "02")))
	if err := os.MkdirAll(day, dirMode); err != nil {
		return fmt.Errorf("make done directory: %w", err)
	}
	f.settling.Lock()
	defer f.settling.Unlock()
	target, err := freeName(day, file)
	if err != nil {
		return err
	}
	if err := os.Rename(file.path(), target); err != nil {
		return fmt.Errorf("move file to done: %w", err)
	}
	f.log.Debug("drop folder: file done", zap.String("file", file.ID))
	return nil
}

// setAside moves a file to error/. The report is there, and synced, before the
// file is: a file in error/ is never without its reason.
func (f *Folder) setAside(file File, cause error) error {
	f.settling.Lock()
	defer f.settling.Unlock()
	dir := f.path(f.cfg.Error)
	target, err := freeName(dir, file)
	if err != nil {
		return err
	}
	if err := moveAside(file.path(), target, file.Name, cause); err != nil {
		return err
	}
	f.log.Warn("drop folder: file set aside", zap.String("file", file.ID), zap.String("code", hub.FaultOf(cause).Code))
	return nil
}

// SetAside moves the file at path into dir, under the name, with its reason in
// <name>.fehler.json: for adapters that get their inputs otherwise than from a
// folder. Both are synced when it returns nil. When the same name has a file
// there already, which the caller must rule out for different inputs, a crash
// came before the other side had heard of it: the new one replaces it.
func SetAside(dir, path, name string, cause error) error {
	if !plainName(name) {
		return hub.Permanent("bad-name", "set file aside: not a name")
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("make error directory: %w", err)
	}
	return moveAside(path, filepath.Join(dir, name), name, cause)
}

func moveAside(path, target, name string, cause error) error {
	report, err := json.MarshalIndent(Report{
		Name: strings.ToValidUTF8(name, "\uFFFD"),
		Time: time.Now().UTC().Truncate(time.Second),
		Code: hub.FaultOf(cause).Code,
		Text: strings.ToValidUTF8(cause.Error(), "\uFFFD"),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("write error report: %w", err)
	}
	if err := writeSynced(target+reportSuffix, append(report, '\n')); err != nil {
		return fmt.Errorf("write error report: %w", err)
	}
	if err := os.Rename(path, target); err != nil {
		return fmt.Errorf("move file to error: %w", err)
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return fmt.Errorf("move file to error: %w", err)
	}
	return nil
}

// freeName gives a path in dir at which nothing stands: the file's own name or,
// where a file or a report has that already, its name in work/, which is unique.
func freeName(dir string, file File) (string, error) {
	own := filepath.Join(dir, tame(file.Name))
	if free, err := absent(own, own+reportSuffix); free || err != nil {
		return own, err
	}
	// A report alone at this place is the file's own, of a try that was cut off.
	unique := filepath.Join(dir, file.ID+"-"+tame(file.Name))
	free, err := absent(unique)
	if err == nil && !free {
		err = fmt.Errorf("settle file %s: its place is taken", file.ID)
	}
	return unique, err
}

func absent(paths ...string) (bool, error) {
	for _, path := range paths {
		_, err := os.Lstat(path)
		if err == nil {
			return false, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("look for a free name: %w", err)
		}
	}
	return true, nil
}
