package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/schemas"
)

// Limits of a federation directory.
const (
	maxFileBytes = 1 << 20
	maxFiles     = 200_000
)

// folders that belong to the directory, and what they hold.
var folders = map[string]string{
	"organisations": "*.yaml, *.yml, README.md",
	"groups":        "*.yaml, *.yml, README.md",
	"agreements":    "*.yaml, *.yml, *.example.yaml, *.json, README.md",
	"recht":         "*.yaml, *.yml, README.md",
	"adapters":      "*.yaml, *.yml, README.md",
	"ereignisse":    "*.json, README.md",                       // events of examples
	"mappings":      "*.yaml, *.yml, inputs of their examples", // adapters read them
	"schemas":       "<type>/…, gemeinsam/…, README.md",
}

// inDirectory is what belongs to the directory, for people.
const inDirectory = "federation.yaml, organisations/, groups/, recht/, agreements/, adapters/, mappings/, ereignisse/, schemas/"

// comingFolders are understood by a later version.
var comingFolders = []string{"procedures"}

// snapshot holds the files of a directory as they were read, once, so that the
// digest is of exactly what is compiled. It is the fs.FS that package schemas
// reads.
type snapshot struct {
	files map[string][]byte
}

// takeTries is how often a directory that changes while it is read is read
// again: half a change must not be compiled.
const takeTries = 3

// take reads the files that belong to the directory dir.
func take(dir string, found *finding.List) *snapshot {
	s := &snapshot{files: map[string][]byte{}}
	root, err := os.OpenRoot(dir)
	if err != nil {
		found.Add(finding.Pos{File: "."}, finding.DirUnreadable, dir)
		return s
	}
	defer root.Close() //nolint:errcheck // read only
	return takeStill(root.FS(), root, found)
}

// takeStill reads until nothing changed meanwhile. osRoot is what root is made of,
// nil in tests.
func takeStill(root fs.FS, osRoot *os.Root, found *finding.List) *snapshot {
	s := &snapshot{files: map[string][]byte{}}
	for try := 1; ; try++ {
		t := &taker{List: &finding.List{}, root: root, osRoot: osRoot}
		t.top()
		t.contents(s)
		again := &taker{List: &finding.List{}, root: root}
		if again.top(); slices.Equal(t.entries, again.entries) || try == takeTries {
			found.Found = append(found.Found, t.Found...)
			if !slices.Equal(t.entries, again.entries) {
				found.Add(finding.Pos{File: "."}, finding.DirChanging)
			}
			return s
		}
		s = &snapshot{files: map[string][]byte{}}
	}
}

// taker lists the files of a directory that belong to it, and reads them.
type taker struct {
	*finding.List
	root    fs.FS
	osRoot  *os.Root
	entries []listed
}

// listed is a file as the directory lists it; a change of the file shows here.
type listed struct {
	name     string
	size     int64
	modified int64 // ns
}

func (t *taker) top() {
	entries, err := fs.ReadDir(t.root, ".")
	if err != nil {
		t.Add(finding.Pos{File: "."}, finding.DirUnreadable, ".")
		return
	}
	top := false
	for _, e := range entries {
		name := e.Name()
		switch {
		case folders[name] != "" && e.Type()&fs.ModeSymlink != 0:
			t.Add(finding.Pos{File: name}, finding.DirNotRegular)
		case folders[name] != "":
			t.tree(name)
		case slices.Contains(comingFolders, name):
			t.Add(finding.Pos{File: name}, finding.DirUnsupported, name)
		case isYAML(name) && stem(name) != "federation":
			t.Add(finding.Pos{File: name}, finding.DirStray, inDirectory)
		case isYAML(name):
			top = true
			t.file(name, e)
		}
	}
	if !top {
		t.Add(finding.Pos{File: "federation.yaml"}, finding.DirUnreadable, "federation.yaml")
	}
}

// tree lists a folder.
func (t *taker) tree(folder string) {
	err := fs.WalkDir(t.root, folder, func(name string, e fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			t.Add(finding.Pos{File: name}, finding.DirUnreadable, name)
		case !e.IsDir() && !e.Type().IsRegular():
			t.Add(finding.Pos{File: name}, finding.DirNotRegular)
		case e.IsDir() || base == "README.md" || editing(base):
		case !belongs(folder, name):
			t.Add(finding.Pos{File: name}, finding.DirStray, folders[folder])
		default:
			t.file(name, e)
		}
		return nil
	})
	if err != nil {
		t.Add(finding.Pos{File: folder}, finding.DirUnreadable, folder)
	}
}

// editing tells whether a file is what an editor or git leaves behind: hidden
// files, and backups with a tilde.
func editing(base string) bool {
	return strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~")
}

