package eakte

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/spool"
)

// mark is the Fremdkennzeichen of what is made: the same in every attempt, and nobody's
// name.
func mark(kind string, parts ...string) string {
	sum := sha256.New()
	for _, part := range append([]string{kind}, parts...) {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return "Amtsbote-" + strings.ToUpper(hex.EncodeToString(sum.Sum(nil)[:10]))
}

// step is what was reached: an object that is in the E-Akte.
type step struct {
	COO  string    `json:"coo"`
	In   string    `json:"in,omitempty"`      // COO of what it lies in
	Name string    `json:"zeichen,omitempty"` // Geschäftszeichen, if the answer had one
	At   time.Time `json:"seit"`
	// Told is true when an answer is kept that tells of a procedure.
	Told     bool     `json:"gemeldet,omitempty"`
	Contents []string `json:"inhalte,omitempty"`
}

// memory keeps steps on disk, by mark.
type memory struct{ dir string }

// kept is how long a step is remembered. After that it is searched for.
const kept = 400 * 24 * time.Hour

func openMemory(dir string) (*memory, error) {
	if err := os.MkdirAll(dir, spool.DirMode); err != nil {
		return nil, fmt.Errorf("make the folder of steps: %w", err)
	}
	if err := spool.Sweep(dir); err != nil {
		return nil, fmt.Errorf("remove what a crash has left: %w", err)
	}
	return &memory{dir: dir}, nil
}

func (m *memory) path(mark string) string { return filepath.Join(m.dir, mark+".json") }

// get gives nil for a step that was not reached.
func (m *memory) get(mark string) (*step, error) {
	raw, err := os.ReadFile(m.path(mark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, fmt.Errorf("look up a step: %w", err)
	}
	var s step
	if json.Unmarshal(raw, &s) != nil || !cooForm.MatchString(s.COO) {
		return nil, errors.New("look up a step: its file is damaged; removed, it is searched for in the E-Akte")
	}
	return &s, nil
}

func (m *memory) put(mark string, s step) error {
	raw, err := json.Marshal(s)
	if err == nil {
		err = spool.Private(m.path(mark), raw)
	}
	if err != nil {
		return fmt.Errorf("keep a step: %w", err)
	}
	return m.untried(mark)
}

// told notes that an answer tells of a procedure.
func (m *memory) told(mark string) error {
	s, err := m.get(mark)
	if err != nil || s == nil || s.Told {
		return err
	}
	s.Told = true
	return m.put(mark, *s)
}

func (m *memory) drop(mark string) error {
	if err := os.Remove(m.path(mark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget a step: %w", err)
	}
	return nil
}

func (m *memory) forget(now time.Time) error {
	if err := spool.Forget(m.dir, now.Add(-kept)); err != nil {
		return fmt.Errorf("forget old steps: %w", err)
	}
	return nil
}

// lanes let one at a time work in a file, and not too many in all.
type lanes struct {
	all chan struct{}

	mu    sync.Mutex
	taken map[string]*lane
}

type lane struct {
	turn chan struct{}
	want int
}

func newLanes(n int) *lanes {
	return &lanes{all: make(chan struct{}, n), taken: map[string]*lane{}}
}

// enter waits for the turn in a file.
func (l *lanes) enter(ctx context.Context, file string) (leave func(), err error) {
	l.mu.Lock()
	in := l.taken[file]
	if in == nil {
		in = &lane{turn: make(chan struct{}, 1)}
		l.taken[file] = in
	}
	in.want++
	l.mu.Unlock()
	done := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if in.want--; in.want == 0 {
			delete(l.taken, file)
		}
	}
	select {
	case in.turn <- struct{}{}:
	case <-ctx.Done():
		done()
		return nil, fmt.Errorf("wait for the file: %w", ctx.Err())
	}
	select {
	case l.all <- struct{}{}:
		return func() { <-l.all; <-in.turn; done() }, nil
	case <-ctx.Done():
		<-in.turn
		done()
		return nil, fmt.Errorf("wait for a free place: %w", ctx.Err())
	}
}
