package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// What an organisation says of a copy it took comes to the hub, at
// mack.<account>.<mailbox>.<deliveries>.<sequence>.<number>.<time>.<pending>
// (accounts.exports): JetStream hears it from the hub alone, after it is recorded.

// Verb is what a receiver says of a copy.
type Verb string

// The verbs, as JetStream's clients send them.
const (
	VerbDone   Verb = "+ACK"
	VerbRefuse Verb = "+TERM"
	verbLater  Verb = "-NAK"
	verbHold   Verb = "+WPI"
)

// Ack is what a receiver says of one copy.
type Ack struct {
	Verb       Verb
	Out        uint64 // sequence of the copy in OUT
	Deliveries int    // how often JetStream had handed it out, as the receiver says
	Reason     string // for VerbRefuse: the receiver's words
}

// ErrNotYours means that an acknowledgement is of nothing that the receiver holds:
// nobody answers it.
var ErrNotYours = errors.New("the acknowledgement is of no copy in the receiver's hands")

// acksAtOnce is how many acknowledgements of a mailbox are worked on at a time; what
// comes beyond that waits, up to acksWaiting, and is then not answered.
const (
	acksAtOnce  = 64
	acksWaiting = 4096
)

// Acks hears what the application with an account says of its copies until ctx ends.
// heard is called when the server knows that it listens; what comes meanwhile waits.
// Ends are given to record; once that returns nil they are passed on to JetStream and
// answered. What is not recorded is neither.
func (b *Bus) Acks(ctx context.Context, account, application string, heard func(), record func(context.Context, Ack) error) error {
	mailbox := decision.MailboxName(application)
	root := "mack." + account + "." + mailbox + "."
	msgs := make(chan *nats.Msg, acksWaiting)
	sub, err := b.nc.ChanSubscribe(root+">", msgs)
	if err != nil {
		return fmt.Errorf("listen for acknowledgements of %s: %w", application, err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := b.flush(ctx); err != nil {
		return fmt.Errorf("listen for acknowledgements of %s: %w", application, err)
	}
	heard()
	var underway sync.WaitGroup
	defer underway.Wait()
	places := make(chan struct{}, acksAtOnce)
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-msgs:
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			underway.Go(func() {
				defer func() { <-places }()
				if err := b.ack(ctx, m, strings.TrimPrefix(m.Subject, root), mailbox, record); err != nil && ctx.Err() == nil {
					b.log.Debug("an acknowledgement is not answered", zap.String("application", application), zap.Error(err))
				}
			})
		}
	}
}

// ack handles one acknowledgement.
func (b *Bus) ack(ctx context.Context, m *nats.Msg, place, mailbox string, record func(context.Context, Ack) error) error {
	a, err := readAck(place, m.Data)
	if err != nil {
		return err
	}
	if a.Verb == VerbDone || a.Verb == VerbRefuse {
		if err := record(ctx, a); err != nil {
			return err
		}
	}
	to := "$JS.ACK." + Out + "." + mailbox + "." + place
	if m.Reply == "" {
		return b.nc.Publish(to, m.Data)
	}
	wait, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if _, err := b.nc.RequestWithContext(wait, to, m.Data); err != nil && (a.Verb == verbLater || a.Verb == verbHold) {
		return err // the receiver asks again, or gets the copy again
	}
	return m.Respond(nil) // what is recorded is so, whether JetStream has taken it or not
}

// readAck reads where an acknowledgement came and what it says. JetStream's "next"
// (+NXT) is refused: its answer would be a message, and that must not go by the hub.
func readAck(place string, data []byte) (Ack, error) {
	var a Ack
	tokens := strings.Split(place, ".")
	if len(tokens) != 5 {
		return a, errors.New("the subject of an acknowledgement has another form")
	}
	var numbers [5]uint64
	for i, t := range tokens {
		n, err := strconv.ParseUint(t, 10, 63)
		if err != nil {
			return a, errors.New("the subject of an acknowledgement has another form")
		}
		numbers[i] = n
	}
	a.Deliveries, a.Out = int(min(numbers[0], 1<<30)), numbers[1]
	verb, rest, _ := strings.Cut(string(data), " ")
	switch a.Verb = Verb(verb); a.Verb {
	case "":
		a.Verb = VerbDone // JetStream takes an empty one for that
	case VerbRefuse:
		a.Reason = rest
	case "+OK": // an older word
		a.Verb = VerbDone
	case VerbDone, verbHold, verbLater:
	default:
		return a, errors.New("an acknowledgement that says something else")
	}
	return a, nil
}

// PassOn tells JetStream that copies of a mailbox are done which it may still hold to
// be in a receiver's hands: what was recorded, and not passed on, when a hub ended.
func (b *Bus) PassOn(ctx context.Context, application string, done func(out uint64) bool) (int, error) {
	at, err := b.Mailbox(ctx, application)
	if err != nil {
		return 0, err
	}
	n := 0
	for out := at.Floor + 1; out <= at.Delivered; out++ {
		if !done(out) {
			continue
		}
		if err := b.LetGo(application, out); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// LetGo tells JetStream not to hand out a copy of a mailbox again. It does not wait
// until JetStream has taken that in.
func (b *Bus) LetGo(application string, out uint64) error {
	// JetStream looks at the sequence alone when the policy is explicit
	return b.nc.Publish(fmt.Sprintf("$JS.ACK.%s.%s.1.%d.1.0.0", Out, decision.MailboxName(application), out), []byte(VerbDone))
}
