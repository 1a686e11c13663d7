package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Lane works one in stream: it takes what is there as a batch, records the
// decisions, carries them out, and moves the cursor (ADR 0005). One lane per in
// stream is at work at any time; the cursor fences all others.
type Lane struct {
	Organisation string
	In           string // the in stream
	Bus          *bus.Bus
	// Current gives the version of the federation that is in force. It is asked
	// once a batch.
	Current func() *Version
	Index   *index.Index
	Now     func() time.Time
	// Deciding is shared by the lanes of one organisation: both may see the same
	// identity, so only one decides at a time.
	Deciding *sync.Mutex
	// Parking is shared by them too: a key that cannot proceed is parked for both.
	Parking *Parking
	// Ledger is told what the in stream holds once that is decided; nil: nobody.
	Ledger Ledger
	// Boxes knows how full the mailboxes are; nil: none is ever full.
	Boxes *quota.Book
	// Refused and Aside are what the organisation may fill of QUARANTINE and PARKED;
	// nil: as much as there is room for.
	Refused, Aside *quota.Share
	// Pace is shared by the lanes of one organisation; nil: as many events as come.
	Pace *quota.Pace
	// Decided is told of every decision once it is in the trail.
	Decided func(*decision.Decision)
	Log     *zap.Logger

	version                        *Version // of the batch in hand
	work                           *bus.Work
	trail, out, quarantine, parked *target
	carried                        uint64                        // every decision up to it is carried out
	base                           decision.Cursor               // of the trail: what is being carried out stands behind it
	flight                         *flight                       // what is being stored meanwhile; nil: nothing
	paying                         bool                          // there is more to store that was owed
	brought                        map[event.Identity]index.Seen // what the batch in hand brought so far; one for all: fresh memory costs
	bringers                       []event.Identity              // the keys of brought
	unpaid                         map[string]uint64             // what is owed and could not be stored, by mailbox: told
	crash                          func(point string)            // tests only
	patience                       time.Duration                 // idle; tests only
	few                            manner                        // how a batch of few events is carried out; set by tests only
}

// Ledger is the hub's own account of its streams.
type Ledger interface {
	// Holds: stream holds msgs and nothing else between two sequences.
	Holds(stream string, from, to uint64, msgs []*event.Message)
	// Told is up to where it was told what stream holds; ok is false if that is not known.
	Told(stream string) (upTo uint64, ok bool)
	// Settled tells whether a message was lost, and that was settled by a person.
	Settled(stream string, seq uint64) bool
}

// maxEvents is the most that one batch decides about: what a batch of TRAIL holds
// beside its cursor. For each atomic batch the server makes and removes a store of
// its own, so few large ones are cheap.
const maxEvents = bus.MaxBatch - 1

// maxLag is how far a cursor of OUT, QUARANTINE or PARKED may stay behind for want of
// something to store there; it bounds what a take-over reads.
const maxLag = 10_000

// nearLag is when such a cursor is written: before it is too late, since that waits until
// nothing is in flight.
const nearLag = maxLag - 2*maxEvents

// idle is how long a lane waits before it looks whether it missed something.
const idle = 2 * time.Second

// restful is how long a lane waits for more before it writes the cursors that lag
// behind what it has stored.
const restful = 100 * time.Millisecond

// maxSkipped is how many messages a lane takes from the store one by one before
// it relies on delivery again.
const maxSkipped = 256

