package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// named takes whoever asks at its word: who may ask is tried elsewhere.
type named struct{}

// Authenticate implements httpapi.Authenticator.
func (named) Authenticate(r *http.Request, fed *federation.Federation) (*httpapi.Principal, error) {
	a, ok := fed.Application(strings.TrimPrefix(r.Header.Get("Authorization"), "Test "))
	if !ok {
		return nil, httpapi.ErrNoCredential
	}
	return &httpapi.Principal{Application: a, By: httpapi.ByToken}, nil
}

// desk is an application that fetches by HTTP.
type deskClient struct {
	t         *testing.T
	url, name string
}

func newDesk(t *testing.T, a *app.App) *deskClient {
	t.Helper()
	return newDeskFor(t, a, named{})
}

func newDeskFor(t *testing.T, a *app.App, who httpapi.Authenticator) *deskClient {
	t.Helper()
	s, err := httpapi.Start(httpapi.Config{
		Listen: "127.0.0.1:0", Routes: a.OutRoutes(), Authenticators: []httpapi.Authenticator{who},
		Federation: a.Federation, Log: zap.NewNop(),
		Undescribed: func(route *httpapi.Route, status int) { t.Errorf("%s answered %d", route.Operation.ID, status) },
	})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return &deskClient{t, s.URL(), "beta.one"}
}

func (c *deskClient) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if text, ok := body.(string); ok {
		in = strings.NewReader(text)
	} else if body != nil {
		raw, _ := json.Marshal(body)
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, in)
	must(c.t, err)
	req.Header.Set("Authorization", "Test "+c.name)
	return http.DefaultClient.Do(req)
}

