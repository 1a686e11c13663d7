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
	out := make([]event.Message, 0, len(d.Receivers))
	for i := range d.Receivers {
		m, err := s.copyFor(d, &d.Receivers[i], e, schema)
		if err != nil {
			return nil, fmt.Errorf("carry out the decision on %s %d for %s: %w", d.In, d.Seq, d.Receivers[i].Application, err)
		}
		out = append(out, m)
	}
	return out, nil
}

func (s *Sender) copyFor(d *decision.Decision, r *decision.Receiver, e *event.Event, schema *schemas.Schema) (event.Message, error) {
	pass, all := allowed(e, schema)
	var m event.Message
	if all && !r.Cut() {
		m = event.Message{Header: original(e), Data: e.Message.Data}
	} else if err := s.rewrite(&m, r, e, schema, pass); err != nil {
		return m, err
	}
	m.Subject, m.Own = "out."+r.Application+"."+d.Type, true
	m.Header[event.HeaderDelivery] = []string{DeliveryID(d, r.Application)}
	addressed(&m, r, decision.Ref{In: d.In, Seq: d.Seq}, e)
	if d.Receipt != "" && r.Confirm {
		m.Header[event.HeaderConfirm] = []string{"delivered"}
	}
	if d.Receipt != "" && (r.Confirm || !r.Expires.IsZero()) {
		m.Header[event.HeaderReceipt] = []string{d.Receipt}
	}
	return m, nil
}

// rewrite makes data and headers of a copy in binary mode, with what r discloses and the
// attributes that pass.
func (s *Sender) rewrite(m *event.Message, r *decision.Receiver, e *event.Event, schema *schemas.Schema, pass []string) error {
	if !r.Cut() {
		m.Header, m.Data = rewritten(e, pass, e.DataSchema()), e.Data
		return nil
	}
	cut, err := s.cut(schema, r.Fields)
	if err != nil {
		return err
	}
	if m.Data, err = cut.Apply(e.Data); err != nil {
		return err
	}
	m.Header = rewritten(e, pass, cut.DataSchema())
	return nil
}

// addressed sets what every copy says of where it comes from and under which agreement
// it goes.
func addressed(m *event.Message, r *decision.Receiver, of decision.Ref, e *event.Event) {
	values := [...]string{r.Agreement, of.In, strconv.FormatUint(of.Seq, 10), event.PercentEncode(e.Key())} // one piece of memory for all
	for i, name := range [...]string{event.HeaderAgreement, event.HeaderIn, event.HeaderSeq, event.HeaderKey} {
		m.Header[name] = values[i : i+1 : i+1]
	}
	if !r.Expires.IsZero() {
		m.Header[event.HeaderRetain] = []string{r.Expires.UTC().Format(time.RFC3339Nano)}
	}
}

// DeliveryID is stable over all attempts of one copy.
func DeliveryID(d *decision.Decision, receiver string) string {
	return d.In + "-" + strconv.FormatUint(d.Seq, 10) + "-" + receiver
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
