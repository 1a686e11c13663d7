package flow

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// share is what is to be stored in a target of which an organisation may fill no more
// than its share.
type share struct {
	t     *target
	loads []load
	of    *quota.Share // nil: as much as there is room for
	need  int64        // bytes for which there was no room; 0: all is stored
}

// deliver stores loads in a target, batch by batch, for as long as there is room.
func (l *Lane) deliver(ctx context.Context, s *share) error {
	s.need = 0
	s.loads = slices.DeleteFunc(s.loads, func(ld load) bool { return ld.seq <= s.t.at.Seq })
	if len(s.loads) == 0 {
		return nil
	}
	base := s.t.at
	base.Epoch, base.Trail = l.base.Epoch, l.base.Trail
	for _, b := range pack(base, s.t.rest(s.loads)) {
		size := int64(0)
		for i := range b.msgs {
			size += quota.Size(&b.msgs[i])
		}
		if s.of != nil && !s.of.Has(ctx, size) {
			s.need = size
			return nil
		}
		if err := l.persist(ctx, s.t, b); err != nil {
			return err
		}
		if s.of != nil {
			s.of.Stored(size)
		}
	}
	return nil
}

// heldUp stores what found no room, as a steward makes some. A steward takes nothing away
// that is loose: so nothing is while the lane waits, also if it has not taken over yet.
func (l *Lane) heldUp(ctx context.Context, s *share) error {
	for s.need > 0 {
		if err := l.stand(ctx); err != nil {
			return err
		}
		l.Parking.learnt(l.In)
		if err := s.of.Wait(ctx, s.need); err != nil {
			return err
		}
		if err := l.deliver(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// stand writes how far each target has come, which is not as far as the trail. Nothing is
// being stored.
func (l *Lane) stand(ctx context.Context) error {
	for _, t := range l.targets() {
		// of copies of one event that a crash has cut off the rest comes later: no cursor
		// tells of them
		if t.stored > 0 || t.loose == 0 && !t.taking {
			continue
		}
		c, taking := t.at, t.taking
		c.Epoch, c.Trail, t.taking = l.base.Epoch, l.base.Trail, false
		if err := l.persist(ctx, t, newBatch(c, nil)); err != nil {
			t.taking = taking
			return err
		}
	}
	return nil
}

// halt writes how far the targets have come when the lane was ended in the midst of
// something, so that nothing stays loose. Of what may be stored in part it tells nothing.
func (l *Lane) halt(ctx context.Context) {
	if ctx.Err() == nil || l.crash != nil || slices.ContainsFunc(l.targets(), func(t *target) bool { return t.taking }) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := l.stand(ctx); err != nil {
		l.Log.Info("the cursors stay behind what is stored", zap.Error(err))
	}
}

// learnt takes in that the lane of an in stream knows all that the trail says of it,
// though that is not carried out.
func (p *Parking) learnt(in string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = p.known || in == bus.EdgeStream(p.Organisation)
}
