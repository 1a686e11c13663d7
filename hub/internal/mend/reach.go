package mend

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// howFar finds how far each stream was, by all that tells of it. Records that the
// trail has lost with their place in its book are noted before anything is put in
// their place.
func (m *Mender) howFar(ctx context.Context) error {
	m.high = map[string]uint64{}
	for _, name := range slices.Concat(bus.OwnStreams(), m.Ledger.Streams()) {
		high, err := m.Ledger.High(name)
		if err != nil {
			return err
		}
		m.high[name] = high
	}
	for _, spec := range m.Specs {
		state, err := m.Bus.State(ctx, spec.Name)
		if err != nil && !errors.Is(err, bus.ErrNoStream) {
			return err
		}
		m.ran = m.ran || state.Last > 0
	}
	m.ran = m.ran && m.Ledger.New()
	return m.trailWas(ctx)
}

// trailWas finds by the cursors of other streams, those of lanes, replays and the keeper,
// how far the trail was: nothing is carried out whose decision is not in it, but for what a
// cursor promises itself (decision.Decided).
func (m *Mender) trailWas(ctx context.Context) error {
	for _, stream := range targets {
		if _, err := m.Bus.State(ctx, stream); errors.Is(err, bus.ErrNoStream) {
			continue
		} else if err != nil {
			return err
		}
		cursors, err := m.Bus.Subjects(ctx, stream, decision.CursorSubject(strings.ToLower(stream), "*"))
		if err != nil {
			return err
		}
		delete(cursors, filler(stream)) // which is none
		for subject := range cursors {
			at, err := m.cursor(ctx, stream, subject[strings.LastIndexByte(subject, '.')+1:])
			if err != nil {
				return err
			}
			m.high[bus.Trail] = max(m.high[bus.Trail], at.Trail)
		}
	}
	book, err := m.Ledger.Book(bus.Trail)
	if err != nil {
		return err
	}
	state, err := m.Bus.State(ctx, bus.Trail)
	if err != nil && !errors.Is(err, bus.ErrNoStream) {
		return err
	}
	return m.setOpen(bus.Trail, max(book.UpTo(), state.Last)+1, m.high[bus.Trail])
}

// blind tells why not all of a stream can be compared, "" if it can. It is noted
// before the book goes on with what the stream holds: the next start could not
// tell, and this one may be refused.
func (m *Mender) blind(book *ledger.Book, state bus.State) (string, error) {
	stream := book.Stream()
	if why := m.Ledger.Blind(stream); why != "" {
		return why, nil
	}
	why := book.Harm()
	reach, noted := m.Ledger.Reach(stream)
	switch {
	case reach > book.UpTo():
		why = fmt.Sprintf("the ledger has lost what it knew from %d to %d", book.UpTo()+1, reach)
	case book.First() == 0 && !noted && (state.Messages > 0 || m.ran):
		why = "the ledger begins here: what was lost before is not known"
	}
	if why == "" {
		return "", nil
	}
	return why, m.Ledger.SetBlind(stream, why)
}

// blindAt is blind of a stream that is compared later.
func (m *Mender) blindAt(ctx context.Context, stream string) (string, error) {
	state, err := m.Bus.State(ctx, stream)
	if err != nil {
		return "", err
	}
	book, err := m.Ledger.Book(stream)
	if err != nil {
		return "", err
	}
	return m.blind(book, state)
}

// names takes from a message of the trail how far other streams were. A copy that
// was stored and handed out just before a crash may be in no book yet; if it is
// lost, the next one at its sequence would be taken for it, and thus for settled.
func (m *Mender) names(subject string, data []byte) {
	msg := &event.Message{Subject: subject, Data: data}
	switch decision.Kind(subject) {
	case decision.KindDelivery:
		if d, err := trail.ReadDelivery(msg); err == nil {
			m.high[bus.Out] = max(m.high[bus.Out], d.Out)
		}
	case decision.KindCursor:
		var at decision.Cursor
		if json.Unmarshal(data, &at) == nil {
			for stream, end := range at.Ends {
				m.high[stream] = max(m.high[stream], end)
			}
		}
	case decision.KindRemoval:
		if d, err := trail.ReadRemoval(msg); err == nil {
			for _, r := range d.Ranges {
				m.high[d.Stream] = max(m.high[d.Stream], r.UpTo)
			}
		}
	}
}

// ahead moves the trail's cursor of an in stream up to where copies are stored, if
// the records in between are lost: decided anew, they would be stored twice.
func (m *Mender) ahead(ctx context.Context, in string) error {
	decided, err := m.cursor(ctx, bus.Trail, in)
	if err != nil {
		return err
	}
	if decided.Seq, err = trail.Reached(ctx, m.Bus, bus.Trail, in, decided); err != nil {
		return err
	}
	must := decided
	for _, target := range targets {
		at, err := m.cursor(ctx, target, in)
		if err != nil {
			return err
		}
		must.Seq, must.Epoch = max(must.Seq, at.Known()), max(must.Epoch, at.Epoch)
	}
	if must.Seq == decided.Seq {
		return nil
	}
	m.Log.Error("decisions on events that were carried out are lost with their place in the ledger", zap.String("in", in),
		zap.Uint64("from", decided.Seq+1), zap.Uint64("to", must.Seq))
	if must.Trail, err = m.Bus.LastSeq(ctx, bus.Trail); err != nil {
		return err
	}
	must.Batch = rand.Text()
	data, err := json.Marshal(must)
	if err != nil {
		return err
	}
	_, err = m.Bus.AppendUnguarded(ctx, []event.Message{{Subject: decision.CursorSubject("trail", in), Data: data}})
	return err
}
