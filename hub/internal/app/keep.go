package app

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/keep"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// keep starts the removal of what has had its time.
func (a *App) keep() {
	now := a.cfg.Now
	if now == nil {
		now = time.Now
	}
	a.keeper = &keep.Keeper{
		Bus: a.bus, Index: a.index, Ledger: a.ledger, Hands: a.hands, Recorder: a.recorder, Federation: a.Federation,
		Emptied: a.emptied, Delivered: a.cfg.Observer.Delivered, Handed: a.handed, Now: now, Log: a.log.Named("keep"),
	}
	a.group.Go(func() error { return a.keeper.Run(a.run, a.cfg.RemoveEvery) })
}

// delivered hears of every outcome that a mailbox has recorded.
func (a *App) delivered(d *decision.Delivery) {
	a.cfg.Observer.Delivered(d)
	if d.Handed == nil {
		return
	}
	select {
	case a.handed <- struct{}{}:
	default: // the keeper will look anyway
	}
}

// Remove has one run remove what has had its time, beside those that come by
// themselves.
func (a *App) Remove(ctx context.Context) error { return a.keeper.Once(ctx) }

// emptied frees a parked key of which every copy has expired: later ones are
// tried again.
func (a *App) emptied(ctx context.Context, k decision.ParkedKey) {
	at := a.place(placeOf(k))
	if at == nil {
		return // its mailbox is not served: it finds nothing parked when it is again
	}
	ctx, cancel := context.WithTimeout(ctx, bus.Timeout) // a reload may just have stopped it
	defer cancel()
	if err := at.Release(ctx, k.Token); err != nil && !errors.Is(err, parked.ErrNotParked) && !errors.Is(err, parked.ErrReturning) {
		a.log.Warn("a parked key of which nothing is left is not free yet: release it", zap.String("key", k.Token), zap.Error(err))
	}
}
