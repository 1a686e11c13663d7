package digiwf

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/hub"
)

// known is what is remembered of an event that was asked for, for as long as Keep: the
// hub has it once, whoever asks for it again.
type known struct {
	Asked []string `json:"asked"`          // marks of the records, the oldest first
	Last  *fate    `json:"last,omitempty"` // what became of it, once that is known
}

// fate is what the hub made of an event.
type fate struct {
	Outcome hub.Outcome `json:"outcome"`
	Code    string      `json:"code,omitempty"`
	Copies  int         `json:"copies"`
	Done    int         `json:"done"`
}

func (f *fate) refused() bool { return f.Outcome == hub.Quarantined || f.Outcome == hub.Unrouted }

const (
	maxAsked     = 1000 // for one event
	codeTooOften = "asked-too-often"
	codeConflict = "CONFLICT" // of the hub: the id is another event's
)

// markOf tells apart the records that ask for one event.
func markOf(a *asked) string { return post.ID(a.position)[:16] }

func (d *desk) knownPath(id string) string {
	return filepath.Join(d.set.folder(knownFolder), id+ending)
}

// knownOf gives an empty one for an event that nobody asked for. One that is damaged
// is made anew of the requests that are open.
func (d *desk) knownOf(id string) (*known, error) {
	k := &known{}
	if !idForm.MatchString(id) {
		return k, nil
	}
	_, err := disk.Get(d.knownPath(id), k)
	if !errors.Is(err, disk.ErrDamaged) {
		return k, err
	}
	names, err := disk.Names(d.set.folder(openFolder), ending)
	k = &known{}
	for _, name := range names {
		if mark, of := strings.CutPrefix(name, id+"."); of && !strings.Contains(mark, ".") {
			k.Asked = append(k.Asked, mark)
		}
	}
	return k, err
}

// noteAsked adds a request to those for its event.
func (d *desk) noteAsked(o *opened) error {
	k, err := d.knownOf(o.ID)
	if err != nil || slices.Contains(k.Asked, o.Mark) {
		return err
	}
	if len(k.Asked) >= maxAsked {
		return hub.Permanent(codeTooOften, "the same event was asked for %d times", maxAsked)
	}
	k.Asked = append(k.Asked, o.Mark)
	return disk.Put(d.knownPath(o.ID), k)
}

// concerned gives the requests that a settlement is told to, and what they are told.
// Every record that asks is decided by itself, in order: a refusal is that of the
// oldest one that waits. Copies of an event are those of all who ask for it. That it
// is another one's id (CONFLICT) concerns the one that asked last, and never the one
// that the hub has. Of a repetition (Suppressed) holds what was said before.
func (k *known) concerned(open []*opened, end hub.Settlement) ([]*opened, *fate) {
	now := &fate{end.Outcome, end.Code, end.Copies, end.Done}
	switch {
	case len(open) == 0:
		return nil, now
	case end.Outcome == hub.Suppressed && k.Last == nil:
		return nil, now // the first is under way yet
	case end.Outcome == hub.Suppressed:
		now = k.Last
	case conflict(end):
		last := open[len(open)-1]
		if len(k.Asked) > 1 && last.Mark == k.Asked[0] {
			return nil, now // it is the hub's, and this was said before
		}
		return []*opened{last}, now
	}
	if now.refused() {
		return open[:1], now
	}
	return open, now
}

func conflict(end hub.Settlement) bool {
	return end.Outcome == hub.Quarantined && end.Code == codeConflict
}

// noteFate remembers how an event ended.
func (d *desk) noteFate(id string, k *known, end hub.Settlement) error {
	now := fate{end.Outcome, end.Code, end.Copies, end.Done}
	final := now.refused() || now.Outcome == hub.Routed
	if !final || conflict(end) || k.Last != nil && *k.Last == now {
		return nil
	}
	k.Last = &now
	return disk.Put(d.knownPath(id), k)
}

// answeredByEvent tells whether an event has answered one of the requests: nothing
// more comes then for those that ask again.
func (d *desk) answeredByEvent(id string, k *known) (bool, error) {
	for _, mark := range k.Asked {
		by, done, err := d.box.By(answerKey(id, mark))
		if err = ignoreDamaged(err); err != nil || done && by != bySource {
			return err == nil, err
		}
	}
	return false, nil
}
