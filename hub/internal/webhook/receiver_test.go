package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
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

// times tells how often it was asked for consent.
func (r *receiver) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
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
	last  Alarm
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
			Contact: "Fachbetreuung <fach@example.org>", Mail: "fach@example.org", Origin: "hub.example",
		},
		Tell: func(a Alarm) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told, r.last = append(r.told, a.What), a
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
