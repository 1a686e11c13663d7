package send

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// refused sets aside what the hub refuses for good: a person takes the report away
// to have it tried again.
func (s *source) refused(id string, r *record, err error) error {
	if f := hub.FaultOf(err); f.Permanent {
		return s.setAside(id, r.Submission, err)
	}
	return err
}

func (s *source) asidePath(id string) string { return filepath.Join(s.aside, id+".json") }

func (s *source) isAside(id string) (bool, error) {
	_, err := os.Lstat(s.asidePath(id))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// setAside lays a report down, with ids alone.
func (s *source) setAside(id, submission string, why error) error {
	f, err := os.CreateTemp(s.aside, ".tmp-*")
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // only there when something failed
	_, err = fmt.Fprintf(f, "{\n  \"zustellung\": %q,\n  \"submissionId\": %q\n}\n", id, submission)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	s.log.Warn("fit-connect: what became of a submission cannot be told, and is set aside", zap.String("delivery", id), zap.Error(why))
	return dropfolder.SetAside(s.aside, f.Name(), id+".json", why)
}
