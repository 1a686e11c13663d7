package explain

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// errFound ends a reading.
var errFound = errors.New("found")

// removed learns whether the message of e is gone from its in stream, and since
// when.
func removed(ctx context.Context, b *bus.Bus, e *Event) error {
	d := e.Decision
	m, err := b.At(ctx, d.In, d.Seq, ">")
	if err != nil || m != nil && m.Seq == d.Seq {
		return err
	}
	root := "in."
	if strings.HasPrefix(d.In, bus.EdgeStream("")) {
		root = "edge."
	}
	subject := root + d.Application + "." + d.Type
	err = b.Read(ctx, bus.Trail, e.Records[0], []string{"trail." + decision.KindRemoval + "." + d.In}, func(m *event.Message) error {
		r, err := trail.ReadRemoval(m)
		if err == nil && r.Covers(subject, d.Seq) {
			e.Removed = r.At
			return errFound
		}
		return err
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return err
}

// removedAt says that the event itself is not there any more.
func (p printer) removedAt(at time.Time) {
	p.line(p.t("entfernt", "removed"), p.t("%s  nach Ablauf der Aufbewahrung; der Nachweis bleibt", "%s  after its keep; the trail stays"), stamp(at))
}

// expired says that nobody took a copy in time.
func (p printer) expired(d *decision.Delivery) {
	due := d.At
	if d.Expiry != nil {
		due = d.Expiry.Due
	}
	p.line(p.t("  Stand", "  state"), p.t("verfallen %s: nicht abgeholt bis %s (retain der Regel)", "expired %s: not taken until %s (retain of the agreement)"), stamp(d.At), stamp(due))
}
