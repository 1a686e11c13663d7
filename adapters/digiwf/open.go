package digiwf

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

const ending = ".json"

// opened is a request that waits for its answer: what it takes to give one, and
// nothing of what was asked.
type opened struct {
	ID          string        `json:"id"` // of the event
	Type        string        `json:"type"`
	Reply       string        `json:"reply"`
	Instance    string        `json:"instance"`
	Message     string        `json:"message"`
	Correlation string        `json:"correlation"` // of the event
	Echo        []wire.Header `json:"echo"`
	Generation  int           `json:"generation"`
	Since       time.Time     `json:"since"` // time of the record
}

// desk is the folder that source and sink share.
type desk struct {
	set *settings
	box *post.Box
}

func openDesk(set *settings, way post.Way) (*desk, error) {
	d := &desk{set: set, box: &post.Box{Dir: set.folder(sentFolder), Way: way}}
	if err := d.box.Open(); err != nil {
		return nil, err
	}
	for _, folder := range []string{openFolder, dueFolder} {
		if err := disk.Open(set.folder(folder)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// idForm is that of events which requests became.
var idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

func (d *desk) openPath(id string) string { return filepath.Join(d.set.folder(openFolder), id+ending) }

// hold keeps others from opening or closing the request meanwhile.
func (d *desk) hold(ctx context.Context, id string) (leave func(), err error) {
	return disk.Hold(ctx, d.openPath(id))
}

// remember writes the request down, unless it is there or was answered.
func (d *desk) remember(ctx context.Context, o *opened) error {
	leave, err := d.hold(ctx, o.ID)
	if err != nil {
		return err
	}
	defer leave()
	answered, err := d.answered(o.ID)
	if err != nil || answered {
		return err
	}
	there, err := disk.Get(d.openPath(o.ID), &opened{})
	if err != nil || there {
		return err
	}
	return disk.Put(d.openPath(o.ID), o)
}

// answered tells whether an answer was sent, is to be, or was begun.
func (d *desk) answered(id string) (bool, error) {
	if there, err := disk.Get(d.duePath(answerKey(id)), &due{}); err != nil || there {
		return there, err
	}
	by, _, err := d.box.By(answerKey(id))
	return by != "", err
}

// find gives the open request of an event's id, nil when there is none.
func (d *desk) find(id string) (*opened, error) {
	if !idForm.MatchString(id) {
		return nil, nil
	}
	o := &opened{}
	there, err := disk.Get(d.openPath(id), o)
	if err != nil || !there {
		return nil, err
	}
	return o, nil
}

// each calls do with every open request, one after the other. One whose file is
// damaged is left out: it holds up no other.
func (d *desk) each(ctx context.Context, do func(*opened) error) error {
	ids, err := disk.Names(d.set.folder(openFolder), ending)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("look through open requests: %w", err)
		}
		o, err := d.find(id)
		if err != nil && !errors.Is(err, disk.ErrDamaged) {
			return err
		}
		if o == nil {
			continue
		}
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
}

// forget closes a request.
func (d *desk) forget(id string) error { return disk.Remove(d.openPath(id)) }

// crowd counts what waits: open requests, and messages to be sent.
func (d *desk) crowd() (int, error) {
	total := 0
	for _, folder := range []string{openFolder, dueFolder} {
		names, err := disk.Names(d.set.folder(folder), ending)
		if err != nil {
			return 0, err
		}
		total += len(names)
	}
	return total, nil
}

// answerKey is the one under which a request is answered, whoever does it.
func answerKey(id string) string { return "answer|" + id }