// belongs tells whether a file may lie there: agreements may be sorted into
// folders and have events of examples beside them.
func belongs(folder, name string) bool {
	switch folder {
	case "schemas", "mappings":
		return true
	case "ereignisse":
		return strings.HasSuffix(name, ".json")
	case "agreements":
		return isYAML(path.Base(name)) || strings.HasSuffix(name, ".json")
	}
	return isYAML(path.Base(name)) && path.Dir(name) == folder
}

func (t *taker) file(name string, e fs.DirEntry) {
	info, err := e.Info()
	switch {
	case err != nil:
		t.Add(finding.Pos{File: name}, finding.DirUnreadable, name)
	case !info.Mode().IsRegular():
		t.Add(finding.Pos{File: name}, finding.DirNotRegular)
	case len(t.entries) > 0 && t.entries[len(t.entries)-1].name == twin(name):
		t.Add(finding.Pos{File: name}, finding.DirTwice, twin(name))
	case len(t.entries) == maxFiles:
		t.Add(finding.Pos{File: name}, finding.DirTooLarge, fmt.Sprintf("%d files", maxFiles))
	case info.Size() > maxFileBytes:
		t.Add(finding.Pos{File: name}, finding.DirTooLarge, "1 MiB")
	default:
		t.entries = append(t.entries, listed{name, info.Size(), info.ModTime().UnixNano()})
	}
}

// contents reads what is listed into s, several files at a time.
func (t *taker) contents(s *snapshot) {
	jobs := folderParts(t.entries)
	var next atomic.Int64
	var lock sync.Mutex
	var readers sync.WaitGroup
	for range min(runtime.NumCPU(), len(jobs)) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
				raw, errs := t.readDir(path.Dir(jobs[i][0].name), jobs[i])
				lock.Lock()
				t.took(s, jobs[i], raw, errs)
				lock.Unlock()
			}
		})
	}
	readers.Wait()
}

// folderParts cuts a list into runs of files of one folder, none too long for
// one worker.
func folderParts(files []listed) [][]listed {
	const most = 500
	var out [][]listed
	for i, e := range files {
		last := len(out) - 1
		if i == 0 || len(out[last]) == most || path.Dir(out[last][0].name) != path.Dir(e.name) {
			out = append(out, nil)
			last++
		}
		out[last] = append(out[last], e)
	}
	return out
}

func (t *taker) took(s *snapshot, files []listed, raw [][]byte, errs []error) {
	for i, e := range files {
		switch {
		case errs[i] != nil:
			t.Add(finding.Pos{File: e.name}, finding.DirUnreadable, e.name)
		case len(raw[i]) > maxFileBytes:
			t.Add(finding.Pos{File: e.name}, finding.DirTooLarge, "1 MiB")
		default:
			s.files[e.name] = raw[i]
		}
	}
}

// readDir reads files of one folder, which is opened once.
func (t *taker) readDir(dir string, files []listed) ([][]byte, []error) {
	raw, errs := make([][]byte, len(files)), make([]error, len(files))
	folder, err := fs.Sub(t.root, dir)
	if root := t.osRoot; root != nil {
		var sub *os.Root
		if sub, err = root.OpenRoot(dir); err == nil {
			defer sub.Close() //nolint:errcheck // read only
			folder = sub.FS()
		}
	}
	for i, e := range files {
		if errs[i] = err; err == nil {
			raw[i], errs[i] = readFile(folder, path.Base(e.name), e.size)
		}
	}
	return raw, errs
}

// readFile reads a file that was so long when it was listed.
func readFile(folder fs.FS, name string, size int64) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	raw := make([]byte, size+1)
	n, err := io.ReadFull(f, raw)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return raw[:n], nil
	case err != nil:
		return nil, err
	}
	rest, err := io.ReadAll(io.LimitReader(f, maxFileBytes)) // it has grown
	return append(raw, rest...), err
}

func isYAML(name string) bool {
	return (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) && !strings.HasPrefix(name, ".")
}

func stem(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".yaml"), ".yml")
}

// twin is the same YAML file with the other ending.
func twin(name string) string {
	if base, ok := strings.CutSuffix(name, ".yaml"); ok {
		return base + ".yml"
	}
	if base, ok := strings.CutSuffix(name, ".yml"); ok {
		return base + ".yaml"
	}
	return ""
}

// yaml lists the YAML files below a folder, sorted.
func (s *snapshot) yaml(folder string) []string {
	return slices.DeleteFunc(s.names(folder), func(name string) bool { return !isYAML(path.Base(name)) })
}

// names lists the files below a folder, sorted.
func (s *snapshot) names(folder string) []string {
	var out []string
	for name := range s.files {
		if folder == "" || strings.HasPrefix(name, folder+"/") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// digest is "sha256:" and the digest over paths, lengths and bytes, and over what
// comes with the program.
func (s *snapshot) digest() string {
	h := sha256.New()
	program := schemas.Digest()
	h.Write(program[:])
	for _, name := range s.names("") {
		h.Write(fmt.Appendf(nil, "%s\x00%d\x00", name, len(s.files[name])))
		h.Write(s.files[name])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
