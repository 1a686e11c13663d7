package desk

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// followed runs a stream over c; the body is known when stop returns.
func followed(t *testing.T, d *Desk, c *Client, allowed func() bool) (ended chan struct{}, stop func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		d.follow(w, r, c, allowed)
	}()
	return ended, func() string { cancel(); <-ended; return w.Body.String() }
}

func always() bool { return true }

// TestSlowStream: a client that does not read loses its leases and gets no more; it
// holds up nobody, and reads only what is its own when it goes on.
func TestSlowStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		c := d.Ask(2, time.Second, true)
		first, second := hand(t.Context(), d, 1), hand(t.Context(), d, 2)
		d.Turns.Set(0) // as the mailbox takes them
		time.Sleep(2 * time.Second)
		for _, end := range []chan error{first, second} {
			if f := hub.FaultOf(<-end); f == nil || f.Code != "lease-lost" {
				t.Errorf("%+v", f)
			}
		}
		if err := d.Deliver(t.Context(), delivery(3)); !errors.Is(err, errNobody) || d.Turns.Free() != 0 {
			t.Errorf("given to a client that does not read: %v, %d turns", err, d.Turns.Free())
		}
		other := d.Ask(1, time.Minute, false)
		hand(t.Context(), d, 4)
		if d.Leased() != 1 || len(other.C) != 1 {
			t.Error("the next client waits for the slow one")
		}
		d.Turns.Set(0)
		_, stop := followed(t, d, c, always)
		synctest.Wait()
		if d.Turns.Free() != 2 {
			t.Errorf("%d turns when it reads again", d.Turns.Free())
		}
		hand(t.Context(), d, 5)
		if body := stop(); strings.Count(body, "event: delivery") != 1 || !strings.Contains(body, `"delivery":"d5"`) {
			t.Errorf("it reads %s", body)
		}
		other.Close(true)
		c.Close(true)
	})
}

// TestStreamEndsWithItsCredential: at the next heartbeat, and before anything more is
// handed out.
func TestStreamEndsWithItsCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, revoked := New("beta.one"), atomic.Bool{}
		allowed := func() bool { return !revoked.Load() }
		c := d.Ask(2, time.Hour, true)
		ended, _ := followed(t, d, c, allowed)
		time.Sleep(2 * heartbeat)
		revoked.Store(true)
		time.Sleep(heartbeat + time.Millisecond)
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Fatal("it goes on without a credential")
		}
		c.Close(true)

		revoked.Store(false)
		c = d.Ask(2, time.Hour, true)
		ended, stop := followed(t, d, c, allowed)
		time.Sleep(2 * time.Second)
		revoked.Store(true)
		end := hand(t.Context(), d, 1)
		<-ended
		c.Close(true)
		if f := hub.FaultOf(<-end); f == nil || f.Code != "not-settled" || strings.Contains(stop(), "delivery") {
			t.Errorf("%+v, wrote %q", f, stop())
		}
	})
}

// TestSettledAreForgotten: the event at once, the token after a minute, or when more
// are settled than are kept.
func TestSettledAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		done := func(n int) *Lease {
			c := d.Ask(1, time.Hour, false)
			l := d.give(delivery(n))
			c.Close(false)
			if r, _ := d.settle(&Item{Token: l.Token, Outcome: Done}); r.Result != ResultDone {
				t.Fatalf("%d: %s", n, r.Result)
			}
			d.Confirmed(l.Delivery.ID)
			return l
		}
		held := func() (leases, kept int) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return len(d.leases), len(d.kept)
		}
		l := done(0)
		if l.Delivery.ID != "d0" || l.Delivery.Event.ID() != "" || l.of != nil {
			t.Errorf("kept %+v", l.Delivery)
		}
		time.Sleep(keepTime - time.Second)
		if r, _ := d.settle(&Item{Token: l.Token, Outcome: Done}); r.Result != ResultDone {
			t.Errorf("settled again: %s", r.Result)
		}
		time.Sleep(2 * time.Second)
		r, _ := d.settle(&Item{Token: l.Token, Outcome: Done})
		if n, _ := held(); r.Result != ResultGone || n != 0 {
			t.Errorf("a minute later: %s, %d kept", r.Result, n)
		}
		l = done(1)
		for n := range keepMost {
			done(2 + n)
		}
		r, _ = d.settle(&Item{Token: l.Token, Outcome: Done})
		if n, kept := held(); r.Result != ResultGone || n != keepMost || kept != keepMost {
			t.Errorf("the oldest: %s, %d and %d kept", r.Result, n, kept)
		}
		time.Sleep(keepTime)
	})
}

// deadlines knows the deadline for writing.
type deadlines struct {
	*httptest.ResponseRecorder
	write time.Time
}

// SetWriteDeadline is for http.ResponseController.
func (w *deadlines) SetWriteDeadline(at time.Time) error {
	w.write = at
	return nil
}

// TestRequestsAreBounded: so many wait at the same time, and nobody for ever.
func TestRequestsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		door := &Door{Desk: func(string) *Desk { return d }}
		who := &httpapi.Principal{Application: &federation.Application{ID: "beta.one"}}
		ask := func(do httpapi.Handler, body string) (*deadlines, error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(body))
			r.SetPathValue("app", "beta.one")
			w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
			return w, do(w, r, who)
		}
		for range Requests {
			if !d.enter() {
				t.Fatal("refused too early")
			}
		}
		for name, do := range map[string]httpapi.Handler{"lease": door.lease, "stream": door.stream} {
			_, err := ask(do, "")
			if p, ok := errors.AsType[*httpapi.Problem](err); !ok || p.Status != http.StatusTooManyRequests || p.Code != refusal.RateLimit || p.RetryAfter == 0 {
				t.Errorf("%s beyond the limit: %v", name, err)
			}
		}
		d.leave()
		for name, do := range map[string]httpapi.Handler{"lease": door.lease, "stream": door.stream} { // one after the other
			if w, err := ask(do, ""); err != nil || w.Code != http.StatusOK || time.Until(w.write) > writeTime || w.write.IsZero() {
				t.Errorf("%s: %v, %d, written until %s", name, err, w.Code, w.write)
			}
		}
		w, err := ask(door.settle, `[{"token":"a","outcome":"done"}]`)
		if err != nil || w.Code != http.StatusOK || w.write != time.Now().Add(writeTime) {
			t.Errorf("settle: %v, %d, written until %s", err, w.Code, w.write)
		}
	})
}
