package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

type scenario struct {
	Options *scripted `json:"options_answer"`
	Answer  json.RawMessage
}

type scripted struct {
	Status  int
	Headers map[string]string
	Drip    string `json:"body_drip"`
}

func (s *scripted) reply() *http.Response {
	resp := reply(s.Status)
	for name, value := range s.Headers {
		resp.Header.Set(name, value)
	}
	if s.Drip != "" {
		resp.Body = drip{make(chan struct{})}
	}
	return resp
}

// drip gives a byte a second, for ever.
type drip struct{ closed chan struct{} }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.closed:
		return 0, io.ErrClosedPipe
	case <-time.After(time.Second):
		return copy(p[:1], "x"), nil
	}
}

func (d drip) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return nil
}

// scenarios are what is expected of those in the corpus.
var scenarios = map[string]func(*testing.T, *receiver, *scripted){
	"webhook/options-200-without-headers.json": func(t *testing.T, to *receiver, _ *scripted) {
		h := run(t, to, &memory{}, nil)
		defer h.close()
		time.Sleep(48 * time.Hour)
		if f := fault(h.Deliver(t.Context(), delivery(1))); !f.Later || h.Turns.Free() != 0 || len(to.sent()) != 0 {
			t.Errorf("%+v, %d turns, %d requests without consent", f, h.Turns.Free(), len(to.sent()))
		}
		if n := to.times(); n < 48 || n > 60 {
			t.Errorf("asked %d times in two days", n)
		}
		if told, _ := h.heard(); told != "no-consent" {
			t.Errorf("told %s", told)
		}
	},
	"webhook/rate-1.json": func(t *testing.T, to *receiver, _ *scripted) {
		h := run(t, to, &memory{}, func(h *Hook) { h.Webhook.Origin = "hub.example" })
		defer h.close()
		for n := range 4 {
			if err := h.Deliver(t.Context(), delivery(n)); err != nil {
				t.Error(err)
			}
		}
		posts := to.sent()
		for i := 1; i < len(posts); i++ {
			if d := posts[i].at.Sub(posts[i-1].at); d < time.Minute {
				t.Errorf("request %d came %s after the one before", i, d)
			}
		}
	},
	"webhook/429-retry-after.json":      func(t *testing.T, to *receiver, s *scripted) { putOff(t, to, s, 2*time.Minute) },
	"webhook/429-retry-after-huge.json": func(t *testing.T, to *receiver, s *scripted) { putOff(t, to, s, 24*time.Hour) },
	"webhook/410-gone.json":             goneForGood,
	"webhook/slow-body.json": func(t *testing.T, to *receiver, s *scripted) {
		to.post = func(int, *http.Request) (*http.Response, error) { return s.reply(), nil }
		h := run(t, to, &memory{}, nil)
		defer h.close()
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- h.Deliver(t.Context(), delivery(1)) }()
		if err := <-done; err != nil || time.Since(began) > h.Webhook.Timeout {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	},
	"webhook/200-then-lost.json": func(t *testing.T, to *receiver, _ *scripted) {
		to.post = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return nil, io.ErrUnexpectedEOF
			}
			return reply(204), nil
		}
		h := run(t, to, &memory{}, nil)
		defer h.close()
		if f := fault(h.Deliver(t.Context(), delivery(1))); f.Permanent || f.Later || f.Code != "broken-off" {
			t.Errorf("the first attempt ended with %+v", f)
		}
		if err := h.Deliver(t.Context(), delivery(1)); err != nil {
			t.Error(err)
		}
		if posts := to.sent(); len(posts) != 2 || posts[0].id != "d1" || posts[1].id != "d1" || !bytes.Equal(posts[0].body, posts[1].body) {
			t.Errorf("requests %v", posts)
		}
	},
}

// TestCorpus plays the corpus's scenarios, all of them.
func TestCorpus(t *testing.T) {
	played := 0
	for _, in := range corpus.Read(t, "webhook") {
		if in.Expect != "scenario" {
			continue // package egress
		}
		played++
		play := scenarios[in.File]
		if play == nil {
			t.Errorf("%s is not played", in.File)
			continue
		}
		var s scenario
		if err := json.Unmarshal(in.Data, &s); err != nil {
			t.Fatal(err)
		}
		var a scripted
		_ = json.Unmarshal(s.Answer, &a) // may be a sentence
		t.Run(in.File, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &receiver{}
				if s.Options != nil {
					to.options = func(*http.Request) (*http.Response, error) { return s.Options.reply(), nil }
				}
				play(t, to, &a)
			})
		})
	}
	if played != len(scenarios) {
		t.Errorf("%d scenarios in the corpus, %d here", played, len(scenarios))
	}
}

// putOff: nothing before the time, over a restart too, and no attempt is counted.
func putOff(t *testing.T, to *receiver, s *scripted, wait time.Duration) {
	to.post = func(n int, _ *http.Request) (*http.Response, error) {
		if n == 1 {
			return s.reply(), nil
		}
		return reply(204), nil
	}
	store := &memory{}
	h := run(t, to, store, nil)
	began := time.Now()
	if f := fault(h.Deliver(t.Context(), delivery(1))); !f.Later || f.Permanent {
		t.Errorf("429 is %+v", f)
	}
	time.Sleep(wait / 2)
	h.close()
	h = run(t, to, store, nil)
	defer h.close()
	for h.Turns.Free() == 0 {
		if time.Since(began) < wait {
			if f := fault(h.Deliver(t.Context(), delivery(2))); !f.Later {
				t.Errorf("delivered while put off: %+v", f)
			}
		}
		time.Sleep(time.Second)
	}
	if d := time.Since(began); d < wait || d > wait+2*time.Second {
		t.Errorf("open again after %s, want %s", d, wait)
	}
	if n := len(to.sent()); n != 1 {
		t.Errorf("%d requests", n)
	}
	if err := h.Deliver(t.Context(), delivery(1)); err != nil {
		t.Error(err)
	}
}

// goneForGood: nothing more after 410, over a restart too, until a person resumes;
// then the receiver is asked for consent anew.
func goneForGood(t *testing.T, to *receiver, s *scripted) {
	var back atomic.Bool
	to.post = func(int, *http.Request) (*http.Response, error) {
		if !back.Load() {
			return s.reply(), nil
		}
		return reply(204), nil
	}
	store := &memory{}
	h := run(t, to, store, nil)
	var two sync.WaitGroup // on their way when the answer comes
	for n := range 2 {
		two.Go(func() {
			if f := fault(h.Deliver(t.Context(), delivery(n))); !f.Later || f.Permanent {
				t.Errorf("410 is %+v", f)
			}
		})
	}
	two.Wait()
	if told, acts := h.heard(); told != "gone" || acts != "webhook-gone" {
		t.Errorf("told %q, recorded %q", told, acts)
	}
	h.close()
	h = run(t, to, store, nil)
	defer h.close()
	time.Sleep(30 * 24 * time.Hour)
	sent, asked := len(to.sent()), to.times()
	if f := fault(h.Deliver(t.Context(), delivery(3))); !f.Later || sent > 2 || asked != 1 || h.Turns.Free() != 0 {
		t.Errorf("%+v, %d requests, asked %d times", f, sent, asked)
	}
	back.Store(true)
	if err := h.Resume(t.Context(), "mustermann", ""); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if err := h.Deliver(t.Context(), delivery(3)); err != nil || to.times() != 2 {
		t.Errorf("after resume: asked %d times, %v", to.times(), err)
	}
	if _, acts := h.heard(); acts != "webhook-resume" {
		t.Errorf("recorded %q", acts)
	}
}
