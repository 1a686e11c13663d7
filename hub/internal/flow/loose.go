package flow

import (
	"context"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
)

// What stands behind a cursor without one of its own is loose (ADR 0013): a take-over
// looks for it, and a lane that rests covers it.

// find looks how far a target has come beyond its cursor. What it got in chains is
// a beginning of what it is to get: so all before the last one found is there.
func (l *Lane) find(ctx context.Context, t *target, todo []*decision.Decision) error {
	due := func(d *decision.Decision) bool { return send.Due(strings.ToLower(t.stream), d) > 0 }
	if t.stream == bus.Parked || t.at.Part > 0 || len(t.at.Owed) > 0 || !slices.ContainsFunc(todo, due) {
		return nil
	}
	found := map[uint64]int{}
	last := uint64(0)
	err := l.Bus.Often(ctx, t.stream, l.trail.at.Ends[t.stream]+1, nil, func(m *event.Message) error {
		if seq := t.bringer(m, l.In); seq > t.at.Seq {
			found[seq]++
			last = max(last, seq)
		}
		return nil
	})
	if err != nil || last == 0 {
		return err
	}
	for _, d := range todo {
		if d.Seq == last && found[last] < send.Due(strings.ToLower(t.stream), d) {
			t.at.Seq, t.begun, t.stored = last-1, last, found[last]
			return nil
		}
	}
	t.at.Seq = last
	return nil
}

// bringer is the event of in stream in that brought m when it was carried out; 0
// for none: m came of a return, an expiry, or of what a receiver did.
func (t *target) bringer(m *event.Message, in string) uint64 {
	of, seq := m.Of()
	if of != in || !send.CarriedOut(m) {
		return 0
	}
	return seq
}

// endsBefore is ends, as they were before the flight that is underway.
func (l *Lane) endsBefore(ctx context.Context) (map[string]uint64, error) {
	if l.flight != nil {
		return l.flight.ends, nil
	}
	return l.ends(ctx)
}

// ends tells how far the targets have come at least, for a cursor of the trail.
func (l *Lane) ends(ctx context.Context) (map[string]uint64, error) {
	out := map[string]uint64{}
	for _, t := range l.targets() {
		end, err := l.Bus.End(ctx, t.stream)
		if err != nil {
			return nil, err
		}
		out[t.stream] = end
	}
	return out, nil
}

// cover writes the cursors behind which messages stand without one. Everything is
// carried out.
func (l *Lane) cover(ctx context.Context) error {
	for _, t := range l.targets() {
		if t.loose > 0 {
			if err := l.bump(ctx, t, l.trail.at.Epoch, l.trail.last); err != nil {
				return err
			}
		}
	}
	if l.trail.loose == 0 {
		return nil
	}
	ends, err := l.ends(ctx)
	if err != nil {
		return err
	}
	c := l.trail.at
	c.Trail, c.Carried, c.Ends = l.trail.last, l.carried, ends
	if err := l.persist(ctx, l.trail, newBatch(c, nil)); err != nil {
		return err
	}
	l.Index.Reached(l.trail.last, l.trail.last)
	return nil
}
