// Package quota knows how much lies in each mailbox, in bytes, and tells when
// one is full (ADR 0012). It decides nothing but that, and holds nothing that
// cannot be counted again.
package quota

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Book keeps count of the mailboxes in OUT. Its methods are safe for concurrent
// use.
type Book struct {
	Bus *bus.Bus
	// Limit is the quota of an application's mailbox in bytes.
	Limit func(application string) int64
	// Total is what OUT can hold, in bytes. No mailbox may hold more than what is
	// free of it, so that those that nobody empties always leave room to others.
	Total int64
	// Every is how often it looks how far the mailboxes are emptied; 0 is a second.
	Every time.Duration
	Log   *zap.Logger

	mu    sync.Mutex
	boxes map[string]*box
	used  int64 // of OUT, as last looked at, and what was stored since
}

// box is one mailbox.
type box struct {
	pieces  []piece // what lies in it, in sequence, in coarse pieces
	bytes   int64
	copies  uint64
	counted bool // false: it is not known what lies in it
	rough   bool // it is far from full by a guess, and is still to be counted
	full    bool
	since   time.Time // it was full last, and that was told; zero: no more
	counts  bool      // it is being counted
	upTo    uint64    // sequence in OUT up to which it was counted
}

// piece is some copies that follow each other in one mailbox.
type piece struct {
	last   uint64 // sequence in OUT of the last one
	bytes  int64
	copies uint64
}

const (
	pieceBytes = 256 << 10
	// calm is how long a mailbox must have had room before it is told of again.
	calm = time.Minute
	// certain is the number of copies that fit into any mailbox of the usual size,
	// however large they are: fewer are not counted one by one at the start.
	certain = 256
)

// Full tells whether a mailbox may not get a copy of a size besides others that
// are underway to it. One that is not counted yet is full. An empty one is not, so
// that the largest copy goes through the smallest mailbox. Once full, it is so
// until a quarter of it is free.
func (b *Book) Full(application string, underway, size int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.box(application)
	if !x.counted {
		return true
	}
	limit, holds := b.limit(application), x.bytes+underway
	if x.full {
		x.full = holds > limit/4*3
	} else {
		x.full = holds > 0 && holds+size > limit
	}
	if x.full {
		if x.since.IsZero() { // once, also while it is filled again and again with what is owed to it
			b.Log.Error("a mailbox is full: what comes for it waits in the in streams of its senders, all others go on; it goes on by itself when its application takes again",
				zap.String("application", application), zap.Int64("used_bytes", holds), zap.Int64("limit_bytes", limit))
		}
		x.since = time.Now()
	}
	return x.full
}

// Takes tells whether a mailbox is not full, and may get copies of so many bytes together.
func (b *Book) Takes(application string, bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.box(application)
	return x.counted && !x.full && x.bytes+bytes <= b.limit(application)
}

// Holding is what lies in a mailbox.
type Holding struct {
	Copies uint64
	Bytes  int64
}

// Holds tells what lies in each mailbox that is counted.
func (b *Book) Holds() map[string]Holding {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]Holding{}
	for application, x := range b.boxes {
		if x.counted {
			out[application] = Holding{x.copies, x.bytes}
		}
	}
	return out
}

// limit is called with mu held.
func (b *Book) limit(application string) int64 {
	return min(b.Limit(application), max(b.Total-b.used, 0))
}

// Stored takes in that a copy was stored at a sequence of OUT.
func (b *Book) Stored(application string, seq uint64, m *event.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := Size(m)
	b.used += size
	x := b.box(application)
	if seq > x.upTo {
		x.add(seq, size, b.grain(application))
	}
}

// grain is how large a piece may grow: a small part of the quota, and not so
// small that many pieces were needed.
func (b *Book) grain(application string) int64 { return min(b.Limit(application)/64, pieceBytes) }

// box is called with mu held. A mailbox of which nothing is known yet was just
// made.
func (b *Book) box(application string) *box {
	if b.boxes == nil {
		b.boxes = map[string]*box{}
	}
	x := b.boxes[application]
	if x == nil {
		x = &box{counted: true}
		b.boxes[application] = x
	}
	return x
}

func (x *box) add(seq uint64, size, grain int64) {
	x.bytes += size
	x.copies++
	if n := len(x.pieces); n > 0 && x.pieces[n-1].bytes < grain {
		p := &x.pieces[n-1]
		p.last, p.bytes, p.copies = max(p.last, seq), p.bytes+size, p.copies+1
		return
	}
	x.pieces = append(x.pieces, piece{seq, size, 1})
}

// drop forgets what the receiver has let go of.
func (x *box) drop(floor uint64) {
	n := 0
	for n < len(x.pieces) && x.pieces[n].last <= floor {
		x.bytes -= x.pieces[n].bytes
		x.copies -= x.pieces[n].copies
		n++
	}
	x.pieces = slices.Delete(x.pieces, 0, n)
}

// Size is about what a message takes in a stream.
func Size(m *event.Message) int64 { return int64(m.Weight() + len(m.Data)) }

// Use is how much of its limit a mailbox uses, in bytes.
type Use struct {
	Application string
	Used, Limit int64
}

