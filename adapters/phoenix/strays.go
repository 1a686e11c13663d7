package phoenix

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// When an adapter looks for what others have left: not at once, since they may be about
// to start.
const (
	lookFirst = time.Minute
	lookEvery = 6 * time.Hour
)

const lockFile = ".arbeit"

// watch says loudly when notices wait in a folder that no adapter works on any more.
func (s *sink) watch(ctx context.Context) {
	for wait := lookFirst; ; wait = lookEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		for folder, n := range strays(s.folders) {
			s.log.Error("phoenix: events wait in the memory of an adapter that is not at work, and nobody is told of them; "+
				"give one with the same application the setting dir: phoenix/<folder>", zap.String("folder", folder), zap.Int("waiting", n))
		}
	}
}

// strays counts what waits, by folder.
func strays(base string) map[string]int {
	found := map[string]int{}
	folders, _ := os.ReadDir(base) // where there is none nothing waits
	for _, f := range folders {
		j := &journal{dir: filepath.Join(base, f.Name())}
		names, err := j.list(waits)
		if err != nil || len(names) == 0 {
			continue
		}
		if leave, err := j.hold(unix.LOCK_EX); err == nil {
			leave()
			found[f.Name()] = len(names)
		}
	}
	return found
}

// hold marks the folder as worked on (LOCK_SH), or fails when it is (LOCK_EX). The
// system takes the mark away when the process ends.
func (j *journal) hold(how int) (leave func(), err error) {
	f, err := os.OpenFile(j.path(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("mark the folder as worked on: %s", reason(err))
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("mark the folder as worked on: %w", err)
	}
	return func() { _ = f.Close() }, nil
}
