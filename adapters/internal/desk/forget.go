package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
)

// markKept is how long it is known that a question was asked; longer than the
// hub's horizon of 30 days.
const markKept = 60 * 24 * time.Hour

// Tend forgets old marks once a day, with whatever answer nobody has asked for again
// in that time, until ctx ends. The source does it, since it runs all the time. more is
// what the adapter has to forget besides, at the start and once a day.
func Tend(ctx context.Context, dir string, log *zap.Logger, more ...func(now time.Time) error) {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		for _, forget := range more {
			if err := forget(time.Now()); err != nil {
				log.Warn("answers: what is old stays", zap.Error(err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := forget(dir, time.Now().Add(-markKept)); err != nil {
			log.Warn("answers: old marks stay", zap.Error(err))
		}
	}
}

// forget removes old marks and answers; of an answer the mark first, since one
// that is marked and gone counts as handed on.
func forget(dir string, before time.Time) error {
	dir = filepath.Join(dir, "gefragt")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was asked yet
	}
	if err != nil {
		return fmt.Errorf("look through marks: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
			continue
		}
		if id, isAnswer := strings.CutSuffix(e.Name(), answerEnding); isAnswer {
			err = remove(filepath.Join(dir, id+markEnding))
		}
		if err = errors.Join(err, remove(filepath.Join(dir, e.Name()))); err != nil {
			return err
		}
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a mark: %w", err)
	}
	return nil
}
