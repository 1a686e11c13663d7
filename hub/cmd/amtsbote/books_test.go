package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// books account for a load while the hub removes what has had its time. They read
// TRAIL, from which nothing is removed, to its end again and again, and hear from
// the receivers; what is complete is dropped, so they stay small. What must hold:
//
//   - IN: every sequence from 1 on has one decision, in sequence; each event
//     (source, id, digest) one that is not "suppressed"; each acknowledgement is
//     claimed once, and its decision is what the event calls for;
//   - each decided copy, expiry and receipt arrives once (box);
//   - what is removed is recorded, and is exactly what was decided or arrived (shelf).
type books struct {
	t *testing.T // nil: faults are only counted

	mu        sync.Mutex
	faults    int
	next      uint64        // where to read TRAIL on
	decided   atomic.Uint64 // last sequence of IN_alpha with a decision
	outcomes  map[hub.Outcome]int
	unclaimed map[uint64]verdict                // by sequence in IN_alpha
	claimed   int                               // acknowledgements
	known     map[string]map[string]hub.Outcome // source -> identity -> what it came to; "" for suppressed only
	in        map[string]*shelf                 // by subject: what lies in IN_alpha
	boxes     map[string]*box                   // by application
	files     *box                              // what the sink's receiver sees, by event id
	done      *box                              // of what the sink took, only the order
	written   *written                          // and the order of its files
	expired   int
	removals  int
}

// verdict is what was decided about a message, and what the event came to that
// it repeats.
type verdict struct {
	id            string
	outcome, real hub.Outcome
}

func newBooks(t *testing.T) *books {
	b := &books{
		t: t, outcomes: map[hub.Outcome]int{}, unclaimed: map[uint64]verdict{},
		known: map[string]map[string]hub.Outcome{}, in: map[string]*shelf{}, boxes: map[string]*box{},
	}
	for _, name := range []string{"beta.one", "beta.two", "beta.three", "beta.four", "alpha.post"} {
		b.boxes[name] = newBox(b, name)
	}
	b.files, b.done, b.written = newBox(b, "the folder of beta.three"), newBox(b, "beta.three"), newWritten(b)
	return b
}

// fault reports, but does not drown.
func (b *books) fault(format string, args ...any) {
	if b.faults++; b.faults <= 20 && b.t != nil {
		b.t.Helper()
		b.t.Errorf(format, args...)
	}
}

// readOn reads TRAIL to its end.
func (b *books) readOn(js jetstream.JetStream) {
	b.t.Helper()
	readFrom(b.t, js, "TRAIL", b.next, func(m jetstream.Msg, seq uint64) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.next = seq + 1
		b.record(m.Subject(), m.Data())
	})
}

func (b *books) record(subject string, data []byte) {
	var err error
	switch decision.Kind(subject) {
	case decision.KindDecision:
		var ds []*decision.Decision
		ds, err = trail.ReadDecisions(&event.Message{Subject: subject, Data: data})
		for _, d := range ds {
			b.decision(d)
		}
	case decision.KindDelivery:
		var d decision.Delivery
		if err = json.Unmarshal(data, &d); err == nil {
			b.delivery(&d)
		}
	case decision.KindRemoval:
		var r decision.Removal
		if err = json.Unmarshal(data, &r); err == nil {
			b.removal(&r)
		}
	}
	if err != nil {
		b.fault("read %s: %v", subject, err)
	}
}

func (b *books) decision(d *decision.Decision) {
	if last := b.decided.Load(); d.In != "IN_alpha" || d.Seq != last+1 {
		b.fault("%s %d was decided after %d", d.In, d.Seq, last)
	}
	b.decided.Store(d.Seq)
	b.outcomes[d.Outcome]++
	switch d.Outcome {
	case hub.Routed, hub.Unrouted, hub.Quarantined, hub.Suppressed:
	default:
		b.fault("%s came to %s: nothing in the load gives a reason to", d.ID, d.Outcome)
	}
	b.unclaimed[d.Seq] = verdict{d.ID, d.Outcome, b.identity(d)}
	typ := d.Type
	if typ == "" {
		typ = hubtest.Ding // poison that cannot be read
	}
	subject := "in." + d.Application + "." + typ
	if b.in[subject] == nil {
		b.in[subject] = newShelf()
	}
	b.in[subject].put(d.Seq, filed{})
	for _, r := range d.Receivers {
		b.boxes[r.Application].wants(fmt.Sprintf("%s-%d-%s", d.In, d.Seq, r.Application))
		if r.Application == "beta.three" {
			b.files.wants(d.ID)
			b.written.decided(d.ID, d.Seq)
		}
	}
	if d.Receipt != "" {
		b.boxes[d.Receipt].wants(fmt.Sprintf("%s-%d-quittung", d.In, d.Seq))
	}
}

