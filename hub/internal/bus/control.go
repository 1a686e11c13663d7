package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// The control channel: commands ask the running hub for an act at
// hub.control.<verb>, by request and reply. Only the hub's own user may listen
// there; the local credential may ask.
const (
	controlRoot  = "hub.control."
	controlWait  = 2 * time.Minute // an act may move many messages
	controlError = "Amtsbote-Error"
	inboxes      = "_INBOX"
)

// ErrNoHub means that no hub listens: it is not running, or not yet.
var ErrNoHub = errors.New("no hub is running here")

// ActError is why the hub did not do what it was asked; it says whose move it
// is.
type ActError string

func (e ActError) Error() string { return string(e) }

// Listener hears what is asked at a verb.
type Listener struct {
	bus  *Bus
	verb string
	sub  *nats.Subscription
}

// Listen begins to hear what is asked at verb: when it returns, the server knows
// of it. Serve answers.
func (b *Bus) Listen(ctx context.Context, verb string) (*Listener, error) {
	sub, err := b.nc.SubscribeSync(controlRoot + verb)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", verb, err)
	}
	if err := b.flush(ctx); err != nil {
		return nil, fmt.Errorf("listen for %s: %w", verb, err)
	}
	return &Listener{b, verb, sub}, nil
}

// flush returns when the server has taken what was sent.
func (b *Bus) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return b.nc.FlushWithContext(ctx)
}

// Serve answers what is asked, one request after the other, until ctx ends; it
// returns when the one underway is answered. An error of handle goes to the
// caller as an ActError. Serve returns once it listens no more.
func (l *Listener) Serve(ctx context.Context, handle func(context.Context, []byte) ([]byte, error)) error {
	b, verb := l.bus, l.verb
	defer func() { _ = l.sub.Unsubscribe() }()
	for {
		m, err := l.sub.NextMsgWithContext(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listen for %s: %w", verb, err)
		}
		// a reply subject is not authorised for who asks: anything but an inbox
		// would be published with the hub's own rights
		if !strings.HasPrefix(m.Reply, inboxes) {
			b.log.Warn("a request without an inbox to answer to", zap.String("verb", verb))
			continue
		}
		b.answer(ctx, verb, m, handle)
	}
}

func (b *Bus) answer(ctx context.Context, verb string, m *nats.Msg, handle func(context.Context, []byte) ([]byte, error)) {
	reply := nats.NewMsg(m.Reply)
	data, err := handle(ctx, m.Data)
	reply.Data = data
	if err != nil {
		reply.Data = []byte(err.Error())
		reply.Header.Set(controlError, "1")
	}
	if err := b.nc.PublishMsg(reply); err != nil {
		b.log.Warn("answer not sent", zap.String("verb", verb), zap.Error(err))
	}
}

// Call asks the running hub and waits for its answer. ErrNoHub means that
// nobody listens, an ActError that the hub refused; after any other error the
// act may have been done or not.
func (b *Bus) Call(ctx context.Context, verb string, req []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, controlWait)
	defer cancel()
	m, err := b.nc.RequestWithContext(ctx, controlRoot+verb, req)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, ErrNoHub
	}
	if err != nil {
		return nil, fmt.Errorf("ask the hub for %s: %w", verb, err)
	}
	if m.Header.Get(controlError) != "" {
		return nil, ActError(m.Data)
	}
	return m.Data, nil
}
