package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// released removes events from the in streams, also from those whose
// organisation has left the directory: what it never decided stays.
func (k *Keeper) released(ctx context.Context) error {
	ins, err := k.Bus.InStreams(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, in := range ins {
		if err := k.releasedOf(ctx, in); err != nil {
			errs = append(errs, fmt.Errorf("remove from %s: %w", in, err))
		}
	}
	return errors.Join(errs...)
}

func (k *Keeper) releasedOf(ctx context.Context, in string) error {
	floor, err := k.carriedOut(ctx, in)
	if err != nil || floor == 0 {
		return err
	}
	first, err := k.Bus.First(ctx, in)
	if err != nil || first == nil || first.Seq > floor {
		return err
	}
	groups, err := k.groups(ctx, in)
	if err != nil {
		return err
	}
	c := &cutter{keeper: k, in: in, first: first, floor: floor, known: map[time.Duration]uint64{}}
	least, most := uint64(math.MaxUint64), uint64(0)
	for _, g := range groups {
		g.upTo = floor
		if g.keep > 0 {
			if g.upTo, err = c.cut(ctx, g.keep); err != nil {
				return err
			}
		}
		least, most = min(least, g.upTo), max(most, g.upTo)
	}
	var counted map[string]decision.Range
	if least == most { // all are kept for as long, so that the ledger has little else
		counted = k.booked(ctx, in, first.Seq, most)
	}
	if len(counted) == 0 { // a run before has noted that they go, and did not get to it
		counted = nil
	}
	var ranges []decision.Range
	for _, g := range groups {
		if g.upTo == 0 {
			continue
		}
		r, err := k.rangeOf(ctx, in, g, counted)
		if err != nil {
			return err
		}
		if g.some = r.Messages > 0; g.some {
			ranges = append(ranges, r)
		}
	}
	return k.remove(ctx, in, decision.WhyKept, ranges, steps(groups, least))
}

// rangeOf is what goes of a group. counted is what is known by subject, nil for
// nothing.
func (k *Keeper) rangeOf(ctx context.Context, in string, g *group, counted map[string]decision.Range) (decision.Range, error) {
	if counted == nil {
		return k.between(ctx, in, g.name, g.subjects, g.upTo)
	}
	sum := decision.Range{Subject: g.name}
	for _, subject := range g.subjects {
		if r := counted[subject]; r.Messages > 0 {
			if sum.Messages += r.Messages; sum.From == 0 || r.From < sum.From {
				sum.From = r.From
			}
			sum.UpTo = max(sum.UpTo, r.UpTo)
		}
	}
	return sum, nil
}

// group is the events of one subject, or of all that nobody knows.
type group struct {
	name     string
	subjects []string
	keep     time.Duration
	upTo     uint64
	some     bool // there is something to remove
}

// groups sorts the subjects of an in stream by how long they are kept. Those of
// which the directory does not know application or type are one group.
func (k *Keeper) groups(ctx context.Context, in string) ([]*group, error) {
	subjects, err := k.Bus.Subjects(ctx, in, ">")
	if err != nil {
		return nil, err
	}
	fed := k.Federation()
	others := &group{name: decision.Others, keep: schemas.DefaultKeep}
	var out []*group
	for subject := range subjects {
		parts := strings.SplitN(subject, ".", 4) // in.<org>.<app>.<type>
		if len(parts) == 4 {
			_, known := fed.Application(parts[1] + "." + parts[2])
			schema, ok := fed.Schemas.Lookup(parts[3])
			if known && ok {
				out = append(out, &group{name: subject, subjects: []string{subject}, keep: schema.Keep})
				continue
			}
		}
		others.subjects = append(others.subjects, subject)
	}
	if len(others.subjects) > 0 {
		out = append(out, others)
	}
	slices.SortFunc(out, func(a, b *group) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// steps makes the purges: one large one of the whole stream as far as everything
// may go, then what goes beyond that, subject by subject.
func steps(groups []*group, least uint64) []purge {
	var out []purge
	if least > 0 {
		out = append(out, purge{">", least})
	}
	for _, g := range groups {
		if !g.some || g.upTo <= least {
			continue
		}
		for _, subject := range g.subjects {
			out = append(out, purge{subject, g.upTo})
		}
	}
	return out
}

// carriedOut is the sequence up to which everything in an in stream is decided
// and carried out: all cursors are past it, and no mailbox is owed anything.
// Neither goes back.
func (k *Keeper) carriedOut(ctx context.Context, in string) (uint64, error) {
	floor := uint64(math.MaxUint64)
	for stream, root := range map[string]string{bus.Trail: "trail", bus.Out: "out", bus.Quarantine: "quarantine", bus.Parked: "parked"} {
		m, err := k.Bus.Cursor(ctx, stream, decision.CursorSubject(root, in))
		if err != nil || m == nil {
			return 0, err
		}
		var c decision.Cursor
		if err := json.Unmarshal(m.Data, &c); err != nil {
			return 0, fmt.Errorf("read the cursor %d of %s: %w", m.Seq, stream, err)
		}
		floor = min(floor, c.Floor())
	}
	return floor, nil
}

// cutter finds up to where an in stream is old enough.
type cutter struct {
	keeper *Keeper
	in     string
	first  *event.Message
	floor  uint64
	known  map[time.Duration]uint64
	at     func(ctx context.Context, seq uint64) (*event.Message, error) // tests only
}

// look gives the first message from seq on.
func (c *cutter) look(ctx context.Context, seq uint64) (*event.Message, error) {
	if c.at != nil {
		return c.at(ctx, seq)
	}
	return c.keeper.Bus.At(ctx, c.in, seq, ">")
}

// cut is the sequence up to which messages were stored at least keep ago, and
// are carried out; 0 when there is none. Most often that is everything, or little
// behind the first: so the end is looked at, then what lies twice as far from the first
// each time, until that is too young, and only then the span is halved. Each look may
// have the server read a whole block of its store.
func (c *cutter) cut(ctx context.Context, keep time.Duration) (uint64, error) {
	if upTo, ok := c.known[keep]; ok {
		return upTo, nil
	}
	limit := c.keeper.Now().Add(-keep)
	if c.first.Time.After(limit) {
		c.known[keep] = 0
		return 0, nil
	}
	s := &span{lo: c.first.Seq, at: c.first.Time, hi: c.floor, limit: limit}
	if err := c.narrow(ctx, s); err != nil {
		return 0, err
	}
	c.known[keep] = s.lo
	return s.lo, nil
}

// narrow looks for the end of what is old enough until nothing of the span is left.
func (c *cutter) narrow(ctx context.Context, s *span) error {
	old, err := s.lo == s.hi, error(nil)
	if !old {
		old, err = c.old(ctx, s, s.hi)
	}
	if old || err != nil {
		return err
	}
	for step := uint64(1); s.lo+step < s.hi; step *= 2 {
		if old, err := c.old(ctx, s, s.lo+step); err != nil {
			return err
		} else if !old {
			break
		}
	}
	for s.lo < s.hi {
		if _, err := c.old(ctx, s, s.lo+(s.hi-s.lo+1)/2); err != nil {
			return err
		}
	}
	return nil
}

// span is where the end of what is old enough lies: lo is, what is behind hi is not.
type span struct {
	lo, hi uint64
	at     time.Time // when lo was stored
	limit  time.Time
}

// old looks at the first message from seq on, and narrows the span by it. One that is
// older than what lies before it was stored while the clock was wrong: what lies between
// need not be old.
func (c *cutter) old(ctx context.Context, s *span, seq uint64) (bool, error) {
	m, err := c.look(ctx, seq)
	if err != nil {
		return false, err
	}
	if m == nil || m.Seq > s.hi || m.Time.After(s.limit) || m.Time.Before(s.at) {
		s.hi = seq - 1
		return false, nil
	}
	s.lo, s.at = m.Seq, m.Time
	return true, nil
}