// identity notes what an event came to, once. Once a later event of the source is
// routed, the load does not come back to those before.
func (b *books) identity(d *decision.Decision) hub.Outcome {
	of, id := b.known[d.Source], d.ID+" "+d.Digest
	if of == nil {
		of = map[string]hub.Outcome{}
		b.known[d.Source] = of
	}
	real, seen := of[id]
	switch {
	case d.Outcome == hub.Suppressed:
		of[id] = real
	case real != "":
		b.fault("%s of %s is %s at %d, and was %s before", d.ID, d.Source, d.Outcome, d.Seq, real)
	default:
		of[id] = d.Outcome
	}
	if _, place, ok := placeOf(d.ID); ok && d.Outcome == hub.Routed && !seen {
		for other := range of {
			if _, n, _ := placeOf(strings.Fields(other)[0]); n < place-2*maxBurst {
				b.close(of, other)
			}
		}
	}
	return of[id]
}

func (b *books) close(of map[string]hub.Outcome, id string) {
	if of[id] == "" {
		b.fault("%s was only ever suppressed", id)
	}
	delete(of, id)
}

// claim takes what was acknowledged to the publisher; TRAIL must have been read
// that far.
func (b *books) claim(news map[uint64][]sent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for seq, all := range news {
		for _, e := range all {
			v, ok := b.unclaimed[seq]
			switch {
			case !ok:
				b.fault("%s is acknowledged at %d, which is not decided, or was acknowledged for another event: lost", e.id, seq)
			case v.id != e.id:
				b.fault("%s is acknowledged at %d, where %s lay: lost", e.id, seq, v.id)
			case string(v.outcome) == e.want:
			case v.outcome == hub.Suppressed && string(v.real) == e.want: // stored before, without its acknowledgement
			default:
				b.fault("%s at %d is %s (%s), must be %s", e.id, seq, v.outcome, v.real, e.want)
			}
			delete(b.unclaimed, seq)
			b.claimed++
		}
	}
}

// delivery: copies of beta.three are done, those of beta.four expire; both may be
// recorded again after a crash only for the same stored copy, expiries not at all.
func (b *books) delivery(d *decision.Delivery) {
	id := fmt.Sprintf("%s-%d-%s", d.In, d.Seq, d.Mailbox)
	key, _, _ := placeOf(d.ID)
	box := b.boxes[d.Mailbox]
	switch {
	case d.Mailbox == "beta.three" && d.Result == decision.Done:
		if !box.wanted(id) && !box.lies(d.Out, id) {
			b.fault("%s of OUT %d is done, but nobody decided on it, or it was done before", id, d.Out)
		}
		f := filed{id: id, key: key, place: d.Seq}
		if !box.lies(d.Out, id) {
			b.done.inOrder(f)
		}
		box.arrives(d.Out, f)
	case d.Mailbox == "beta.four" && d.Result == decision.Expired && d.Expiry != nil:
		if !box.wanted(id) {
			b.fault("%s of OUT %d expired, but nobody decided on it, or it expired before", id, d.Out)
		}
		b.expired++
		box.arrives(0, filed{id: id, key: key, place: d.Seq})
		b.boxes[d.Expiry.Receipt].wants(id + "-verfallen")
	default:
		b.fault("%s of %s ended as %s (%s): nothing in the load gives a reason to", id, d.Mailbox, d.Result, d.Code)
	}
}

// removal: what goes is decided, or was taken.
func (b *books) removal(r *decision.Removal) {
	b.removals++
	for _, one := range r.Ranges {
		switch {
		case r.Stream == "IN_alpha" && b.in[one.Subject] != nil:
			if one.UpTo > b.decided.Load() {
				b.fault("%s was removed up to %d, and decided up to %d", one.Subject, one.UpTo, b.decided.Load())
			}
			b.in[one.Subject].removed(one, nil, b.fault)
		case r.Stream == "OUT":
			name := strings.TrimSuffix(strings.TrimPrefix(one.Subject, "out."), ".>")
			if box := b.boxes[name]; box != nil {
				box.removed(one)
				continue
			}
			fallthrough
		default:
			b.fault("removed from %s: %+v, which nobody put there", r.Stream, one)
		}
	}
}
