// Package send is the fourth stage: it makes what a decision says, one message
// per copy or one for quarantine. It decides nothing: the same decision and
// event give the same messages, today and after a crash.
package send

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// Sender makes copies. It is safe for concurrent use.
type Sender struct {
	schemas *schemas.Registry
	layouts layouts
	mu      sync.Mutex
	cuts    map[string]*disclose.Cut
}

// New makes a Sender.
func New(registry *schemas.Registry) *Sender {
	return &Sender{schemas: registry, cuts: map[string]*disclose.Cut{}}
}

// Copies gives the messages for OUT, one per receiver of d, in d's order.
func (s *Sender) Copies(d *decision.Decision, e *event.Event) ([]event.Message, error) {
	schema, ok := s.schemas.Lookup(d.Type)
	if !ok {
		return nil, fmt.Errorf("carry out the decision on %s %d: event type %s: %w", d.In, d.Seq, d.Type, ErrSchemaGone)
	}
	var room [24]string // for nearly all
	var common []string
	c := copying{d: d, e: e, schema: schema, id: deliveryID(d.Place(), "")}
	whole := false
	if c.pass, whole = allowed(e, schema); whole {
		c.layout = s.layouts.of(e)
		common = c.layout.common(room[:0], e)
	}
	out := make([]event.Message, 0, len(d.Receivers))
	for i := range d.Receivers {
		m, err := s.copyFor(&c, common, &d.Receivers[i])
		if err != nil {
			return nil, fmt.Errorf("carry out the decision on %s %d for %s: %w", d.In, d.Seq, d.Receivers[i].Application, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// copying is what all copies of an event have.
type copying struct {
	d      *decision.Decision
	e      *event.Event
	schema *schemas.Schema
	pass   event.Attributes
	layout *layout // of untouched copies; nil: not all attributes pass
	id     string  // of a delivery, but for the receiver
}

// copyFor makes the copy for r; common are the values of an untouched one's headers.
func (s *Sender) copyFor(c *copying, common []string, r *decision.Receiver) (m event.Message, err error) {
	d, delivery := c.d, c.id+r.Application
	if c.layout != nil && !r.Cut() {
		m = c.layout.copyOf(common, r.Agreement, delivery)
		m.Data = c.e.Message.Data
	} else {
		m.Own, _ = loose.Get().(*event.Own)
		m.Header = m.Own.Header
		if err := s.rewrite(&m, r, c.e, c.schema, c.pass); err != nil {
			return m, err
		}
		addressed(m.Header, r.Agreement, delivery)
	}
	m.Subject = "out." + r.Application + "." + d.Type
	m.Own.In, m.Own.Seq = d.In, d.Seq
	if !r.Expires.IsZero() {
		m.Own.Set(event.HeaderRetain, r.Expires.UTC().Format(time.RFC3339Nano))
	}
	if d.Receipt != "" && r.Confirm {
		m.Own.Set(event.HeaderConfirm, "delivered")
	}
	if d.Receipt != "" && (r.Confirm || !r.Expires.IsZero()) {
		m.Own.Set(event.HeaderReceipt, d.Receipt)
	}
	return m, nil
}

// rewrite makes data and headers of a copy in binary mode, with what r discloses and the
// attributes that pass.
func (s *Sender) rewrite(m *event.Message, r *decision.Receiver, e *event.Event, schema *schemas.Schema, pass event.Attributes) error {
	if !r.Cut() {
		m.Data = e.Data
		rewritten(m.Header, e, pass, e.DataSchema())
		return nil
	}
	cut, err := s.cut(schema, r.Fields)
	if err != nil {
		return err
	}
	if m.Data, err = cut.Apply(e.Data); err != nil {
		return err
	}
	rewritten(m.Header, e, pass, cut.DataSchema())
	return nil
}

// addressed sets what every copy says of where it comes from and under which agreement
// it goes.
func addressed(h map[string][]string, agreement, delivery string) {
	values := [...]string{agreement, delivery} // one piece of memory for all
	for i, name := range hubs {
		h[name] = values[i : i+1 : i+1]
	}
}

// DeliveryID is stable over all attempts of one copy.
func DeliveryID(d *decision.Decision, receiver string) string {
	return deliveryID(d.Place(), receiver)
}

func deliveryID(of decision.Ref, receiver string) string {
	return of.In + "-" + strconv.FormatUint(of.Seq, 10) + "-" + receiver
}

// cut gives the compiled cut for a set of fields.
func (s *Sender) cut(schema *schemas.Schema, fields []string) (*disclose.Cut, error) {
	key := schema.ID + "\x00" + strings.Join(fields, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cuts[key]; c != nil {
		return c, nil
	}
	c, errs := disclose.Plan(schema, fields)
	if len(errs) > 0 {
		return nil, fmt.Errorf("derive the cut: %w", errs[0])
	}
	s.cuts[key] = c
	return c, nil
}