// Run works until ctx ends. What cannot be written now is tried again with
// growing delays; meanwhile the in stream fills, and that is the back-pressure.
func (l *Lane) Run(ctx context.Context) error {
	work, err := l.open(ctx)
	if work == nil {
		return err
	}
	defer work.Stop()
	l.work = work
	l.aim()
	for attempt := 1; ctx.Err() == nil; attempt++ {
		before := l.trail.at
		err := l.own(ctx)
		if ctx.Err() != nil {
			break
		}
		if l.trail.at.Seq != before.Seq { // it got on: what failed is new
			attempt = 1
		}
		if errors.Is(err, bus.ErrFenced) {
			l.Log.Info("another owner has moved the cursor; reading on from it")
		} else {
			l.Log.Error("lane stopped; trying again", zap.Int("attempt", attempt), zap.Error(err))
		}
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
	return nil
}

// aim sets the lane's targets.
func (l *Lane) aim() {
	l.trail = newTarget(l.Bus, bus.Trail, "trail", l.In)
	l.out = newTarget(l.Bus, bus.Out, "out", l.In)
	l.out.eager = l.few == inFlight
	l.quarantine = newTarget(l.Bus, bus.Quarantine, "quarantine", l.In)
	l.parked = newTarget(l.Bus, bus.Parked, "parked", l.In)
}

// open begins to take from the in stream. Drift is an error; while the server
// cannot be reached it is tried again, and nil, nil is returned when ctx ends.
func (l *Lane) open(ctx context.Context) (*bus.Work, error) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		work, err := l.Bus.Work(ctx, l.In, func(m *event.Message) {
			if len(m.Data) <= maxAhead {
				m.Ahead = lookAhead(l.Current().Federation, l.Organisation, m)
			}
		})
		if _, drift := errors.AsType[bus.DriftError](err); err == nil || drift {
			return work, err
		}
		l.Log.Warn("in stream could not be opened; trying again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
	return nil, nil
}

// maxWait bounds the delays of a lane: it waits for the hub's own server.
const maxWait = 15 * time.Second

// own takes the in stream over and works it until something fails.
func (l *Lane) own(ctx context.Context) error {
	defer l.halt(ctx)
	defer l.ground()
	l.flight = nil
	if err := l.takeOver(ctx); err != nil {
		return fmt.Errorf("take over %s: %w", l.In, err)
	}
	for {
		msgs, err := l.next(ctx)
		if err != nil {
			l.leave(ctx)
			return err
		}
		if err := l.paced(ctx, msgs); err != nil {
			return err
		}
		if l.flight != nil { // nothing is owed
			continue
		}
		if l.paying, err = l.pay(ctx); err != nil {
			return err
		}
	}
}

// paced brings through what came, as fast as the organisation's limits allow.
func (l *Lane) paced(ctx context.Context, msgs []*event.Message) error {
	for some := range quota.Steps(l.Pace, msgs) {
		if err := l.Pace.Wait(ctx, len(some)); err != nil {
			l.leave(ctx)
			return err
		}
		if err := l.carry(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// leave writes the cursors that lag when the lane ends in peace, so that the next
// owner need not look for what stands behind them.
func (l *Lane) leave(ctx context.Context) {
	if ctx.Err() == nil || l.crash != nil || l.land() != nil || l.carried != l.trail.at.Seq {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := l.cover(ctx); err != nil {
		l.Log.Info("the cursors stay behind what is stored", zap.Error(err))
	}
}

// carry brings a batch through: the decisions are recorded before the first copy exists, in
// the trail or, of a few, in front of their copies (pair).
func (l *Lane) carry(ctx context.Context, msgs []*event.Message) error {
	l.version = l.Current()
	all := len(msgs)
	if l.flight.over() {
		if err := l.land(); err != nil {
			return err
		}
	}
	decisions, did, err := l.record(ctx, msgs)
	if err == nil { // or own grounds it
		err = l.land()
	}
	if err != nil {
		return err
	}
	if did.rest != nil {
		l.base = l.trail.at
		l.takeOff(ctx, did.rest, all, l.trail.at.Seq, did.pair.trail.cursor.Ends)
		return nil
	}
	ends, err := l.ends(ctx)
	if err != nil {
		return err
	}
	for n := 0; len(decisions) > 0; decisions, msgs, did.copies = decisions[n:], msgs[n:], nil {
		n = portion(decisions, msgs)
		w, err := l.prepare(ctx, decisions[:n], msgs[:n], did.copies)
		if err != nil {
			return err
		}
		if n == len(decisions) && did.pair == nil && l.flies(n, all) {
			l.takeOff(ctx, func(ctx context.Context) error { return l.store(ctx, w) }, all, l.trail.at.Seq, ends)
			return nil
		}
		if err := l.store(ctx, w); err != nil {
			return err
		}
	}
	l.carriedOut(l.trail.at.Seq)
	return l.moveUp(ctx, l.here(), nearLag)
}

// carriedOut notes that what was decided up to a sequence is carried out.
func (l *Lane) carriedOut(upTo uint64) {
	l.carried = upTo
	l.Parking.carried(l.In, upTo)
}

// maxCopies is about how many bytes of copies are made at a time.
const maxCopies = 16 << 20

// portion tells how many of the events make about maxCopies bytes of copies, at
// least one. A copy that is cut is written anew; one that is not is the event
// itself.
func portion(ds []*decision.Decision, msgs []*event.Message) int {
	size := 0
	for i, d := range ds {
		made := 1
		for k := range d.Receivers {
			if d.Receivers[k].Cut() {
				made++
			}
		}
		if size += made * len(msgs[i].Data); size > maxCopies && i > 0 {
			return i
		}
	}
	return len(ds)
}

// done is what was done of a batch while its decisions were being written.
type done struct {
	copies []made
	pair   *pair                       // what it brings to OUT is stored, or being stored: it does not fly otherwise
	rest   func(context.Context) error // waits for that; nil: there is nothing to wait for
}

// record decides about msgs and writes the decisions.
func (l *Lane) record(ctx context.Context, msgs []*event.Message) ([]*decision.Decision, done, error) {
	l.Deciding.Lock()
	defer l.Deciding.Unlock()
	decisions := l.decide(msgs)
	if err := l.Index.Err(); err != nil {
		return nil, done{}, err
	}
	before := l.trail.at.Seq
	groups, did, err := l.write(ctx, decisions, msgs)
	if err != nil {
		return nil, done{}, err
	}
	if l.Ledger != nil {
		l.Ledger.Holds(l.In, before+1, l.trail.at.Seq, msgs)
	}
	l.tell(groups)
	return decisions, did, nil
}

// write writes decisions to the trail; if it may, with what they bring to OUT at the same time.
func (l *Lane) write(ctx context.Context, ds []*decision.Decision, msgs []*event.Message) ([]trail.Group, done, error) {
	p, err := l.pair(ctx, ds, msgs)
	if err != nil {
		return nil, done{}, err
	}
	if p != nil {
		rest, err := l.storePair(ctx, p)
		return p.groups, done{pair: p, rest: rest}, err
	}
	ready := l.early(ds, msgs)
	groups, err := l.writeTrail(ctx, ds)
	return groups, done{copies: ready()}, err
}

// tell makes known what was written to the trail last.
func (l *Lane) tell(groups []trail.Group) {
	l.Index.Reached(l.trail.last, l.trail.last) // the cursor
	for i, g := range groups {
		for _, d := range g.Decisions {
			l.Parking.decided(d)
		}
		l.Index.Decided(l.trail.first+uint64(i), g.Decisions...)
		for _, d := range g.Decisions {
			l.Decided(d)
		}
	}
}

// decide decides in sequence; an event sees the decisions on those before it in
// the same batch, though they are not recorded yet.
func (l *Lane) decide(msgs []*event.Message) []*decision.Decision {
	if l.brought == nil {
		l.brought = make(map[event.Identity]index.Seen, len(msgs))
	}
	pending := l.brought
	for _, id := range l.bringers { // clear would go through all that the map once had room for
		delete(pending, id)
	}
	l.bringers = l.bringers[:0]
	decider := Decider{Federation: l.version.Federation, Now: l.Now, Seen: func(id event.Identity) (index.Seen, bool) {
		if s, ok := pending[id]; ok {
			return s, true
		}
		return l.Index.Lookup(id)
	}, Parked: l.Parking.holds}
	out := make([]*decision.Decision, len(msgs))
	for i, m := range msgs {
		d := decider.Decide(l.Organisation, m)
		if d.Remembered() {
			id := identityOf(d, m)
			var before index.Seen
			if d.Code == refusal.Conflict {
				before, _ = decider.Seen(id)
			}
			pending[id] = index.After(before, d)
			l.bringers = append(l.bringers, id)
		}
		out[i] = d
	}
	return out
}

// identityOf is that of the event that d is about, whose message is m.
func identityOf(d *decision.Decision, m *event.Message) event.Identity {
	if m.Read != nil {
		return m.Read.Identity()
	}
	return event.IdentityOf(d.Source, d.ID)
}
