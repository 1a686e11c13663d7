// Package webhook sends what lies in a mailbox to the application's own HTTP
// endpoint: CloudEvents over the webhook specification 1.0 ("HTTP 1.1 Web Hooks
// for Event Delivery"), signed as Standard Webhooks say. It is a hub.Sink; order
// per key, retries, parking and the record of outcomes are the mailbox's.
//
// What concerns the receiver as a whole is decided here, in one goroutine (Run):
// without consent, after 410, until Retry-After has passed, while everything
// fails, the turnstile is closed and copies wait in the mailbox without an attempt.
package webhook

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

const userAgent = "Amtsbote"

// Budget is how long a copy may fail before its key is parked: a day at least.
var Budget = settle.Budget{Attempts: settle.DefaultBudget.Attempts, Time: 24 * time.Hour, Crowded: settle.DefaultBudget.Crowded}

// After so many failures in a row, over so long a time, only probes go out.
const (
	pauseAfter = 10
	pauseTime  = 5 * time.Minute
)

// Alarm is what a contact has to hear.
type Alarm struct {
	Application, Contact string
	// Mail is the contact's e-mail address; "": none is known.
	Mail string
	// Host of the webhook's URL, and nothing else of it.
	Host string
	// Origin is the name by which the receiver knows the hub.
	Origin string
	// What: gone, no-consent, put-off, failing, parked, recovered.
	What string
	Code string // of the fault or answer
	// Since when it is so (recovered: was so), At when it is told.
	Since, At time.Time
}

// Hook is one application's webhook.
type Hook struct {
	Application string
	Webhook     *federation.Webhook
	Keys        *Keys
	Store       Store
	Turns       *mailbox.Turnstile
	// Callback gives the URL by which a receiver can consent later, with its key;
	// nil when the hub has none.
	Callback func(key string) string
	// Tell passes an alarm on; Record writes what the hub or a person did to the
	// trail.
	Tell   func(Alarm)
	Record func(ctx context.Context, act, who, reason string) error
	Log    *zap.Logger
	// Transport is used in place of a guarded one; tests only.
	Transport http.RoundTripper

	client *http.Client
	tokens *tokens
	pace   pace
	items  chan *item

	changed chan struct{}
	saving  sync.Mutex // one save at a time
	mu      sync.Mutex
	state   *State
	loaded  bool
	ended   bool
	probing bool // one delivery may go out although all else pauses
	dirty   bool // state is to be stored
}

var _ hub.Sink = (*Hook)(nil)

// Open makes the hook ready; Run must run for anything to be sent.
func (h *Hook) Open() {
	transport := h.Transport
	if transport == nil {
		t := h.Webhook.Guard().Transport()
		t.TLSClientConfig = h.Keys.tls
		t.ResponseHeaderTimeout = h.Webhook.Timeout
		transport = t
	}
	h.client = h.Webhook.Guard().Client(transport, h.Webhook.Timeout)
	if h.Webhook.OAuth2 != nil {
		h.tokens = &tokens{of: h.Webhook.OAuth2, secret: h.Keys.client, client: h.client}
	}
	h.state, h.items, h.changed = &State{}, make(chan *item), make(chan struct{}, 1)
}

// retryState is how long to wait when the hub's own store does not answer.
const retryState = 5 * time.Second

// Run opens and closes the turnstile until ctx ends.
func (h *Hook) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer h.client.CloseIdleConnections()
	for err := h.load(ctx); err != nil; err = h.load(ctx) {
		if ctx.Err() != nil {
			return nil
		}
		h.Log.Warn("the state of a webhook cannot be read; trying again", zap.Error(err))
		settle.Wait(ctx, retryState)
	}
	if h.Webhook.Format == federation.FormatBatch {
		wg.Go(func() { h.collect(ctx) })
	}
	for ctx.Err() == nil {
		next := h.step(ctx)
		if err := h.save(ctx); err != nil && ctx.Err() == nil {
			h.Log.Warn("the state of a webhook is not stored; trying again", zap.Error(err))
			next = min(next, retryState)
		}
		t := time.NewTimer(next)
		select {
		case <-ctx.Done():
		case <-h.changed:
		case <-t.C:
		}
		t.Stop()
	}
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
	defer cancel()
	if err := h.save(last); err != nil {
		h.Log.Warn("the last state of a webhook is not stored", zap.Error(err))
	}
	return nil
}

// lastSave is how long the last save may take.
const lastSave = 2 * time.Second

// idle is how long Run rests when nothing is due.
const idle = time.Hour

// step does what is due and tells when to look again.
func (h *Hook) step(ctx context.Context) time.Duration {
	now := time.Now()
	h.mu.Lock()
	asking := h.state.Halt == nil && !now.Before(h.state.Until) && !now.Before(h.state.askAt())
	h.mu.Unlock()
	if asking {
		h.ask(ctx)
		now = time.Now()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	turns, next := h.open(now)
	h.Turns.Set(turns)
	return max(next.Sub(now), 0)
}

// open tells how many copies may go to the receiver now, and when that may
// change. It is called with mu held.
func (h *Hook) open(now time.Time) (turns int, next time.Time) {
	s := h.state
	switch {
	case s.Halt != nil:
		return 0, now.Add(idle)
	case now.Before(s.Until):
		return 0, s.Until
	case !s.Consent.Valid(now):
		return 0, s.askAt()
	case s.Trouble != nil && s.Trouble.Paused && now.Before(s.Trouble.Probe):
		return 0, s.Trouble.Probe
	case s.Trouble != nil && s.Trouble.Paused:
		s.Trouble.Probe = now.Add(probeAfter(s.Trouble.Failures - pauseAfter)) // if nothing comes of this one
		h.probing = true
		return 1, s.Trouble.Probe
	}
	return mailbox.Unlimited, s.askAt()
}

// shut tells whether a delivery that is on its way must not go out any more.
func (h *Hook) shut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, s := time.Now(), h.state
	if s.Halt != nil || now.Before(s.Until) || !s.Consent.Valid(now) {
		return true
	}
	if s.Trouble == nil || !s.Trouble.Paused {
		return false
	}
	probe := h.probing
	h.probing = false
	return !probe
}

// close shuts the turnstile, changes the state, and has Run look.
func (h *Hook) close(change func(*State)) {
	h.mu.Lock()
	h.Turns.Set(0)
	change(h.state)
	h.dirty = true
	h.mu.Unlock()
	h.rouse()
}

func (h *Hook) rouse() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// State gives what the webhook remembers now.
func (h *Hook) State() *State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.clone()
}

// tell passes an alarm on: to the log, always, and to whom it concerns. A zero since
// is now.
func (h *Hook) tell(what, code string, since time.Time) {
	if h.Tell == nil {
		return
	}
	now, host := time.Now().UTC(), ""
	if u, err := url.Parse(h.Webhook.URL); err == nil {
		host = u.Hostname()
	}
	if since.IsZero() {
		since = now
	}
	h.Tell(Alarm{
		Application: h.Application, Contact: h.Webhook.Contact, Mail: h.Webhook.Mail, Host: host, Origin: h.Webhook.Origin,
		What: what, Code: code, Since: since, At: now,
	})
}

// SetAside tells the contact of a key that is parked.
func (h *Hook) SetAside(_, code string, attempts int) {
	h.tell("parked", fmt.Sprintf("%s after %d attempts", code, attempts), time.Time{})
}
