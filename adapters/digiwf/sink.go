package digiwf

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/hub"
)

// sink starts processes, correlates messages, and brings the answers to requests.
type sink struct {
	set  *settings
	log  *zap.Logger
	desk *desk
}

var (
	_ hub.Sink   = (*sink)(nil)
	_ hub.Placed = (*sink)(nil)
)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	w := ways{Way: set.kafka()}
	if r := set.REST; r != nil {
		w.rest = &post.REST{URL: r.URL, Token: post.Token{Login: r.Login}, TLS: r.TLS, Timeout: r.Timeout}
	}
	desk, err := openDesk(set, w)
	if err != nil {
		return nil, err
	}
	return &sink{set: set, log: cmp.Or(env.Log, zap.NewNop()), desk: desk}, nil
}

// Places implements hub.Placed.
func (s *sink) Places() hub.Places {
	var all []string
	if len(s.set.Kafka.Brokers) > 0 {
		all = append(all, "Kafka at "+strings.Join(s.set.Kafka.Brokers, ", "))
	}
	if s.set.REST != nil {
		all = append(all, s.set.REST.URL)
	}
	return hub.Places{Out: strings.Join(all, "; ")}
}

// The codes of what can never be handed over.
const (
	codeUnmappable = "unmappable"
	codeNoRequest  = "no-request"
	codeAnswered   = "answered"
	codeAmbiguous  = "ambiguous"
)

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	switch {
	case d.Event.Context == nil:
		return hub.Permanent(codeUnmappable, "the delivery has no event")
	case isReceipt(d.Event):
		return nil // Settled says the same to the source
	}
	for i := range s.set.Out {
		if o := &s.set.Out[i]; o.Event == d.Event.Type() {
			return s.act(ctx, d, o)
		}
	}
	if !s.set.answers(d.Event.Type()) {
		return hub.Permanent(codeUnmappable, "nothing is set up for events of this type (out, or answers of a request)")
	}
	return s.answer(ctx, d)
}

// isReceipt tells whether an event is a receipt (Quittung) of the hub.
func isReceipt(e hub.Event) bool {
	return e.Source() == "urn:amtsbote:verbund" && strings.HasPrefix(e.Type(), "de.amtsbote.ereignis-")
}

// act starts a process or correlates a message.
func (s *sink) act(ctx context.Context, d hub.Delivery, o *out) error {
	write := s.set.correlateLetter
	if o.Start != "" {
		write = s.set.startLetter
	}
	l, err := write(d.Event, o)
	if err != nil {
		return err
	}
	key := deliveryKey(d)
	return s.desk.box.Once(ctx, key, key, l)
}

// deliveryKey is the same in every attempt. It is made of the event, too: numbers of
// deliveries begin anew when a hub does.
func deliveryKey(d hub.Delivery) string {
	return joined("delivery", d.ID, d.Event.Source(), d.Event.ID())
}

// answer brings an event to the process that asked for it.
func (s *sink) answer(ctx context.Context, d hub.Delivery) error {
	by := deliveryKey(d)
	o, err := s.openFor(ctx, d.Event, by)
	if err != nil || o == nil {
		return err
	}
	rule := s.set.answerRule(o.Type, d.Event.Type())
	if rule == nil || o.Reply != replyEvent {
		return hub.Permanent(codeNoRequest, "the request that it names is not answered by events of this type")
	}
	l, err := s.set.answerLetter(d.Event, o, rule)
	if err != nil {
		return err
	}
	switch err := s.desk.box.Once(ctx, answerKey(o.ID), by, l); {
	case errors.Is(err, post.ErrOther):
		return errors.Join(s.desk.forget(o.ID), errAnswered())
	case errors.Is(err, post.ErrUnderWay):
		return hub.Retryable("under-way", "another answer is under way")
	case err != nil:
		return err
	}
	if attribute(d.Event, hub.AttrCausationID) == "" {
		if err := s.desk.box.Note(fallbackKey(by)); err != nil {
			return err
		}
	}
	return s.desk.forget(o.ID)
}

// fallbackKey remembers an answer that named no request: when it comes again there is
// none any more that it could be of.
func fallbackKey(by string) string { return "fallback|" + by }

func errAnswered() error {
	return hub.Permanent(codeAnswered, "the request was answered already, or its time was over")
}

// openFor finds the request that an event answers: by causationid, else the only one
// that is open under the correlationid. It gives nil, nil when this very event was
// handed over already.
func (s *sink) openFor(ctx context.Context, e hub.Event, by string) (*opened, error) {
	cause := attribute(e, hub.AttrCausationID)
	if cause == "" {
		return s.onlyOne(ctx, e, by)
	}
	o, err := s.desk.find(cause)
	if err != nil || o != nil {
		return o, err
	}
	who, done, err := s.desk.box.By(answerKey(cause))
	switch {
	case err != nil:
		return nil, err
	case done && who == by:
		return nil, nil
	case who != "":
		return nil, errAnswered()
	}
	answered, err := s.desk.answered(cause)
	switch {
	case err != nil:
		return nil, err
	case answered:
		return nil, errAnswered()
	}
	return nil, hub.Permanent(codeNoRequest, "no request is known by the event's causationid")
}

// onlyOne is for applications that give no causationid.
func (s *sink) onlyOne(ctx context.Context, e hub.Event, by string) (*opened, error) {
	correlation := attribute(e, hub.AttrCorrelationID)
	if correlation == "" {
		return nil, hub.Permanent(codeNoRequest, "the event has neither causationid nor correlationid")
	}
	if _, done, err := s.desk.box.By(fallbackKey(by)); err != nil || done {
		return nil, err
	}
	var begun, fits *opened
	several := false
	err := s.desk.each(ctx, func(o *opened) error {
		if o.Correlation != correlation || s.set.answerRule(o.Type, e.Type()) == nil {
			return nil
		}
		who, _, err := s.desk.box.By(answerKey(o.ID))
		if who == by {
			begun = o // it had begun to answer this one
		}
		several = several || fits != nil
		fits = o
		return err
	})
	switch {
	case err != nil || begun != nil:
		return begun, err
	case fits == nil:
		return nil, hub.Permanent(codeNoRequest, "no open request has the event's correlationid")
	case several:
		return nil, hub.Permanent(codeAmbiguous, "several open requests have the event's correlationid, and it gives no causationid")
	}
	return fits, nil
}

func attribute(e hub.Event, name string) string {
	value, _ := e.Extensions()[name].(string)
	return value
}