// Usage lists the mailboxes that hold something.
func (b *Book) Usage() (out []Use) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, app := range slices.Sorted(maps.Keys(b.boxes)) {
		if x := b.boxes[app]; x.bytes > 0 {
			out = append(out, Use{app, x.bytes, b.limit(app)})
		}
	}
	return out
}

// Run keeps the book until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(cmp.Or(b.Every, time.Second))
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		for app, floor := range b.uncounted() {
			wg.Go(func() { b.count(ctx, app, floor) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := b.Look(ctx); err != nil && ctx.Err() == nil {
			b.Log.Debug("look at the mailboxes", zap.Error(err))
		}
	}
}

// uncounted gives one mailbox that is to be counted, and from where; none while
// another one is.
func (b *Book) uncounted() map[string]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.boxes {
		if x.counts {
			return nil
		}
	}
	for app, x := range b.boxes {
		if !x.counted || x.rough {
			x.counts = true
			return map[string]uint64{app: x.upTo}
		}
	}
	return nil
}

// Look learns how far the mailboxes are emptied. Called before anything is
// stored, it learns which there are.
func (b *Book) Look(ctx context.Context) error {
	there, err := b.there(ctx)
	if err != nil {
		return err
	}
	messages, bytes, err := b.Bus.Size(ctx, bus.Out)
	if err != nil {
		return err
	}
	last, err := b.Bus.LastSeq(ctx, bus.Out) // before the boxes: what one has let go of is known then
	if err != nil {
		return err
	}
	boxes, err := b.Bus.Boxes(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	first := b.boxes == nil
	b.used = int64(bytes) //nolint:gosec // no stream is so large
	for _, info := range boxes {
		app := ApplicationOf(info.Filter)
		x := b.box(app)
		if !x.since.IsZero() && time.Since(x.since) > calm {
			x.since = time.Time{}
			b.Log.Warn("a mailbox that was full has room", zap.String("application", app), zap.Int64("used_bytes", x.bytes))
		}
		guess := bytes / max(messages, 1) * info.Waiting // as if all copies were of one size
		switch {
		case x.counts || !x.counted:
		case info.Waiting == 0:
			x.drop(last)
			x.rough = false
		case !first:
			x.drop(info.Floor)
			if n, ok := there[app]; ok && n < x.copies { // some have expired before their turn
				x.forget(info.Floor)
			}
		case info.Waiting <= certain || int64(guess) < b.limit(app)/4: //nolint:gosec // see above
			x.pieces = []piece{{last, int64(guess), info.Waiting}}                                              //nolint:gosec // see above
			x.bytes, x.copies, x.rough, x.upTo = int64(guess), info.Waiting, info.Waiting > certain, info.Floor //nolint:gosec // see above
		default:
			x.forget(info.Floor)
		}
	}
	return nil
}

// there tells how many copies lie at each full mailbox.
func (b *Book) there(ctx context.Context) (map[string]uint64, error) {
	b.mu.Lock()
	var full []string
	for app, x := range b.boxes {
		if x.full {
			full = append(full, app)
		}
	}
	b.mu.Unlock()
	out := map[string]uint64{}
	for _, app := range full {
		lying, err := b.Bus.Subjects(ctx, bus.Out, "out."+app+".>")
		if err != nil {
			return nil, err
		}
		out[app] = 0
		for _, n := range lying {
			out[app] += n
		}
	}
	return out, nil
}

// forget has a mailbox counted from behind a sequence.
func (x *box) forget(floor uint64) {
	x.counted, x.upTo, x.pieces, x.bytes, x.copies = false, floor, nil, 0, 0
}

// count reads what lies in a mailbox behind a sequence.
func (b *Book) count(ctx context.Context, application string, from uint64) {
	fresh, grain := &box{}, b.grain(application)
	err := b.Bus.Headers(ctx, bus.Out, from+1, []string{"out." + application + ".>"}, func(m *event.Message) error {
		size, err := sizeOf(m)
		if err != nil {
			return err
		}
		fresh.add(m.Seq, size, grain)
		fresh.upTo = m.Seq
		return nil
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.box(application)
	x.counts = false
	if err != nil {
		if ctx.Err() == nil {
			b.Log.Warn("a mailbox could not be counted; it gets nothing until it is", zap.String("application", application), zap.Error(err))
		}
		return
	}
	if x.rough && len(x.pieces) > 0 {
		x.pieces = x.pieces[1:] // the guess
	}
	for _, p := range x.pieces { // stored meanwhile
		if p.last > fresh.upTo {
			fresh.pieces = append(fresh.pieces, p)
			fresh.bytes, fresh.copies = fresh.bytes+p.bytes, fresh.copies+p.copies
		}
	}
	x.pieces, x.bytes, x.copies = fresh.pieces, fresh.bytes, fresh.copies
	x.upTo, x.counted, x.rough = max(x.upTo, fresh.upTo), true, false
}

// ApplicationOf reads out.<org>.<app>.…; "" for other subjects.
func ApplicationOf(subject string) string {
	_, rest, _ := strings.Cut(subject, ".")
	org, typ, _ := strings.Cut(rest, ".")
	app, _, ok := strings.Cut(typ, ".")
	if !ok {
		return ""
	}
	return rest[:len(org)+1+len(app)]
}
