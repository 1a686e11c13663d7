package dropfolder

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// poll is the interval of the folders in these tests; their clock is synctest's.
const poll = time.Second

// open makes a folder that polls only: the notices of the operating system come
// from outside a synctest bubble.
func open(t *testing.T, change ...func(*Config)) *Folder {
	t.Helper()
	cfg := Defaults()
	cfg.Dir = t.TempDir()
	cfg.Poll = poll
	for _, c := range change {
		c(&cfg)
	}
	return reopen(t, cfg, ".xml")
}

func reopen(t *testing.T, cfg Config, extensions ...string) *Folder {
	t.Helper()
	f, err := Open(cfg, extensions, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	f.noHints = true
	return f
}

func (f *Folder) drop(t *testing.T, name, content string) string {
	t.Helper()
	return put(t, f.path(f.cfg.In, name), content)
}

func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tree lists all files below dir, by slash-separated path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content := "-> link"
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(b)
		}
		files[filepath.ToSlash(rel)] = content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// recorder is a handler that remembers what it was given.
type recorder struct {
	mu    sync.Mutex
	names []string
	times []time.Time
	react func(File) error
}

func (r *recorder) handle(_ context.Context, file File) error {
	r.mu.Lock()
	r.names = append(r.names, file.Name)
	r.times = append(r.times, time.Now())
	r.mu.Unlock()
	if r.react == nil {
		return nil
	}
	return r.react(file)
}

func (r *recorder) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.names...)
}

// watch runs Watch inside a synctest bubble for d of its time.
func watch(t *testing.T, f *Folder, handle Handler, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- f.Watch(ctx, handle) }()
	time.Sleep(d)
	synctest.Wait()
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("Watch after the end of its context: %v", err)
	}
}
