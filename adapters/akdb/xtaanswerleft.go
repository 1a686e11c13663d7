package akdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// takeUp begins with what an earlier run has left; nil-safe.
func (a *answers) takeUp() error {
	if a == nil {
		return nil
	}
	if err := a.dropOrphans(); err != nil {
		return err
	}
	left, unreadable, err := a.out.unfinished()
	if err != nil {
		return err
	}
	for _, id := range unreadable {
		if err := a.setRecordAside(id); err != nil {
			a.log.Error("xta: the damaged record of a Rückweisung could not be set aside", zap.String("rueckweisung", id), zap.Error(err))
		}
	}
	for _, id := range left {
		if !a.waits(id) {
			a.enqueue(id)
		}
	}
	return nil
}

// dropOrphans removes contents without a record: a crash came before the record
// was written, so their message is still in the box, or after it was forgotten.
func (a *answers) dropOrphans() error {
	files, err := filepath.Glob(filepath.Join(a.out.dir, "*.0"))
	for _, file := range files {
		if _, gone := os.Stat(strings.TrimSuffix(file, ".0") + ".json"); errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, os.Remove(file))
		}
	}
	if err != nil {
		return fmt.Errorf("tidy the outbox: %w", err)
	}
	return nil
}

// setRecordAside lays a record that cannot be read, and the Rückweisung, where
// people look: whether it was sent is not known. Its message is not answered again.
// After a crash in between all of it is done once more.
func (a *answers) setRecordAside(id string) error {
	record, err := os.ReadFile(a.out.record(id))
	if err != nil {
		return err
	}
	cause := hub.Permanent(damaged, "the record of a Rückweisung is damaged; whether it was sent is not known")
	temp := filepath.Join(a.out.dir, "."+id+".part")
	if err := dropfolder.WriteSynced(temp, record); err != nil {
		return err
	}
	if err := dropfolder.SetAside(a.aside, temp, "rueckweisung_"+id+".json", cause); err != nil {
		return err
	}
	return a.giveUp(&consignment{id: id}, cause)
}

func sortByBegin(all []*consignment) []string {
	slices.SortStableFunc(all, func(a, b *consignment) int { return a.Begun.Compare(b.Begun) })
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.id
	}
	return ids
}
