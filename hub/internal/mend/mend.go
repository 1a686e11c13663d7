// Package mend compares at start what the streams hold with what the ledger
// says that they must hold, names what is missing, and puts back what can be put
// back (DESIGN §2, §6 (1); ADR 0011):
//
//   - TRAIL from the ledger, record by record, each at its sequence;
//   - cursors, and marks of acts underway, from the ledger;
//   - copies in OUT and events in QUARANTINE from the event in its in stream and
//     its decision, if the result is the same byte for byte;
//   - how far mailboxes have acknowledged, from the ledger.
//
// An event that is gone from its in stream cannot be put back. If it was carried
// out, only what was kept of it is gone; else it is lost, and the hub does not
// start until a person has taken note of it.
package mend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// Mender is one comparison at start. Its steps are called in their order:
// Streams, Records, then, with streams, mailboxes and index there, Copies.
type Mender struct {
	Bus    *bus.Bus
	Ledger *ledger.Ledger
	// Specs are the streams that this federation needs.
	Specs []bus.StreamSpec
	// Aside keeps the files of a stream that is about to be made anew; nil when
	// the store is another's: then no stream is made anew.
	Aside func(stream string) error
	// Quick is how many of the newest messages of the trail are read before the hub
	// starts, if their number is right; 0 is all.
	Quick uint64
	// Hasty has Records end with StumbledError where the server should be restarted.
	Hasty bool
	Log   *zap.Logger

	old      span // of the trail, not compared yet
	ran      bool // before this ledger was begun
	mu       sync.Mutex
	high     map[string]uint64 // the highest sequence that is known to have been in use, by stream
	looked   map[string]bool   // Records has ended for these streams before
	stumbled []string          // for these it will
	losses   map[string][]Loss // by stream, in sequence
	removed  removals
	report   Report
}

