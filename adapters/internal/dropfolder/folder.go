// Package dropfolder is a directory through which an authority's specialist
// application and the hub exchange files. The hub takes files out of in/ and
// writes files to out/; work/, done/YYYY/MM/DD/ and error/ are its own.
//
// A file is in exactly one of in/, work/, done/ and error/ at any time, because
// it only ever moves by rename: a crash at any point loses none. What lies in
// work/ when [Folder.Watch] starts is taken up again first.
//
// Several adapters may share one folder when their extensions differ: each
// takes, and takes up again, only its own. Two adapters with the same
// extensions on one folder are a mistake that nobody can detect here.
//
// Directories that exist keep their permissions; the operator makes in/
// writable and out/ readable for the application by its group.
package dropfolder

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

const dirMode = 0o750

// Folder is an opened drop folder. Its methods may be called concurrently,
// except that only one Watch runs at a time.
type Folder struct {
	cfg        Config
	extensions []string // lower case, with the dot
	log        *zap.Logger

	settling sync.Mutex     // guards the choice of free names in done/ and error/
	writing  [16]sync.Mutex // one per stripe of out/ names
	noHints  bool           // tests: polling alone

	hub.Looks // into in/
}

// Places tells people where the folder is.
func (f *Folder) Places() hub.Places { return f.cfg.Places() }

// Open makes the directories that are missing. The extensions (".xml") are
// those of the files that Watch takes, in any letter case.
func Open(cfg Config, extensions []string, log *zap.Logger) (*Folder, error) {
	if key, text := cfg.problem(); text != "" {
		return nil, fmt.Errorf("drop folder: %s %s", key, text)
	}
	if len(extensions) == 0 {
		return nil, errors.New("drop folder: no extensions")
	}
	f := &Folder{cfg: cfg, log: log}
	for _, e := range extensions {
		f.extensions = append(f.extensions, strings.ToLower(e))
	}
	for _, d := range cfg.directories() {
		if err := os.MkdirAll(f.path(d.path), dirMode); err != nil {
			return nil, fmt.Errorf("make drop folder: %w", err)
		}
	}
	return f, nil
}

func (f *Folder) path(elem ...string) string {
	return filepath.Join(append([]string{f.cfg.Dir}, elem...)...)
}

// stripe gives the lock that writers of this name in out/ share.
func (f *Folder) stripe(name string) *sync.Mutex {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return &f.writing[h.Sum32()%uint32(len(f.writing))]
}
