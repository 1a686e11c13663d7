package mend

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// cursors puts back the last message of each subject whose data the ledger
// keeps, if it was lost: without it a lane would store again what is stored.
func (m *Mender) cursors(ctx context.Context, stream string) error {
	losses := m.losses[stream]
	if len(losses) == 0 {
		return nil
	}
	book, err := m.Ledger.Book(stream)
	if err != nil {
		return err
	}
	at := map[uint64]*Loss{}
	for i := range losses {
		at[losses[i].Seq] = &losses[i]
	}
	last := map[string]*ledger.Entry{} // of the subjects of lost ones
	err = book.Each(func(e *ledger.Entry) error {
		if e.Whole && (at[e.Seq] != nil || last[e.Subject] != nil && !book.Gone(e.Subject, e.Seq)) {
			last[e.Subject] = e
		}
		if l := at[e.Seq]; l != nil && e.Whole {
			l.Fate = Restored // or an older one, which nobody asks for
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range last {
		if at[e.Seq] == nil {
			continue
		}
		if _, err := m.Bus.AppendUnguarded(ctx, []event.Message{{Subject: e.Subject, Data: e.Data}}); err != nil {
			return fmt.Errorf("put back the cursor %s: %w", e.Subject, err)
		}
	}
	return nil
}

// floors corrects mailboxes that have forgotten acknowledgements: the server
// syncs them late, and loses all with the consumer's state.
func (m *Mender) floors(ctx context.Context, mailboxes []string) error {
	for _, app := range mailboxes {
		must := m.Ledger.Floor(bus.Out, app)
		if must == 0 {
			continue
		}
		is, err := m.Bus.Mailbox(ctx, app)
		if err != nil {
			return err
		}
		if is.Floor >= must {
			continue
		}
		m.Log.Warn("the server has forgotten acknowledgements of a mailbox; they are put back", zap.String("mailbox", app),
			zap.Uint64("was", is.Floor), zap.Uint64("is", must))
		if err := m.Bus.RewindMailbox(ctx, app, must+1); err != nil {
			return err
		}
	}
	return nil
}

// restore puts back copies and quarantined events, and judges the rest.
func (m *Mender) restore(ctx context.Context, x *index.Index, sender *send.Sender) error {
	if err := m.present(); err != nil {
		return err
	}
	records, err := m.records()
	if err != nil {
		return err
	}
	for stream, losses := range m.losses {
		if stream == bus.Trail {
			continue
		}
		var done carried
		var back again
		if strings.Contains(stream, "_") {
			if done, err = m.carriedOut(ctx, stream); err != nil {
				return err
			}
		}
		for i := range losses {
			l := &losses[i]
			r := records[l.Of]
			if l.ID == "" && r != nil {
				l.ID = r.id
			}
			switch {
			case l.Fate != Lost:
			case strings.Contains(stream, "_") && done.covers(l.Seq, r):
				l.Fate = CarriedOut // also if it was removed, and the note of it is lost
			case stream == bus.Out && m.settled(x, l):
				l.Fate = Delivered
			case r == nil:
			case stream == bus.Out || stream == bus.Quarantine:
				msg, ok, err := m.again(ctx, l, r, sender)
				if err != nil {
					return err
				}
				if ok {
					back.add(l, msg)
				}
			}
			if back.full() {
				if err := m.putBack(ctx, &back); err != nil {
					return err
				}
			}
		}
		if err := m.putBack(ctx, &back); err != nil {
			return err
		}
		count := map[Fate]int{}
		for i := range losses {
			count[losses[i].Fate]++
		}
		m.Log.Warn("what became of it", zap.String("stream", stream), zap.Any("messages", count))
	}
	return nil
}

// settled tells whether a copy was acknowledged, or lies in PARKED.
func (m *Mender) settled(x *index.Index, l *Loss) bool {
	app := mailboxOf(l.Subject)
	// not what the server says: with the messages it loses its floor moves up
	return x.IsDone(app, l.Seq) || x.IsParked(app, l.Seq) || l.Seq <= m.Ledger.Floor(bus.Out, app) || m.removed.covers(l)
}

// removals are ranges that were removed from OUT, as the trail says: the ledger may
// have lost its notes. A range holds all of a mailbox from its first copy on.
type removals []decision.Range

func (r removals) covers(l *Loss) bool {
	for _, one := range r {
		prefix, all := strings.CutSuffix(one.Subject, ">")
		if all && strings.HasPrefix(l.Subject, prefix) && l.Seq <= one.UpTo {
			return true
		}
	}
	return false
}

// mailboxOf out.<organisation>.<application>.<type>.
func mailboxOf(subject string) string {
	parts := strings.SplitN(subject, ".", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[1] + "." + parts[2]
}

// carried is how far an in stream is decided, and up to where each target has got
// what that brings.
type carried struct {
	decided uint64
	floors  map[string]uint64
}

// carriedOut tells how far an in stream is carried out, and nothing of it is owed.
func (m *Mender) carriedOut(ctx context.Context, in string) (carried, error) {
	decided, err := m.cursor(ctx, bus.Trail, in)
	if err != nil {
		return carried{}, err
	}
	done := carried{decided: decided.Seq, floors: map[string]uint64{}}
	for _, stream := range targets {
		at, err := m.cursor(ctx, stream, in)
		if err != nil {
			return done, err
		}
		at.Seq = max(at.Seq, decided.Carried)
		done.floors[stream] = min(decided.Seq, at.Floor())
	}
	return done, nil
}

// covers tells whether all is stored that the event at seq brings. A cursor lags
// behind events that bring nothing to its stream, for as long as nothing else comes.
func (c *carried) covers(seq uint64, r *record) bool {
	if seq > c.decided {
		return false
	}
	for stream, floor := range c.floors {
		if seq > floor && (r == nil || !r.bringsNothing(stream)) {
			return false
		}
	}
	return true
}

// identity is what tells a copy from all others.
type identity struct {
	subject string
	of      decision.Ref
	sum     uint64
}

// present finds losses that stand in the stream again: put back by a start that
// ended before it could say so.
func (m *Mender) present() error {
	for stream, losses := range m.losses {
		wanted := map[identity]*Loss{}
		seqs := map[uint64]bool{}
		for i := range losses {
			if l := &losses[i]; l.Fate == Lost && l.Of.Seq != 0 {
				wanted[identity{l.Subject, l.Of, l.Sum}] = l
				seqs[l.Seq] = true
			}
		}
		if len(wanted) == 0 || stream == bus.Trail || strings.Contains(stream, "_") {
			continue
		}
		book, err := m.Ledger.Book(stream)
		if err != nil {
			return err
		}
		err = book.EachFrom(losses[0].Seq, func(e *ledger.Entry) error {
			if l := wanted[identity{e.Subject, e.Of, e.Sum}]; l != nil && !seqs[e.Seq] {
				l.Fate = Restored
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// record is what the trail says of an event.
type record struct {
	id        string
	decisions []*decision.Decision
	told      []*decision.Delivery // outcomes of which the sender is told
	replayed  []*decision.Replayed // copies that replays brought
}

// bringsNothing tells whether the decisions are known and none has anything for stream.
func (r *record) bringsNothing(stream string) bool {
	return len(r.decisions) > 0 && !slices.ContainsFunc(r.decisions, func(d *decision.Decision) bool {
		return send.Due(strings.ToLower(stream), d) > 0
	})
}

// records finds those of the events that losses are about.
func (m *Mender) records() (map[decision.Ref]*record, error) {
	out := map[decision.Ref]*record{}
	for stream, losses := range m.losses {
		for i := range losses {
			if losses[i].Of.Seq != 0 && stream != bus.Trail {
				out[losses[i].Of] = &record{}
			}
		}
	}
	book, err := m.Ledger.Book(bus.Trail)
	if err != nil || len(out) == 0 {
		return out, err
	}
	err = book.Each(func(e *ledger.Entry) error {
		msg := &event.Message{Seq: e.Seq, Subject: e.Subject, Data: e.Data}
		switch decision.Kind(e.Subject) {
		case decision.KindRemoval:
			d, err := trail.ReadRemoval(msg)
			if err == nil && d.Stream == bus.Out {
				m.removed = append(m.removed, d.Ranges...)
			}
			return err
		case decision.KindDecision:
			ds, err := trail.ReadDecisions(msg)
			if err != nil {
				return err
			}
			for _, d := range ds {
				if r := out[decision.Ref{In: d.In, Seq: d.Seq}]; r != nil {
					r.id, r.decisions = d.ID, append(r.decisions, d)
				}
			}
		case decision.KindDelivery:
			d, err := trail.ReadDelivery(msg)
			if err != nil {
				return err
			}
			if r := out[decision.Ref{In: d.In, Seq: d.Seq}]; r != nil && (d.Expiry != nil || d.Handed != nil) {
				r.told = append(r.told, d)
			}
		case decision.KindReplay:
			return replayed(msg, out)
		}
		return nil
	})
	return out, err
}

// again makes a lost copy, receipt or quarantined event anew; ok tells whether it
// comes out the same byte for byte.
func (m *Mender) again(ctx context.Context, l *Loss, r *record, sender *send.Sender) (msg event.Message, ok bool, err error) {
	source, err := m.Bus.Get(ctx, l.Of.In, l.Of.Seq)
	if err != nil {
		return msg, false, err
	}
	for _, msg := range candidates(r, source, sender) {
		if msg.Subject == l.Subject && ledger.Sum(&msg) == l.Sum {
			return msg, true, nil
		}
	}
	return msg, false, nil
}

// again is a batch of messages that are put back.
type again struct {
	msgs   []event.Message
	losses []*Loss
	size   int
}

func (a *again) add(l *Loss, msg event.Message) {
	a.msgs, a.losses, a.size = append(a.msgs, msg), append(a.losses, l), a.size+len(msg.Data)
}

func (a *again) full() bool { return len(a.msgs) == bus.MaxBatch/2 || a.size > bus.MaxBatchBytes/4 }

// putBack stores a batch.
func (m *Mender) putBack(ctx context.Context, a *again) error {
	if len(a.msgs) == 0 {
		return nil
	}
	if _, err := m.Bus.AppendUnguarded(ctx, a.msgs); err != nil {
		return fmt.Errorf("put back %d messages of %s: %w", len(a.msgs), a.losses[0].Stream, err)
	}
	for _, l := range a.losses {
		l.Fate = Restored
	}
	*a = again{}
	return nil
}

// candidates are all messages that the records of an event may have brought.
// source is the event, nil if it is gone.
func candidates(r *record, source *event.Message, sender *send.Sender) []event.Message {
	var out []event.Message
	for _, d := range r.told {
		switch {
		case d.Expiry != nil && d.Expiry.Receipt != "":
			out = append(out, send.Expired(d))
		case d.Handed != nil && d.Handed.Receipt != "":
			out = append(out, send.Delivered(d))
		}
	}
	if source == nil {
		return out
	}
	e, refused := accept.Decode(source)
	if refused != nil {
		e = nil
	}
	for _, d := range r.decisions {
		out = append(out, send.Quarantined(d, source))
		if d.Receipt != "" {
			out = append(out, sender.Receipt(d, e))
		}
		if e == nil || len(d.Receivers) == 0 {
			continue
		}
		if copies, err := sender.Copies(d, e); err == nil {
			out = append(out, copies...)
		}
	}
	return append(out, r.replays(e, sender)...)
}
