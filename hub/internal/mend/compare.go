package mend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// comparison is of one stream with its book.
type comparison struct {
	stream      string
	book        *ledger.Book
	first, upTo uint64 // what the book covers
	from        uint64 // where the comparison begins; 0: with the book
	pace        func(context.Context)
	expected    uint64
	least       uint64 // the first one that is expected
	losses      []Loss

	next  func() (*ledger.Entry, error, bool) // the entries, in sequence
	entry *ledger.Entry                       // the next one that is expected; nil: no more
	at    uint64                              // the last message read
	limit uint64                              // what lies behind it is not decided yet
	fresh []*event.Message                    // beyond the book, to be told to it
	told  uint64                              // up to here
	back  []uint64                            // were taken out on purpose, and are there again
	blind string                              // why not all could be compared
	holes []span                              // of the trail, beyond the book
	tell  func(from, to uint64, msgs []*event.Message)
	// record is given every record of the trail, also those that are lost.
	record func(subject string, data []byte)
}

// stall is how long nothing may come of a stream that has more: the server does
// not get past a block that it cannot decrypt.
const stall = 10 * time.Second

// feed is how many messages the book is told of at a time.
const feed = 500

// compare reads a whole stream and holds it to its book; what the book does not
// cover yet it is told. nil when there is nothing to compare.
func (m *Mender) compare(ctx context.Context, stream string) (*comparison, error) {
	state, err := m.Bus.State(ctx, stream)
	if errors.Is(err, bus.ErrNoStream) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	book, err := m.Ledger.Book(stream)
	if err != nil {
		return nil, err
	}
	blind, err := m.blind(book, state)
	if err != nil {
		return nil, err
	}
	fresh := book.First() == 0
	book.Begin(state.First)
	c := &comparison{stream: stream, book: book, first: book.First(), upTo: book.UpTo(), limit: bus.Everything, least: bus.Everything, blind: blind}
	if stream == bus.Trail && fresh && state.Messages > 0 && state.First > 1 {
		c.holes = []span{{1, state.First - 1}}
	}
	c.told = c.upTo
	c.tell = func(from, to uint64, msgs []*event.Message) { m.Ledger.Holds(stream, from, to, msgs) }
	if strings.Contains(stream, "_") { // an in stream: its lane tells the book what it has decided
		if c.limit, err = m.decided(ctx, stream); err != nil {
			return nil, err
		}
	}
	if stream == bus.Trail {
		if c.from, err = m.behind(ctx, c, state); err != nil {
			return nil, err
		}
		c.record = m.names
	}
	err = m.walk(ctx, c)
	if errors.Is(err, ledger.ErrLedger) {
		m.Log.Error("the ledger of a stream is damaged; it is begun anew with what the stream holds, which could not be compared",
			zap.String("stream", stream), zap.Error(err))
		if err := m.Ledger.SetBlind(stream, "the ledger was damaged and begins anew: what was lost is not known"); err != nil {
			return nil, err
		}
		if err := book.Drop(); err != nil {
			return nil, err
		}
		return m.compare(ctx, stream)
	}
	if err == nil && len(c.losses) > 0 && state.Messages > 0 && m.stumble(stream) {
		return nil, errStumbled
	}
	if prev := max(c.at, c.upTo); stream == bus.Trail && prev < state.Last {
		c.holes = append(c.holes, span{prev + 1, state.Last})
	}
	if end := min(state.Last, c.limit); err == nil && c.told < end { // what was there was removed
		c.tell(c.told+1, end, nil)
	}
	if err == nil && len(c.losses) == 0 && c.from == 0 {
		if err = book.Forget(min(c.least, c.upTo+1)); err != nil {
			err = fmt.Errorf("tidy the ledger of %s: %w", stream, err)
		}
	}
	return c, err
}