// Streams makes streams that are gone, or are empty and have forgotten how far
// they were, so that they go on behind what they held: no sequence is given
// twice. It comes before anything else may make them.
func (m *Mender) Streams(ctx context.Context) error {
	if err := m.howFar(ctx); err != nil {
		return err
	}
	for name, high := range m.high {
		if high == 0 {
			continue
		}
		spec, known := m.spec(name)
		state, err := m.Bus.State(ctx, name)
		switch {
		case errors.Is(err, bus.ErrNoStream) && !known:
			continue // its organisation has left
		case errors.Is(err, bus.ErrNoStream):
			m.Log.Error("a stream is gone; it is made anew", zap.String("stream", name))
		case err != nil:
			return err
		case state.Messages > 0 || state.Last >= high || !known || m.Aside == nil:
			continue
		default:
			m.Log.Error("a stream has lost all its messages; it is made anew", zap.String("stream", name), zap.Uint64("from", high+1))
			if err := m.remove(ctx, name); err != nil {
				return err
			}
		}
		first := high + 1
		if book, err := m.Ledger.Book(name); err != nil {
			return err
		} else if name == bus.Trail && book.UpTo() > 0 {
			first = book.First()
		}
		if err := m.Bus.MakeStream(ctx, spec, first); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mender) spec(name string) (bus.StreamSpec, bool) {
	i := slices.IndexFunc(m.Specs, func(s bus.StreamSpec) bool { return s.Name == name })
	if i < 0 {
		return bus.StreamSpec{}, false
	}
	return m.Specs[i], true
}

func (m *Mender) remove(ctx context.Context, stream string) error {
	if err := m.Aside(stream); err != nil {
		return fmt.Errorf("keep the files of the damaged stream %s: %w", stream, err)
	}
	return m.Bus.RemoveStream(ctx, stream)
}

// Records compares all streams, and puts back the trail and the cursors.
// Afterwards no sequence that was used is free. It can be called again.
func (m *Mender) Records(ctx context.Context) error {
	m.losses, m.removed, m.old = map[string][]Loss{}, nil, span{}
	m.report = Report{At: time.Now().UTC()}
	if m.stumbled = nil; m.looked == nil {
		m.looked = map[string]bool{}
	}
	if err := m.trail(ctx); errors.Is(err, errStumbled) {
		return StumbledError{m.stumbled}
	} else if err != nil {
		return err
	}
	ins, err := m.Bus.InStreams(ctx)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, name := range append(slices.Clone(targets), ins...) {
		g.Go(func() error {
			if err := m.stream(gctx, name); !errors.Is(err, errStumbled) {
				return err
			}
			return nil // of the others, too, it must be known whether they are damaged
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if len(m.stumbled) > 0 {
		return StumbledError{m.stumbled}
	}
	for _, name := range targets {
		if err := m.cursors(ctx, name); err != nil {
			return err
		}
	}
	for _, in := range ins {
		if err := m.ahead(ctx, in); err != nil {
			return err
		}
	}
	return m.Ledger.Reached()
}

// targets are where decisions are carried out.
var targets = []string{bus.Out, bus.Quarantine, bus.Parked}

// stream compares one stream other than TRAIL, and fills its end.
func (m *Mender) stream(ctx context.Context, name string) error {
	c, err := m.compare(ctx, name)
	if err != nil || c == nil {
		return err
	}
	if err := m.undecidable(ctx, c); err != nil {
		return err
	}
	m.note(c)
	if name == bus.Parked { // a key that was released must not be so again
		for _, seq := range c.back {
			if err := m.Bus.Delete(ctx, name, seq); err != nil {
				return err
			}
		}
	}
	return m.fill(ctx, name, c)
}

// maxNamed is how many messages are named that no book tells of: most of them may
// have been removed long ago.
const maxNamed = 100_000

// undecidable finds what an in stream has lost at its end beyond its book. The
// cursors are past it, so what would get these sequences next would never be
// decided. They are noted before they are filled: the next start could not tell.
func (m *Mender) undecidable(ctx context.Context, c *comparison) error {
	if !strings.Contains(c.stream, "_") {
		return nil
	}
	last, err := m.Bus.LastSeq(ctx, c.stream)
	if err != nil {
		return err
	}
	limit := c.limit
	for _, target := range targets { // the trail may have lost its end too
		at, err := m.cursor(ctx, target, c.stream)
		if err != nil {
			return err
		}
		limit = max(limit, at.Floor())
	}
	if err := m.setOpen(c.stream, max(last, c.upTo)+1, limit); err != nil {
		return err
	}
	m.opened(c)
	c.upTo = max(c.upTo, limit)
	return nil
}

// setOpen notes that sequences are lost of which no book tells.
func (m *Mender) setOpen(stream string, from, to uint64) error {
	if to > maxNamed {
		from = max(from, to-maxNamed)
	}
	if from > to {
		return nil
	}
	return m.Ledger.SetOpen(stream, from, to)
}

// opened adds what setOpen noted, also at an earlier start, to what is missing.
func (m *Mender) opened(c *comparison) {
	named := map[uint64]bool{}
	for i := range c.losses {
		named[c.losses[i].Seq] = true
	}
	for _, seq := range m.Ledger.Opened(c.stream) {
		if named[seq] {
			continue
		}
		l := Loss{Stream: c.stream, Seq: seq, Fate: Lost}
		if strings.Contains(c.stream, "_") {
			l.Of = decision.Ref{In: c.stream, Seq: seq}
		}
		c.losses = append(c.losses, l)
	}
	slices.SortFunc(c.losses, func(a, b Loss) int { return cmp.Compare(a.Seq, b.Seq) })
}

// note takes over what a comparison has found.
func (m *Mender) note(c *comparison) {
	if c.blind != "" {
		m.Log.Warn("the ledger of a stream does not tell all", zap.String("stream", c.stream), zap.String("why", c.blind))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.report.Streams = append(m.report.Streams, c.summary())
	if len(c.losses) > 0 {
		m.losses[c.stream] = c.losses
		m.Log.Error("the store is damaged: messages are missing or are not those that were stored", zap.String("stream", c.stream),
			zap.Int("messages", len(c.losses)), zap.Uint64("first", c.losses[0].Seq), zap.Uint64("last", c.losses[len(c.losses)-1].Seq))
	}
}

// fill gives the sequences at the end of a stream that were lost to messages
// that say nothing: the next one stored must not look like one that was.
func (m *Mender) fill(ctx context.Context, name string, c *comparison) error {
	upTo := max(c.upTo, m.high[name])
	state, err := m.Bus.State(ctx, name)
	if err != nil || state.Last >= upTo {
		return err
	}
	m.Log.Warn("sequences at the end of a stream were lost; they are filled", zap.String("stream", name), zap.Uint64("from", state.Last+1), zap.Uint64("to", upTo))
	spec, known := m.spec(name)
	if state.Messages == 0 && known && m.Aside != nil && strings.Contains(name, "_") { // it begins behind them
		if err := m.remove(ctx, name); err != nil {
			return err
		}
		err = m.Bus.MakeStream(ctx, spec, upTo+1)
	} else {
		err = m.Bus.Fill(ctx, name, filler(name), upTo)
	}
	if err == nil && c.told < upTo { // the lane goes on behind it
		c.tell(c.told+1, upTo, nil)
	}
	return err
}

// filler is the subject of messages that say nothing.
func filler(stream string) string {
	for _, own := range bus.OwnStreams() {
		if stream == own {
			return strings.ToLower(stream) + ".cursor.LOST"
		}
	}
	root, org, _ := strings.Cut(stream, "_")
	return strings.ToLower(root) + "." + org + ".hub.lost"
}

// Copies puts back copies and quarantined events, corrects how far mailboxes
// are, and says what became of all that was missing. index must have read the
// trail; sender makes the copies of the federation in force.
func (m *Mender) Copies(ctx context.Context, x *index.Index, sender *send.Sender, mailboxes []string) (*Report, error) {
	if err := m.floors(ctx, mailboxes); err != nil {
		return nil, err
	}
	if len(m.losses) > 0 {
		if err := m.restore(ctx, x, sender); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(m.report.Streams, func(a, b Summary) int { return strings.Compare(a.Stream, b.Stream) })
	for _, s := range m.report.Streams {
		m.report.Losses = append(m.report.Losses, m.losses[s.Stream]...)
	}
	return &m.report, nil
}

// Settle has the ledger expect no more what is missing: what can be put back is
// back, and the rest was taken note of.
func (m *Mender) Settle() error {
	for stream, losses := range m.losses {
		if stream == bus.Trail { // its records stand where they stood
			continue
		}
		seqs := make([]uint64, len(losses))
		for i := range losses {
			seqs[i] = losses[i].Seq
		}
		if err := m.Ledger.Settle(stream, seqs); err != nil {
			return err
		}
	}
	for _, s := range m.report.Streams {
		if err := m.Ledger.CloseUp(s.Stream); err != nil {
			return err
		}
	}
	return nil
}
