package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// TestPause: what fails for long is probed only, each time later, and goes on by
// itself when a probe gets through.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		to := &receiver{post: func(int, *http.Request) (*http.Response, error) {
			if !up.Load() {
				return reply(500), nil
			}
			return reply(204), nil
		}}
		h, began := run(t, to, &memory{}, nil), time.Now().UTC()
		defer h.close()
		for h.Turns.Free() == mailbox.Unlimited {
			if f := fault(h.Deliver(t.Context(), delivery(1))); f.Code != "http-500" || f.Permanent || f.Later {
				t.Fatalf("500 is %+v", f)
			}
			time.Sleep(20 * time.Second)
		}
		if n := len(to.sent()); n < pauseAfter {
			t.Errorf("paused after %d failures", n)
		}
		probes := 0
		for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(30 * time.Second) {
			if h.Turns.Free() == 1 {
				h.Turns.Add(-1) // as the mailbox takes it
				probes++
				_ = h.Deliver(t.Context(), delivery(1))
			}
		}
		if probes < 20 || probes > 60 {
			t.Errorf("%d probes in a day", probes)
		}
		up.Store(true)
		for h.Turns.Free() != 1 {
			time.Sleep(time.Minute)
		}
		if err := h.Deliver(t.Context(), delivery(1)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if told, _ := h.heard(); told != "failing recovered" || h.Turns.Free() != mailbox.Unlimited {
			t.Errorf("told %q, %d turns", told, h.Turns.Free())
		}
		want := Alarm{
			Application: "beta.one", Contact: "Fachbetreuung <fach@example.org>", Mail: "fach@example.org", Host: "hook.example.org",
			Origin: "hub.example", What: "recovered", Code: "http-500", Since: began, At: time.Now().UTC(),
		}
		if h.last != want {
			t.Errorf("told %+v, want %+v", h.last, want)
		}
	})
}

// TestPersonPauses: nothing goes out until the same or another person resumes.
func TestPersonPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, store := &receiver{}, &memory{}
		h := run(t, to, store, nil)
		if err := h.Pause(t.Context(), "mustermann", "Wartung"); err != nil {
			t.Fatal(err)
		}
		h.close()
		h = run(t, to, store, nil)
		defer h.close()
		if f := fault(h.Deliver(t.Context(), delivery(1))); !f.Later || h.Turns.Free() != 0 {
			t.Errorf("%+v while paused", f)
		}
		if s := h.State(); s.Halt == nil || s.Halt.Who != "mustermann" || s.Halt.Reason != "Wartung" {
			t.Errorf("halt %+v", s.Halt)
		}
		if err := h.Resume(t.Context(), "musterfrau", ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := h.Deliver(t.Context(), delivery(1)); err != nil || h.Turns.Free() != mailbox.Unlimited || to.times() != 1 {
			t.Errorf("after resume: %v, %d turns, asked %d times", err, h.Turns.Free(), to.times())
		}
	})
}

// TestConsentIsRenewed: weekly; while the answer is yes nothing is held up, and
// with a no it ends when the week is over.
func TestConsentIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var no atomic.Bool
		to := &receiver{options: func(*http.Request) (*http.Response, error) {
			if !no.Load() {
				return reply(200, headerAllowedOrigin, "hub.example", headerAllowedRate, "120"), nil
			}
			return reply(200), nil
		}}
		h := run(t, to, &memory{}, nil)
		defer h.close()
		for range 30 * 24 {
			time.Sleep(time.Hour)
			if h.Turns.Free() != mailbox.Unlimited {
				t.Fatal("closed although the receiver consents")
			}
		}
		if n := to.times(); n != 5 {
			t.Errorf("asked %d times in 30 days", n)
		}
		no.Store(true)
		time.Sleep(7 * 24 * time.Hour)
		if h.Turns.Free() != 0 {
			t.Error("open a week after the last consent")
		}
	})
}

// TestCallback: a receiver that stays silent can consent later, with the key that
// it was given and at the rate that it says, once.
func TestCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var key string
		to := &receiver{options: func(r *http.Request) (*http.Response, error) {
			key = strings.TrimPrefix(r.Header.Get(headerCallback), "https://hub.example/consent?key=")
			return reply(200), nil
		}}
		h := run(t, to, &memory{}, func(h *Hook) {
			h.Callback = func(key string) string { return "https://hub.example/consent?key=" + key }
		})
		defer h.close()
		for _, bad := range []string{"", "x", key + "x"} {
			if ok, err := h.Consent(t.Context(), bad, nil); ok || err != nil {
				t.Errorf("consent with the key %q: %v, %v", bad, ok, err)
			}
		}
		if ok, _ := h.Consent(t.Context(), key, []string{"never"}); ok || h.Turns.Free() != 0 {
			t.Error("consent at a rate that is none")
		}
		if ok, err := h.Consent(t.Context(), key, []string{"60"}); !ok || err != nil {
			t.Errorf("no consent: %v", err)
		}
		synctest.Wait()
		if s := h.State(); s.Consent == nil || s.Consent.Rate != 60 || h.Turns.Free() != mailbox.Unlimited {
			t.Errorf("%+v", s.Consent)
		}
		if ok, _ := h.Consent(t.Context(), key, nil); ok {
			t.Error("the key is good twice")
		}
	})
}

