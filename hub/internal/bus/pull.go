package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// puller takes messages from a pull consumer with a priority group. It is what a lane needs of the
// Messages of nats.go's jetstream, which make a timer for each message; here one that is there
// already costs hardly more than the channel that it comes by. It is for one goroutine.
type puller struct {
	nc        *nats.Conn
	subject   string // of the API, $JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>
	inbox     string // what the server says of request n comes to inbox.n
	request   pullRequest
	msgs      chan *nats.Msg
	sub       *nats.Subscription
	connected chan nats.Status // anew
	late      *time.Timer      // no sign of the server for too long
	asked     int              // how many messages may still come, those in msgs included
	n         uint64           // requests that were made
	forgotten uint64           // those up to here count no more
}

// pullRequest asks for messages (NATS ADR-13, pinned ones ADR-42).
type pullRequest struct {
	Batch     int           `json:"batch"`
	MaxBytes  int           `json:"max_bytes"`
	Expires   time.Duration `json:"expires"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
	Group     string        `json:"group"`
	Pin       string        `json:"id,omitempty"` // says that it is the one that the group is pinned to
}

// notes is how much room there is for what the server says beside messages: what finds none is
// dropped.
const notes = 64

// errPull: the consumer answers so that there is no use in asking on.
var errPull = errors.New("the consumer refuses")

func (b *Bus) puller(stream, consumer string, request pullRequest) (*puller, error) {
	p := &puller{
		nc: b.nc, subject: "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer, inbox: b.nc.NewInbox(), request: request,
		msgs: make(chan *nats.Msg, request.Batch+notes), late: time.NewTimer(time.Hour),
	}
	var err error
	if p.sub, err = b.nc.ChanSubscribe(p.inbox+".*", p.msgs); err != nil {
		return nil, fmt.Errorf("listen for messages of %s: %w", stream, err)
	}
	p.connected = b.nc.StatusChanged(nats.CONNECTED)
	return p, nil
}

func (p *puller) stop() {
	p.late.Stop()
	p.nc.RemoveStatusListener(p.connected)
	_ = p.sub.Unsubscribe() // which fails with the connection alone
}

// next gives the next message, and waits for it.
func (p *puller) next(ctx context.Context) (*nats.Msg, error) {
	for {
		if err := p.ask(); err != nil {
			return nil, err
		}
		var m *nats.Msg
		select {
		case m = <-p.msgs:
		default:
			var err error
			if m, err = p.wait(ctx); err != nil {
				return nil, err
			}
		}
		if m == nil {
			continue
		}
		if m.Reply != "" { // its place; what the server says itself has none, whatever a sender's headers say
			p.asked = max(p.asked-1, 0) // it may be of a request that was forgotten
			if pin := m.Header["Nats-Pin-Id"]; len(pin) > 0 {
				p.request.Pin = pin[len(pin)-1] // those before it are the sender's
				delete(m.Header, "Nats-Pin-Id")
			}
			return m, nil
		}
		if err := p.told(m); err != nil {
			return nil, err
		}
	}
}

// ask asks for more when half of what was asked for last has come, and there is a server: what
// is asked while there is none, nats.go keeps, and all of it would be open at the same time.
func (p *puller) ask() error {
	most := p.request.Batch
	if p.asked >= most/2 || !p.nc.IsConnected() {
		return nil
	}
	more := p.request
	more.Batch = most - p.asked
	raw, err := json.Marshal(more)
	if err != nil {
		return err
	}
	p.n++
	if err := p.nc.PublishRequest(p.subject, p.inbox+"."+strconv.FormatUint(p.n, 10), raw); err != nil {
		return fmt.Errorf("ask for messages: %w", err)
	}
	p.asked = most
	return nil
}

// wait waits for a message; none when it is time to ask anew.
func (p *puller) wait(ctx context.Context) (*nats.Msg, error) {
	p.late.Reset(2 * p.request.Heartbeat)
	select {
	case m := <-p.msgs:
		return m, nil
	case <-p.connected:
	case <-p.late.C:
		if p.nc.IsClosed() {
			return nil, nats.ErrConnectionClosed
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.forget()
	return nil, nil
}

// forget gives up what was asked for. A request may live on, and bring messages; when it ends
// it is not made anew, so there are never more of them for long.
func (p *puller) forget() { p.asked, p.forgotten = len(p.msgs), p.n }

// told takes in what the server says of a request.
func (p *puller) told(m *nats.Msg) error {
	number, _ := strings.CutPrefix(m.Subject, p.inbox+".")
	if n, err := strconv.ParseUint(number, 10, 64); err == nil && n <= p.forgotten {
		return nil
	}
	status, about := m.Header.Get("Status"), strings.ToLower(m.Header.Get("Description"))
	left, _ := strconv.Atoi(m.Header.Get("Nats-Pending-Messages"))
	switch {
	case status == "400" || strings.Contains(about, "consumer deleted"):
		return fmt.Errorf("%w: %s %s", errPull, status, about)
	case status == "423": // the group is pinned to another, or to none
		p.request.Pin = ""
		p.forget()
	case strings.Contains(about, "leadership change"):
		p.forget()
	default: // it is over; a heartbeat says nothing, nor does what ends no request: then late comes
		p.asked = max(p.asked-max(left, 0), 0)
	}
	return nil
}
