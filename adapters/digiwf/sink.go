package digiwf

import (
	"cmp"
	"context"
	"strings"
	"time"

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
	_ hub.Worker = (*sink)(nil)
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

// Work implements hub.Worker: it forgets what was handed over long ago.
func (s *sink) Work(ctx context.Context) error {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := s.desk.tidy(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
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
	case hub.IsReceipt(d.Event):
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
