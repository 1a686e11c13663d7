package eakte

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/spool"
	"github.com/amtsbote/amtsbote/hub"
)

// settling is after how many times of frist it is believed that a call without an answer
// has done all that it will do, and that a search finds it.
const settling = 3

// attempt makes what a search did not find. That it is tried is written down before. As
// long as an earlier attempt may still be under way nothing is made: the hub comes
// again, and then it is looked for first.
func (s *sink) attempt(ctx context.Context, mark string, create func() (Created, error)) (Created, error) {
	if ctx.Err() != nil {
		return Created{}, hub.Retryable("abgebrochen", "file: %w", ctx.Err())
	}
	at, err := s.memory.tried(mark)
	if err != nil {
		return Created{}, err
	}
	wait := settling * s.set.EAkte.Frist
	if rest := min(at.Add(wait).Sub(s.now()), wait); rest > 0 {
		return Created{}, &hub.Fault{Code: "ungewiss", After: rest, Later: true, Err: errUnsure}
	}
	if err := s.memory.try(mark, s.now()); err != nil {
		return Created{}, err
	}
	made, err := create()
	if err != nil && certain(err) {
		err = errors.Join(err, s.memory.untried(mark))
	}
	return made, err
}

var errUnsure = errors.New("an earlier call had no answer: it is waited until a search would find what it made")

// certain tells whether a call that failed has made nothing.
func certain(err error) bool {
	failed, ok := errors.AsType[*eai.Error](err)
	if !ok {
		return true // of a document: its body was never whole
	}
	return !failed.Blocking || slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests}, failed.Status)
}

func (m *memory) tryPath(mark string) string { return filepath.Join(m.dir, mark+".versuch") }

// tried is when it was last tried to make something, the zero time for never, or for an
// attempt whose end is known.
func (m *memory) tried(mark string) (time.Time, error) {
	raw, err := os.ReadFile(m.tryPath(mark))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look up an attempt: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, string(raw))
	if err != nil {
		return time.Time{}, errors.New("look up an attempt: its file is damaged; remove it when the E-Akte is idle")
	}
	return at, nil
}

func (m *memory) try(mark string, at time.Time) error {
	if err := spool.Private(m.tryPath(mark), []byte(at.UTC().Format(time.RFC3339Nano))); err != nil {
		return fmt.Errorf("keep an attempt: %w", err)
	}
	return nil
}

func (m *memory) untried(mark string) error {
	if err := os.Remove(m.tryPath(mark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget an attempt: %w", err)
	}
	return nil
}
