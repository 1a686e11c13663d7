package host

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Mailbox hands over what lies in the application's mailbox.
type Mailbox struct {
	Client      *Client
	Application string
	Sink        hub.Sink     // nil: none
	Listener    hub.Listener // of the source; nil: none
	Receipts    hub.State    // what receipts have said so far; nil: only outcomes are told
	Lease       time.Duration
	AtOnce      int
	Log         *zap.Logger

	receipts sync.Mutex // one change of what receipts have said at a time
}

// leased is an event in this process's hand (operation leaseEvents).
type leased struct {
	Token     string          `json:"token"`
	Delivery  string          `json:"delivery"`
	Attempt   int             `json:"attempt"`
	Agreement string          `json:"agreement"`
	Event     json.RawMessage `json:"event"`
}

// item settles one (operation settleEvents).
type item struct {
	Token   string `json:"token"`
	Outcome string `json:"outcome"`
	After   int    `json:"after,omitempty"`
	Untried bool   `json:"untried,omitempty"`
	Lease   int    `json:"lease,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// How long a request waits for events, and what lies between tries when the hub is away.
const (
	leaseWait = 30 * time.Second
	firstWait = 500 * time.Millisecond
	mostWait  = 30 * time.Second
	settling  = 10 * time.Second // for the last word when the process stops
)

// Run leases and delivers until ctx ends, and gives back what is underway then.
func (m *Mailbox) Run(ctx context.Context) error {
	if m.Sink == nil && m.Listener == nil {
		return nil
	}
	free := make(chan struct{}, m.AtOnce)
	var wg sync.WaitGroup
	defer wg.Wait()
	for wait := firstWait; ctx.Err() == nil; {
		n := m.room(ctx, free)
		got, err := m.lease(ctx, n)
		for range n - len(got) {
			<-free
		}
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			m.Log.Warn("the mailbox was not asked; trying again", zap.Duration("after", wait), zap.Error(err))
			pause(ctx, max(wait, hub.FaultOf(err).After))
			wait = min(2*wait, mostWait)
			continue
		}
		wait = firstWait
		for _, one := range got {
			wg.Go(func() {
				defer func() { <-free }()
				m.handle(ctx, one)
			})
		}
	}
	return nil
}

// room waits for a free place, and takes all that are free.
func (m *Mailbox) room(ctx context.Context, free chan<- struct{}) (n int) {
	select {
	case free <- struct{}{}:
		n++
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case free <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (m *Mailbox) lease(ctx context.Context, n int) ([]leased, error) {
	if n == 0 {
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, leaseWait+answerTime)
	defer cancel()
	var out struct {
		Events []leased `json:"events"`
	}
	err := m.Client.ask(ctx, m.path("lease"), map[string]int{"max": n, "wait": int(leaseWait.Seconds()), "lease": int(m.Lease.Seconds())}, &out)
	if err == nil && len(out.Events) > n {
		err = hub.Retryable("hub-answer", "the hub handed out %d events, %d were asked for", len(out.Events), n)
	}
	if err != nil {
		return nil, err
	}
	return out.Events, nil
}

func (m *Mailbox) path(what string) string {
	return "/mailboxes/" + url.PathEscape(m.Application) + "/" + what
}

// handle brings one event to its end, and says so to the hub. What that does not hear in
// time it hands out again.
func (m *Mailbox) handle(ctx context.Context, one leased) {
	handling, cancel := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		m.keep(handling, one.Token)
	}()
	err := m.deliver(ctx, one)
	cancel()
	<-kept
	last, done := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer done()
	if err := m.settle(last, settled(ctx, one.Token, err)); err != nil {
		m.Log.Warn("the hub did not hear what became of a delivery: it will come again", zap.String("delivery", one.Delivery), zap.Error(err))
	}
}

// keep extends a lease until ctx ends.
func (m *Mailbox) keep(ctx context.Context, token string) {
	again := time.NewTicker(m.Lease / 2)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			if err := m.settle(ctx, item{Token: token, Outcome: "extend", Lease: int(m.Lease.Seconds())}); err != nil && ctx.Err() == nil {
				m.Log.Warn("a lease was not extended", zap.Error(err))
			}
		case <-ctx.Done():
			return
		}
	}
}

func (m *Mailbox) settle(ctx context.Context, one item) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var out []struct {
		Result string `json:"result"`
	}
	if err := m.Client.ask(ctx, m.path("settle"), []item{one}, &out); err != nil {
		return err
	}
	if len(out) != 1 {
		return errors.New("the hub answered with another number of results")
	}
	if r := out[0].Result; r == "gone" || r == "unconfirmed" {
		return errors.New("the lease is " + r)
	}
	return nil
}

// settled is what the hub is told of a delivery that ended so. A stop of the process is
// no fault of the receiver's.
func settled(ctx context.Context, token string, err error) item {
	if err == nil {
		return item{Token: token, Outcome: "done"}
	}
	f := hub.FaultOf(err)
	if ctx.Err() != nil && !f.Permanent {
		return item{Token: token, Outcome: "later", Reason: "stopping"}
	}
	if f.Permanent {
		return item{Token: token, Outcome: "refuse", Reason: reason(f.Code)}
	}
	return item{Token: token, Outcome: "later", Untried: f.Later, Reason: reason(f.Code), After: int(min(f.After, 24*time.Hour).Round(time.Second).Seconds())}
}

func reason(code string) string { return token(code, "fault") }

// deliver hands an event over, or tells the source of a receipt.
func (m *Mailbox) deliver(ctx context.Context, one leased) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.Log.Error("the adapter failed in a way it did not foresee", zap.String("delivery", one.Delivery))
			err = hub.Retryable("fault", "the adapter failed in a way it did not foresee (%T)", p)
		}
	}()
	var e hub.Event
	if err := json.Unmarshal(one.Event, &e); err != nil {
		return hub.Permanent("no-event", "read the event: it is no CloudEvent in JSON")
	}
	if one.Agreement == "" { // what an application sent goes under one; only the hub's own does not
		if err := m.hear(ctx, &e); err != nil {
			return err
		}
	}
	if m.Sink == nil {
		if e.Source() == hub.ReceiptSource {
			return nil // told, or of no use here
		}
		return hub.Permanent("no-sink", "this adapter only brings events in")
	}
	err = m.Sink.Deliver(ctx, hub.Delivery{
		ID: one.Delivery, Attempt: one.Attempt, Agreement: one.Agreement, Event: e,
		Blobs: downloads{m.Client, m.path("blobs/")},
	})
	if err != nil && ctx.Err() == nil {
		m.Log.Warn("a delivery failed", zap.String("delivery", one.Delivery), zap.Int("attempt", one.Attempt), zap.Error(err))
	}
	return err
}

// downloads are the blobs of a delivery.
type downloads struct {
	c    *Client
	path string
}

// Open implements hub.Delivery.Blobs.
func (d downloads) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	req, err := d.c.request(ctx, http.MethodGet, d.path+url.PathEscape(ref), nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.c.do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	f := fault(resp)
	if resp.StatusCode == http.StatusNotFound && hub.FaultOf(f).Code == "not-found" {
		return nil, hub.Permanent("blob-missing", "the event names no such blob, or it is not there")
	}
	return nil, f
}
