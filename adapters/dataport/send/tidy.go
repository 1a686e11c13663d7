package send

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tidyEvery is how often is looked for what can be forgotten.
const tidyEvery = time.Hour

// tidy forgets what was done long ago, and encrypted parts that a crash has left
// without a record.
func (o *outbox) tidy() error {
	ids, err := o.ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		r, err := o.load(id)
		if err == nil && time.Since(r.Since) > o.remember {
			err = o.age(r)
		}
		if err != nil && !errors.Is(err, errDamaged) {
			return err
		}
	}
	return o.sweep()
}

// age lets go of an old record. What may have been submitted keeps it, without the
// parts: whether it was, the event log says when somebody has it tried again. What is
// followed stays.
func (o *outbox) age(r *record) error {
	switch r.State {
	case sent:
		return nil
	case submitting:
		_ = os.RemoveAll(o.files(r.id)) // only takes room
		return nil
	}
	return o.drop(r)
}

func (o *outbox) sweep() error {
	entries, err := os.ReadDir(o.work)
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < day {
			continue
		}
		if _, err := os.Stat(o.path(strings.TrimPrefix(e.Name(), "x"))); errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(filepath.Join(o.work, e.Name())) // only takes room
		}
	}
	return nil
}
