package auskunft

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/akdb/spool"
	"github.com/amtsbote/amtsbote/hub"
)

// Desk keeps answers on disk, each once for each delivery: below its folder in
// gefragt/ until the delivery is done with, then in in/, where a source takes
// them. Files are for the hub's user alone. Several deliveries may come at once.
type Desk struct{ dir string }

// markKept is how long it is known that a question was asked; longer than the
// hub's horizon of 30 days.
const markKept = 60 * 24 * time.Hour

const (
	markEnding   = ".gefragt"
	answerEnding = ".antwort"
)

// OpenDesk makes the folders that are missing, and forgets old marks, with
// whatever answer nobody has asked for again in that time.
func OpenDesk(dir string) (*Desk, error) {
	d := &Desk{dir: dir}
	for _, sub := range []string{"in", "gefragt"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), spool.DirMode); err != nil {
			return nil, fmt.Errorf("make folders for answers: %w", err)
		}
	}
	return d, d.forget(time.Now().Add(-markKept))
}

// ID names the one answer to a delivery. It is made of the event, too: numbers of
// deliveries begin anew when a hub does.
func ID(d hub.Delivery) string {
	name := "auskunft"
	for _, part := range []string{d.ID, d.Event.Source(), d.Event.ID()} {
		name += fmt.Sprintf("|%d:%s", len(part), part)
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// Once asks unless the answer with this id is kept or was handed on already, and
// puts it into in/ under id and ending. An error of ask comes back as it is: then
// nothing is kept. The answer is written beside the mark that the question was
// asked before it goes to the source: asked again after a crash, the register could
// give another one.
func (d *Desk) Once(id, ending string, ask func() ([]byte, error)) error {
	answer, mark := d.path("gefragt", id+answerEnding), d.path("gefragt", id+markEnding)
	if !exists(answer) {
		if exists(mark) {
			return nil
		}
		content, err := ask()
		if err != nil {
			return err
		}
		if err := spool.Private(answer, content); err != nil {
			return fmt.Errorf("keep answer: %w", err)
		}
	}
	if err := spool.Private(mark, nil); err != nil {
		return fmt.Errorf("mark the question as asked: %w", err)
	}
	if err := spool.Move(answer, d.path("in", id+ending)); err != nil {
		return fmt.Errorf("hand on answer: %w", err)
	}
	return nil
}

func (d *Desk) path(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// forget removes old marks and answers; of an answer the mark first, since one
// that is marked and gone counts as handed on.
func (d *Desk) forget(before time.Time) error {
	entries, err := os.ReadDir(d.path("gefragt"))
	if err != nil {
		return fmt.Errorf("look through marks: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
			continue
		}
		id, isAnswer := strings.CutSuffix(e.Name(), answerEnding)
		names := []string{e.Name()}
		if isAnswer {
			names = []string{id + markEnding, e.Name()}
		}
		if err := d.remove(names); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) remove(names []string) error {
	for _, name := range names {
		if err := os.Remove(d.path("gefragt", name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a mark: %w", err)
		}
	}
	return nil
}
