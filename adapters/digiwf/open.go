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
	ID          string        `json:"id"`   // of the event
	Mark        string        `json:"mark"` // of the record: several may ask for one event
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
	for _, folder := range []string{openFolder, knownFolder, dueFolder} {
		if err := disk.Open(set.folder(folder)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// idForm is that of events which requests became.
var idForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

func (d *desk) openPath(id, mark string) string {
	return filepath.Join(d.set.folder(openFolder), id+"."+mark+ending)
}

// hold keeps others from opening or closing requests for the event meanwhile.
func (d *desk) hold(ctx context.Context, id string) (leave func(), err error) {
	return disk.Hold(ctx, d.knownPath(id))
}

// remember writes the request down, unless it is there or was answered: the record
// comes again after a crash. Another record that asks for the same event is another
// request.
func (d *desk) remember(ctx context.Context, o *opened) error {
	leave, err := d.hold(ctx, o.ID)
	if err != nil {
		return err
	}
	defer leave()
	if err := d.noteAsked(o); err != nil {
		return err
	}
	answered, err := d.answered(o.key())
	if err != nil || answered {
		return err
	}
	there, err := disk.Get(d.openPath(o.ID, o.Mark), &opened{})
	if err != nil && !errors.Is(err, disk.ErrDamaged) { // what is damaged is written anew
		return err
	}
	if there {
		return nil
	}
	return disk.Put(d.openPath(o.ID, o.Mark), o)
}

// answered tells whether an answer was sent, is to be, or was begun. A damaged file
// says nothing: the partition must not stand still for it.
func (d *desk) answered(key string) (bool, error) {
	there, err := disk.Get(d.duePath(key), &due{})
	if there || err != nil && !errors.Is(err, disk.ErrDamaged) {
		return there, err
	}
	by, _, err := d.box.By(key)
	if errors.Is(err, disk.ErrDamaged) {
		return false, nil
	}
	return by != "", err
}

// openOf gives the open requests for an event, the oldest first. With ErrDamaged come
// those that could be read.
func (d *desk) openOf(id string) (all []*opened, err error) {
	k, err := d.knownOf(id)
	if err != nil {
		return nil, err
	}
	for _, mark := range k.Asked {
		o := &opened{}
		there, broken := disk.Get(d.openPath(id, mark), o)
		if there && broken == nil {
			all = append(all, o)
		}
		err = errors.Join(err, broken)
	}
	return all, err
}

// each calls do with every open request, one after the other. One whose file is
// damaged is left out: it holds up no other.
func (d *desk) each(ctx context.Context, do func(*opened) error) error {
	names, err := disk.Names(d.set.folder(openFolder), ending)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("look through open requests: %w", err)
		}
		o := &opened{}
		there, err := disk.Get(filepath.Join(d.set.folder(openFolder), name+ending), o)
		if err != nil && !errors.Is(err, disk.ErrDamaged) {
			return err
		}
		if !there || err != nil {
			continue
		}
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
}

// forget closes a request.
func (d *desk) forget(o *opened) error { return disk.Remove(d.openPath(o.ID, o.Mark)) }

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

// key is the one under which a request is answered, whoever does it.
func (o *opened) key() string { return answerKey(o.ID, o.Mark) }

func answerKey(id, mark string) string { return "answer|" + id + "|" + mark }
