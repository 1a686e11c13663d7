package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// receiver answers in the place of the network, so that a test has the clock in
// its hand; real connections are tried in package app.
type receiver struct {
	mu      sync.Mutex
	options func(*http.Request) (*http.Response, error) // nil: consents
	post    func(n int, r *http.Request) (*http.Response, error)
	asked   []time.Time
	posts   []posted
}

type posted struct {
	at   time.Time
	id   string
	body []byte
}

// RoundTrip implements http.RoundTripper.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method == http.MethodOptions {
		r.asked = append(r.asked, time.Now())
		if r.options != nil {
			return r.options(req)
		}
		return reply(204, headerAllowedOrigin, "*", headerAllowedRate, "*"), nil
	}
	body, _ := io.ReadAll(req.Body)
	r.posts = append(r.posts, posted{time.Now(), req.Header.Get("Amtsbote-Delivery"), body})
	if r.post == nil {
		return reply(204), nil
	}
	return r.post(len(r.posts), req)
}

func (r *receiver) sent() []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

func reply(status int, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: http.NoBody}
}

// memory is a Store.
type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *memory) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[key], nil
}

func (s *memory) Put(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string][]byte{}
	}
	s.m[key] = value
	return nil
}

// running is a hook at work.
type running struct {
	*Hook
	mu    sync.Mutex
	told  []string
	acts  []string
	close func()
}

func (r *running) heard() (told, acts string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.told, " "), strings.Join(r.acts, " ")
}

func run(t *testing.T, to *receiver, store Store, change func(*Hook)) *running {
	t.Helper()
	r := &running{}
	r.Hook = &Hook{
		Application: "beta.one", Keys: &Keys{}, Store: store, Turns: &mailbox.Turnstile{}, Log: zap.NewNop(), Transport: to,
		Webhook: &federation.Webhook{
			URL: "https://hook.example.org/", Format: federation.FormatStructured, Rate: 600, Timeout: 10 * time.Second,
			Contact: "Fachbetreuung", Origin: "hub.example",
		},
		Tell: func(a Alarm) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told = append(r.told, a.What)
		},
		Record: func(_ context.Context, act, _, _ string) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.acts = append(r.acts, act)
			return nil
		},
	}
	if change != nil {
		change(r.Hook)
	}
	r.Open()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Run(ctx) })
	r.close = func() { cancel(); wg.Wait() }
	synctest.Wait()
	return r
}

func delivery(n int) hub.Delivery {
	e := cloudevents.New()
	e.SetID(fmt.Sprint("e", n))
	e.SetSource("urn:test")
	e.SetType("de.test.ding.v1")
	e.SetSubject("fall 1 ä")
	_ = e.SetData("application/json", map[string]int{"n": n})
	return hub.Delivery{ID: fmt.Sprint("d", n), Attempt: 1, Agreement: "a", Event: e}
}

// fault gives the Fault of a delivery; the zero Fault when it got through.
func fault(err error) hub.Fault {
	if f := hub.FaultOf(err); f != nil {
		return *f
	}
	return hub.Fault{}
}

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
		if n := len(to.asked); n < 48 || n > 60 {
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
		if f := fault(h.Deliver(t.Context(), delivery(2))); !f.Later && time.Since(began) < wait {
			t.Errorf("delivered while put off: %+v", f)
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
	away := true
	to.post = func(int, *http.Request) (*http.Response, error) {
		if away {
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
	sent, asked := len(to.sent()), len(to.asked)
	if f := fault(h.Deliver(t.Context(), delivery(3))); !f.Later || sent > 2 || asked != 1 || h.Turns.Free() != 0 {
		t.Errorf("%+v, %d requests, asked %d times", f, sent, asked)
	}
	away = false
	if err := h.Resume(t.Context(), "mustermann", ""); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if err := h.Deliver(t.Context(), delivery(3)); err != nil || len(to.asked) != 2 {
		t.Errorf("after resume: asked %d times, %v", len(to.asked), err)
	}
	if _, acts := h.heard(); acts != "webhook-resume" {
		t.Errorf("recorded %q", acts)
	}
}

// TestPause: what fails for long is probed only, each time later, and goes on by
// itself when a probe gets through.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		to := &receiver{post: func(int, *http.Request) (*http.Response, error) {
			if down {
				return reply(500), nil
			}
			return reply(204), nil
		}}
		h := run(t, to, &memory{}, nil)
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
		down = false
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
		if err := h.Deliver(t.Context(), delivery(1)); err != nil || h.Turns.Free() != mailbox.Unlimited || len(to.asked) != 1 {
			t.Errorf("after resume: %v, %d turns, asked %d times", err, h.Turns.Free(), len(to.asked))
		}
	})
}

// TestConsentIsRenewed: weekly; while the answer is yes nothing is held up, and
// with a no it ends when the week is over.
func TestConsentIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yes := true
		to := &receiver{options: func(*http.Request) (*http.Response, error) {
			if yes {
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
		if n := len(to.asked); n != 5 {
			t.Errorf("asked %d times in 30 days", n)
		}
		yes = false
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