// behind gives where the comparison of the trail may begin before the hub starts:
// if its number of records is right, only the newest Quick of them are read. What
// lies before them is for Scrub. But if nothing else tells how far OUT was, all do.
func (m *Mender) behind(ctx context.Context, c *comparison, state bus.State) (uint64, error) {
	whole := state.First == c.first && state.Last >= c.upTo && state.Messages == state.Last-state.First+1
	newest := min(m.Quick, quickBytes*max(state.Messages, 1)/max(state.Bytes, 1)+1) // a message may hold many records
	if newest == 0 || !whole || c.upTo < c.first || c.upTo-c.first < newest {
		return 0, nil
	}
	why, err := m.blindAt(ctx, bus.Out)
	if err != nil || why != "" {
		return 0, err
	}
	m.old = span{c.first, c.upTo - newest}
	return m.old.to + 1, nil
}

// quickBytes is about what the newest records of the trail may take that are read
// before the hub starts.
const quickBytes = 256 << 20

// span of sequences, both ends included.
type span struct{ from, to uint64 }

// Scrub compares the part of the trail that Records has left out, while the hub
// is at work and slowly. It gives what is missing: the next start must be one
// without Quick, to put it back.
func (m *Mender) Scrub(ctx context.Context) ([]Loss, error) {
	if m.old.to == 0 {
		return nil, nil
	}
	book, err := m.Ledger.Book(bus.Trail)
	if err != nil {
		return nil, err
	}
	n := 0
	c := &comparison{
		stream: bus.Trail, book: book, first: m.old.from, upTo: m.old.to, limit: m.old.to, from: m.old.from, least: bus.Everything,
		tell: func(uint64, uint64, []*event.Message) {},
		pace: func(ctx context.Context) {
			if n++; n%scrubStep == 0 {
				rest(ctx, scrubRest)
			}
		},
	}
	if err := m.walk(ctx, c); err != nil {
		return nil, err
	}
	if len(c.losses) > 0 {
		m.name(c)
	}
	return c.losses, nil
}

// Twenty thousand records a second at most, so that Scrub slows nobody.
const (
	scrubStep = 2000
	scrubRest = 100 * time.Millisecond
)

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// decided is the sequence up to which an in stream is decided.
func (m *Mender) decided(ctx context.Context, in string) (uint64, error) {
	at, err := m.cursor(ctx, bus.Trail, in)
	if err != nil {
		return 0, err
	}
	reached, err := trail.Reached(ctx, m.Bus, bus.Trail, in, at)
	if err != nil {
		return 0, err
	}
	out, err := m.cursor(ctx, bus.Out, in)
	return max(reached, out.Promised()), err // what it promises will be in the trail
}

// cursor is that of an in stream in a stream of the hub; zero for none.
func (m *Mender) cursor(ctx context.Context, stream, in string) (at decision.Cursor, err error) {
	last, err := m.Bus.Last(ctx, stream, decision.CursorSubject(strings.ToLower(stream), in))
	if err != nil || last == nil {
		return at, err
	}
	if err := json.Unmarshal(last.Data, &at); err != nil {
		return at, fmt.Errorf("read the cursor of %s in %s: %w", in, stream, err)
	}
	return at, nil
}

func (m *Mender) walk(ctx context.Context, c *comparison) error {
	next, stop := iter.Pull2(func(yield func(*ledger.Entry, error) bool) {
		if err := c.book.EachFrom(c.from, func(e *ledger.Entry) error {
			if !yield(e, nil) {
				return errStop
			}
			return nil
		}); err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	})
	defer stop()
	c.next = next
	if err := c.advance(); err != nil {
		return err
	}
	for from := max(c.from, 1); ; {
		err := m.read(ctx, c, from)
		if err == nil {
			break
		}
		if !errors.Is(err, errStalled) {
			return err
		}
		if from, err = m.past(ctx, c); err != nil {
			return err
		}
		if from == 0 {
			break
		}
	}
	for c.entry != nil {
		c.miss(false)
		if err := c.advance(); err != nil {
			return err
		}
	}
	c.flush()
	return nil
}