// TestBatch: events that come together go in one request; when the receiver
// refuses it, each goes alone, and only the bad one is refused.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &receiver{}
		to.post = func(_ int, r *http.Request) (*http.Response, error) {
			if ct := r.Header.Get("Content-Type"); ct != typeBatch {
				t.Errorf("content type %s", ct)
			}
			if bytes.Contains(to.posts[len(to.posts)-1].body, []byte(`"e3"`)) {
				return reply(422), nil
			}
			return reply(204), nil
		}
		h := run(t, to, &memory{}, func(h *Hook) { h.Webhook.Format = federation.FormatBatch })
		defer h.close()
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				if f := fault(h.Deliver(t.Context(), delivery(n))); f.Permanent != (n == 3) || n != 3 && f.Code != "" {
					t.Errorf("e%d: %+v", n, f)
				}
			})
		}
		all.Wait()
		posts := to.sent()
		var events []json.RawMessage
		if err := json.Unmarshal(posts[0].body, &events); err != nil || len(events) != 10 || len(posts) != 11 {
			t.Errorf("%d requests, the first with %d events, %v", len(posts), len(events), err)
		}
	})
}

// TestToken: a token is kept, had anew once when it is not taken, and never shown
// in the handshake.
func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := 0
		to := &receiver{options: func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Authorization") != "" {
				t.Error("the handshake shows a token")
			}
			return reply(200, headerAllowedOrigin, "*"), nil
		}}
		to.post = func(_ int, r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/token" {
				id, secret, _ := r.BasicAuth()
				if given++; id != "hub%3A1" || secret != "geheim" || !strings.Contains(string(to.posts[len(to.posts)-1].body), "scope=a+b") {
					t.Errorf("asked for a token as %q", id)
				}
				resp := reply(200)
				resp.Body = io.NopCloser(strings.NewReader(`{"access_token":"t` + strconv.Itoa(given) + `","token_type":"bearer","expires_in":600}`))
				return resp, nil
			}
			if r.Header.Get("Authorization") != "Bearer t2" {
				return reply(401), nil
			}
			return reply(204), nil
		}
		h := run(t, to, &memory{}, func(h *Hook) {
			h.Keys.client = "geheim"
			h.Webhook.OAuth2 = &federation.OAuth2{TokenURL: "https://hook.example.org/token", ClientID: "hub:1", Scope: "a b"}
		})
		defer h.close()
		for n := range 3 {
			if err := h.Deliver(t.Context(), delivery(n)); err != nil {
				t.Error(err)
			}
		}
		if given != 2 {
			t.Errorf("%d tokens", given)
		}
		time.Sleep(10 * time.Minute) // the token has ended; the next is not taken, nor the one after
		if f := fault(h.Deliver(t.Context(), delivery(4))); f.Code != "http-401" || f.Permanent || given != 4 {
			t.Errorf("%+v with %d tokens", f, given)
		}
	})
}

// TestFormats: what a request looks like in each mode.
func TestFormats(t *testing.T) {
	d := delivery(1)
	d.Attempt = 2
	m, err := single(&d, federation.FormatBinary)
	if err != nil || string(m.body) != `{"n":1}` || m.header.Get("Content-Type") != "application/json" || m.header.Get("ce-subject") != "fall%201%20%C3%A4" || m.header.Get("ce-id") != "e1" || m.header.Get("Amtsbote-Redelivered") != "true" || m.header.Get("Amtsbote-Attempt") != "2" || m.id != "d1" {
		t.Errorf("binary: %v %q %v", m.header, m.body, err)
	}
	m, err = single(&d, federation.FormatStructured)
	var back cloudevents.Event
	if err != nil || m.header.Get("Content-Type") != typeStructured || m.header.Get("ce-id") != "" || json.Unmarshal(m.body, &back) != nil || back.String() != d.Event.String() {
		t.Errorf("structured: %v %q %v", m.header, m.body, err)
	}
	empty := d
	empty.Event = cloudevents.New()
	empty.Event.SetID("e2")
	empty.Event.SetSource("urn:test")
	empty.Event.SetType("de.test.ding.v1")
	if m, err = single(&empty, federation.FormatBinary); err != nil || m.header.Get("Content-Type") != typeStructured {
		t.Errorf("without data: %v %q %v", m.header, m.body, err)
	}
}

// TestErrorsHoldNoURL: the query may hold a secret.
func TestErrorsHoldNoURL(t *testing.T) {
	client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("reset") })}
	_, err := client.Get("https://hook.example.org/?key=geheim")
	if got := bare(err).Error(); got != "reset" {
		t.Errorf("the error is %q", got)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