func (c *deskClient) ask(path string, body, answer any) (status int) {
	c.t.Helper()
	resp, err := c.do(c.t.Context(), http.MethodPost, path, body)
	must(c.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(c.t, err)
	if answer != nil && resp.StatusCode == http.StatusOK {
		must(c.t, json.Unmarshal(raw, answer))
	}
	return resp.StatusCode
}

type leasedEvent struct {
	Token, Delivery string
	Attempt         int
	Redelivered     bool
	Event           struct {
		ID            string
		CorrelationID string
	}
}

func (c *deskClient) lease(max, wait, lease int) []leasedEvent {
	c.t.Helper()
	var out struct{ Events []leasedEvent }
	if status := c.ask("/mailboxes/beta.one/lease", map[string]int{"max": max, "wait": wait, "lease": lease}, &out); status != http.StatusOK {
		c.t.Fatalf("lease: %d", status)
	}
	return out.Events
}

func (c *deskClient) settle(items ...map[string]any) (results []string) {
	c.t.Helper()
	var out []struct{ Token, Result string }
	if status := c.ask("/mailboxes/beta.one/settle", items, &out); status != http.StatusOK || len(out) != len(items) {
		c.t.Fatalf("settle: %d with %d results", status, len(out))
	}
	for i, r := range out {
		if r.Token != items[i]["token"] {
			c.t.Errorf("result %d is another's", i)
		}
		results = append(results, r.Result)
	}
	return results
}

func startDesk(t *testing.T) (*deskClient, *watch, func(string, []byte)) {
	t.Helper()
	dir, w := t.TempDir(), newWatch()
	hubtest.WriteFederation(t, dir)
	edit(t, dir, "organisations/beta.yaml", "mailbox: {mode: nats}", "mailbox: {mode: http}")
	a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0"})
	t.Cleanup(func() { stopApp(t, a) })
	_, publish := local(t, a)
	return newDesk(t, a), w, publish
}

// TestLeaseAndSettle: one event a key is out at a time, in order; what is done is
// in the trail when the client hears of it; a lost lease comes again, marked.
func TestLeaseAndSettle(t *testing.T) {
	c, w, publish := startDesk(t)
	if got := c.lease(10, 0, 60); len(got) != 0 {
		t.Errorf("leased %v from an empty mailbox", got)
	}
	const keys, each = 30, 2 // more keys than a sink is handed at a time
	for i := range each {
		for k := range keys {
			publish("in.alpha.app."+hubtest.Ding, keyed(fmt.Sprintf("k%d-%d", k, i), fmt.Sprint("k", k)))
		}
	}
	w.expect(t, keys*each, 0)
	last := map[string]string{}
	lost, err := "", error(nil)
	for done := 0; done < keys*each; {
		var items []map[string]any
		inHand := map[string]bool{}
		for _, l := range c.lease(100, 20, 600) {
			if inHand[l.Event.CorrelationID] {
				t.Errorf("two of %s at a time", l.Event.CorrelationID)
			}
			inHand[l.Event.CorrelationID] = true
			if l.Event.ID <= last[l.Event.CorrelationID] || l.Attempt != 1 || l.Redelivered {
				t.Errorf("%+v after %s", l, last[l.Event.CorrelationID])
			}
			last[l.Event.CorrelationID] = l.Event.ID
			items = append(items, map[string]any{"token": l.Token, "outcome": "done"})
		}
		if len(items) == 0 {
			t.Fatalf("nothing came after %d: %v", done, err)
		}
		for _, r := range c.settle(items...) {
			if r != "done" {
				t.Errorf("done became %s", r)
			}
		}
		done += len(items)
		for range items { // they were told before the answer came
			select {
			case d := <-w.delivered:
				if d.Result != decision.Done {
					t.Errorf("%s is %s", d.ID, d.Result)
				}
			default:
				t.Fatal("answered before it was in the trail")
			}
		}
	}

	publish("in.alpha.app."+hubtest.Ding, keyed("a", "k"))
	first := c.lease(1, 20, 1) // and let it lapse
	again := c.lease(1, 20, 60)
	if len(first) != 1 || len(again) != 1 || again[0].Delivery != first[0].Delivery || !again[0].Redelivered || again[0].Attempt != 2 {
		t.Fatalf("a lost lease: %+v, then %+v", first, again)
	}
	lost = first[0].Token
	results := c.settle(map[string]any{"token": lost, "outcome": "done"}, map[string]any{"token": again[0].Token, "outcome": "later", "after": 1})
	third := c.lease(1, 20, 60)
	if strings.Join(results, " ") != "gone later" || len(third) != 1 || third[0].Attempt != 3 {
		t.Fatalf("%v, then %+v", results, third)
	}
	results = c.settle(map[string]any{"token": third[0].Token, "outcome": "extend", "lease": 100})
	results = append(results, c.settle(map[string]any{"token": third[0].Token, "outcome": "refuse", "reason": "kein-fall"})...)
	_, ms := w.expect(t, 1, 1)
	if strings.Join(results, " ") != "extended refused" || ms[0].Result != decision.Refused || ms[0].Code != "kein-fall" {
		t.Errorf("%v, recorded %+v", results, ms[0])
	}
}

// TestDeskIsOnesOwn: another's desk, one that is none and one of another mode look
// the same, and nothing is leased by trying.
func TestDeskIsOnesOwn(t *testing.T) {
	c, w, publish := startDesk(t)
	publish("in.alpha.app."+hubtest.Ding, keyed("a", "k"))
	w.expect(t, 1, 0)
	answers := map[string]bool{}
	for _, who := range []string{"alpha.app", "beta.two"} {
		for _, box := range []string{"beta.one", "beta.two", "gamma.none", "alpha.app"} {
			c.name = who
			for _, path := range []string{"/lease", "/settle"} {
				resp, err := c.do(t.Context(), http.MethodPost, "/mailboxes/"+box+path, `[]`)
				must(t, err)
				body, _ := io.ReadAll(resp.Body)
				must(t, resp.Body.Close())
				answers[fmt.Sprint(resp.StatusCode, string(body))] = true
			}
			resp, err := c.do(t.Context(), http.MethodGet, "/mailboxes/"+box+"/events", nil)
			must(t, err)
			body, _ := io.ReadAll(resp.Body)
			must(t, resp.Body.Close())
			answers[fmt.Sprint(resp.StatusCode, string(body))] = true
		}
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
	c.name = "beta.one"
	for body, want := range map[string]int{`{"max":0}`: 400, `{"max":101}`: 400, `{"wait":-1}`: 400, `{"lease":0}`: 400, `{"a":1}`: 400, `[`: 400, `{}{}`: 400, ``: 200} {
		if got := c.ask("/mailboxes/beta.one/lease", body, nil); got != want {
			t.Errorf("lease with %q: %d", body, got)
		}
	}
	if got := c.ask("/mailboxes/beta.one/settle", strings.Repeat(" ", 1<<20)+"[]", nil); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body too large: %d", got)
	}
	if got := c.ask("/webhooks/consent/beta.one?key=x", nil, nil); got != http.StatusNotFound {
		t.Errorf("consent for who has no webhook: %d", got)
	}
}

// TestStream: a stream brings what comes, and when it ends what it has not settled
// comes again to another client, marked.
func TestStream(t *testing.T) {
	c, w, publish := startDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := c.do(ctx, http.MethodGet, "/mailboxes/beta.one/events?max=2&lease=600", nil)
	must(t, err)
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, ct)
	}
	for i := range 4 {
		publish("in.alpha.app."+hubtest.Ding, keyed(fmt.Sprint("e", i), fmt.Sprint("k", i)))
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() (l leasedEvent) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				must(t, json.Unmarshal([]byte(data), &l))
				return l
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return l
	}
	got := map[string]bool{}
	first := next()
	got[first.Event.ID] = true
	got[next().Event.ID] = true
	if r := c.settle(map[string]any{"token": first.Token, "outcome": "done"}); r[0] != "done" {
		t.Errorf("settled: %s", r[0])
	}
	got[next().Event.ID] = true // room for one more
	w.expect(t, 4, 1)
	cancel()
	rest := map[string]int{}
	for len(rest) < 3 {
		events := c.lease(10, 20, 60)
		if len(events) == 0 {
			t.Fatalf("only %v came again", rest)
		}
		for _, l := range events {
			rest[l.Event.ID] = l.Attempt
			if l.Redelivered != got[l.Event.ID] {
				t.Errorf("%s redelivered %v", l.Event.ID, l.Redelivered)
			}
		}
	}
	if len(got) != 3 || rest[first.Event.ID] != 0 {
		t.Errorf("streamed %v, then leased %v", got, rest)
	}
}