var (
	errStop    = errors.New("read far enough")
	errStalled = errors.New("the stream gives nothing more, though it has more")
)

// read reads the stream from a sequence on.
func (m *Mender) read(ctx context.Context, c *comparison, from uint64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watch.Stop()
	is := pace{since: time.Now()}
	err := m.Bus.Often(ctx, c.stream, from, nil, func(msg *event.Message) error {
		watch.Reset(stall)
		if is.slow(len(msg.Data), time.Now()) && c.pace == nil && m.stumble(c.stream) {
			return errStumbled
		}
		if c.pace != nil {
			c.pace(ctx)
		}
		if msg.Seq > c.limit {
			return errStop
		}
		return c.see(msg)
	})
	switch {
	case errors.Is(err, errStop):
		return nil
	case err != nil && errors.Is(context.Cause(ctx), errStalled):
		return errStalled
	}
	return err
}

// past finds the next message behind the last one that can be read; 0 for none.
func (m *Mender) past(ctx context.Context, c *comparison) (uint64, error) {
	m.Log.Error("a part of a stream cannot be read", zap.String("stream", c.stream), zap.Uint64("behind", c.at))
	for c.entry != nil {
		msg, err := m.Bus.Get(ctx, c.stream, c.entry.Seq)
		if err != nil {
			return 0, err
		}
		if msg != nil {
			return msg.Seq, nil
		}
		c.miss(false)
		if err := c.advance(); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// see takes in the next message of the stream.
func (c *comparison) see(msg *event.Message) error {
	if prev := max(c.at, c.upTo); c.stream == bus.Trail && msg.Seq > prev+1 { // nothing is ever removed from it
		c.holes = append(c.holes, span{prev + 1, msg.Seq - 1})
	}
	c.at = msg.Seq
	if c.record != nil {
		c.record(msg.Subject, msg.Data)
	}
	for c.entry != nil && c.entry.Seq < msg.Seq {
		c.miss(false)
		if err := c.advance(); err != nil {
			return err
		}
	}
	switch {
	case msg.Seq > c.upTo:
		if c.fresh = append(c.fresh, msg); len(c.fresh) >= feed {
			c.flush()
		}
	case c.entry != nil && c.entry.Seq == msg.Seq:
		if c.entry.Sum != ledger.Sum(msg) {
			c.miss(true)
		}
		return c.advance()
	case c.book.Removed(msg.Subject, msg.Seq):
		c.back = append(c.back, msg.Seq)
	}
	return nil // it was removed and came back, or it fills a place that was lost
}

// advance goes to the next entry that the stream must hold.
func (c *comparison) advance() error {
	for {
		e, err, ok := c.next()
		if err != nil {
			return err
		}
		if !ok || e.Seq > c.upTo {
			c.entry = nil
			return nil
		}
		if !c.book.Gone(e.Subject, e.Seq) {
			c.entry, c.least = e, min(c.least, e.Seq)
			c.expected++
			return nil
		}
	}
}

// miss notes that the entry is not there, or is another message.
func (c *comparison) miss(changed bool) {
	e := c.entry
	if c.record != nil {
		c.record(e.Subject, e.Data)
	}
	l := Loss{Stream: c.stream, Seq: e.Seq, Subject: e.Subject, Of: e.Of, Changed: changed, Fate: Lost, Sum: e.Sum}
	if strings.Contains(c.stream, "_") {
		l.Of = decision.Ref{In: c.stream, Seq: e.Seq}
	}
	c.losses = append(c.losses, l)
}

func (c *comparison) flush() {
	if len(c.fresh) == 0 {
		return
	}
	to := c.fresh[len(c.fresh)-1].Seq
	c.tell(c.told+1, to, c.fresh)
	c.told, c.fresh = to, nil
}

func (c *comparison) summary() Summary {
	return Summary{Stream: c.stream, From: max(c.first, c.from), To: c.upTo, Expected: c.expected, Missing: len(c.losses), Blind: c.blind}
}
