// Package desk keeps the answers of sinks that ask a foreign system, until a source
// has published them. A crash at any point asks again only if no answer was kept,
// and an answer that is published again is the same.
package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/internal/spool"
	"github.com/amtsbote/amtsbote/hub"
)

// Desk keeps answers on disk, each once for each delivery: below its folder in
// gefragt/ until the delivery is done with, then in in/, where a source takes
// them. Files are for the hub's user alone. Several deliveries may come at once.
type Desk struct {
	dir string

	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the question is settled
}

const (
	markEnding   = ".gefragt"
	answerEnding = ".antwort"
	timeEnding   = ".zeit"
)

// Open makes the folders that are missing, and forgets what is old and what a
// crash has left half written.
func Open(dir string) (*Desk, error) {
	d := &Desk{dir: dir, taken: map[string]chan struct{}{}}
	for _, sub := range []string{"in", "gefragt"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), spool.DirMode); err != nil {
			return nil, fmt.Errorf("make folders for answers: %w", err)
		}
	}
	if err := spool.Sweep(d.path("gefragt")); err != nil {
		return nil, fmt.Errorf("remove what a crash has left: %w", err)
	}
	return d, forget(dir, time.Now().Add(-markKept))
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
// puts it into in/ under id and ending. While it is asked, nobody else asks it: who
// comes second waits. An error of ask comes back as it is: then nothing is kept. The
// answer is written beside the mark that the question was asked before it goes to the
// source: asked again after a crash, the register could give another one.
func (d *Desk) Once(ctx context.Context, id, ending string, ask func() ([]byte, error)) error {
	leave, err := d.enter(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	answer, mark := d.path("gefragt", id+answerEnding), d.path("gefragt", id+markEnding)
	switch kept, handedOn, err := d.state(id); {
	case err != nil:
		return err
	case !kept && handedOn:
		return nil
	case !kept:
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
	return remove(d.path("gefragt", id+timeEnding))
}

// enter waits until nobody else has the question.
func (d *Desk) enter(ctx context.Context, id string) (leave func(), err error) {
	for {
		d.mu.Lock()
		other, taken := d.taken[id]
		if !taken {
			mine := make(chan struct{})
			d.taken[id] = mine
			d.mu.Unlock()
			return func() {
				d.mu.Lock()
				delete(d.taken, id)
				d.mu.Unlock()
				close(mine)
			}, nil
		}
		d.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the same question: %w", ctx.Err())
		}
	}
}

// state tells whether the answer is kept, and whether one is marked.
func (d *Desk) state(id string) (kept, marked bool, err error) {
	kept, err = exists(d.path("gefragt", id+answerEnding))
	if err == nil {
		marked, err = exists(d.path("gefragt", id+markEnding))
	}
	return kept, marked, err
}

// Asked is when the question with this id was asked first: now, unless it was
// before. It is kept until there is an answer.
func (d *Desk) Asked(id string) (time.Time, error) {
	path := d.path("gefragt", id+timeEnding)
	raw, err := os.ReadFile(path) //nolint:gosec // in the adapter's folder, under an id of our own
	if err == nil {
		if at, err := time.Parse(time.RFC3339Nano, string(raw)); err == nil {
			return at, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, fmt.Errorf("look up when was asked: %w", err)
	}
	at := time.Now().UTC()
	if err := spool.Private(path, []byte(at.Format(time.RFC3339Nano))); err != nil {
		return at, fmt.Errorf("keep when was asked: %w", err)
	}
	return at, nil
}

func (d *Desk) path(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

// exists takes a file for absent only if the disk says so.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a mark or an answer: %w", err)
	}
	return true, nil
}
