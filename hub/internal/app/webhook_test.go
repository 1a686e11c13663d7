package app_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// hook is a receiver's endpoint on loopback.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	requests []hookRequest
	taken    []string // event ids that it has answered with 2xx, first time only
	answer   func(n int, w http.ResponseWriter, r *http.Request) bool
}

type hookRequest struct {
	id, delivery string
	header       http.Header
	body         []byte
}

// newHook makes an endpoint; answer answers the n-th request, from 1, and tells
// whether it has; else the endpoint takes the event.
func newHook(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request) bool) *hook {
	h := &hook{answer: answer}
	h.Server = httptest.NewServer(h)
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	return h
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
		w.Header().Set("WebHook-Allowed-Rate", "*")
		return
	}
	body, _ := io.ReadAll(r.Body)
	id := r.Header.Get("ce-id")
	if id == "" {
		var e struct{ ID string }
		_ = json.Unmarshal(body, &e)
		id = e.ID
	}
	h.mu.Lock()
	h.requests = append(h.requests, hookRequest{id, r.Header.Get("Amtsbote-Delivery"), r.Header.Clone(), body})
	n := len(h.requests)
	h.mu.Unlock()
	if h.answer != nil && h.answer(n, w, r) {
		return
	}
	h.took(id)
	w.WriteHeader(http.StatusNoContent)
}

func (h *hook) took(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.taken, id) {
		h.taken = append(h.taken, id)
	}
}

func (h *hook) got() (requests []hookRequest, taken []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.requests), slices.Clone(h.taken)
}

// breakOff ends the connection without an answer, or in the middle of one.
func breakOff(w http.ResponseWriter, head string) bool {
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_, _ = buffered.WriteString(head)
		_ = buffered.Flush()
		_ = c.Close()
	}
	return true
}

func status(code int, headers ...string) func(int, http.ResponseWriter, *http.Request) bool {
	return func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n > 1 {
			return false
		}
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		return true
	}
}

// webhookFederation is the test federation with an application of beta for each
// webhook, all of which get every event.
func webhookFederation(t *testing.T, dir string, hooks map[string]string, more string) {
	t.Helper()
	hubtest.WriteFederation(t, dir)
	var apps, to []string
	for _, name := range slices.Sorted(mapKeys(hooks)) {
		url := hooks[name]
		apps = append(apps, fmt.Sprintf("  - id: beta.%s\n    title: T\n    mailbox:\n      mode: webhook\n      webhook: {url: %q, allow: [%q], contact: Fachbetreuung, timeout: 1s%s}\n", name, url, strings.TrimSuffix(url, "/"), more))
		to = append(to, fmt.Sprintf("{application: beta.%s, authority: \"ags:00000002\"}", name))
	}
	edit(t, dir, "organisations/beta.yaml", "applications:\n", "applications:\n"+strings.Join(apps, ""))
	edit(t, dir, "federation.yaml", "environment: test\n", "environment: test\norigin: hub.example\n")
	edit(t, dir, "agreements/ding-eins.yaml", `to: [{application: beta.one, authority: "ags:00000002"}]`, "to: ["+strings.Join(to, ", ")+"]")
	must(t, os.Remove(filepath.Join(dir, "agreements", "ding-zwei.yaml")))
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func keyed(id, key string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":%q,"data":{"n":1}}`, id, hubtest.Source, hubtest.Ding, key)
}

// TestWebhookReceivers: receivers that fail, hang, answer 429, 410, redirect or
// break off, side by side: nothing is lost, each key keeps its order, and nobody
// else notices.
func TestWebhookReceivers(t *testing.T) {
	aside := newHook(t, nil) // where the redirect leads
	hooks := map[string]*hook{
		"good":     newHook(t, nil),
		"fails":    newHook(t, func(n int, w http.ResponseWriter, r *http.Request) bool { return n <= 2 && status(500)(1, w, r) }),
		"busy":     newHook(t, status(429, "Retry-After", "1")),
		"starting": newHook(t, status(503, "Retry-After", "1")),
		"refuses":  newHook(t, status(422)),
		"gone":     newHook(t, func(_ int, w http.ResponseWriter, r *http.Request) bool { return status(410)(1, w, r) }),
		"moved": newHook(t, func(_ int, w http.ResponseWriter, r *http.Request) bool {
			return status(307, "Location", aside.URL)(1, w, r)
		}),
		"unsaid": newHook(t, func(n int, w http.ResponseWriter, _ *http.Request) bool { return n == 1 && breakOff(w, "") }),
	}
	hooks["hangs"] = newHook(t, func(n int, _ http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			<-r.Context().Done()
		}
		return n == 1
	})
	hooks["half"] = newHook(t, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			return false
		}
		hooks["half"].took(r.Header.Get("ce-id")) // it has said 200
		return breakOff(w, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf")
	})
	urls := map[string]string{}
	for name, h := range hooks {
		urls[name] = h.URL
	}
	dir, w := t.TempDir(), newWatch()
	webhookFederation(t, dir, urls, ", format: binary")
	var told sync.Map
	cfg := app.Config{
		Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0",
		Alarm: func(application, _, what, _ string) { told.Store(application+" "+what, true) },
	}
	a := startApp(t, cfg)
	defer func() { stopApp(t, a) }()
	b, publish := local(t, a)
	const keys, each = 3, 4
	for i := range each {
		for k := range keys {
			publish("in.alpha.app."+hubtest.Ding, keyed(fmt.Sprintf("k%d-%d", k, i), fmt.Sprint("k", k)))
		}
	}
	results := map[string]map[decision.Result]int{}
	_, ms := w.expect(t, keys*each, keys*each*(len(hooks)-2)) // two never take anything
	for _, m := range ms {
		name := strings.TrimPrefix(m.Mailbox, "beta.")
		if results[name] == nil {
			results[name] = map[decision.Result]int{}
		}
		results[name][m.Result]++
	}
	for name, h := range hooks {
		want := map[decision.Result]int{decision.Done: keys * each}
		switch name {
		case "gone", "moved":
			want = nil
		case "refuses":
			want = map[decision.Result]int{decision.Done: keys*each - 1, decision.Refused: 1}
		}
		if fmt.Sprint(results[name]) != fmt.Sprint(want) {
			t.Errorf("%s: outcomes %v, want %v", name, results[name], want)
		}
		keptOrder(t, name, h)
	}
	if requests, _ := hooks["gone"].got(); len(requests) > keys {
		t.Errorf("%d requests to who is gone", len(requests))
	}
	if requests, _ := aside.got(); len(requests) != 0 {
		t.Error("a redirect was followed")
	}
	if requests, _ := hooks["good"].got(); len(requests) != keys*each {
		t.Errorf("%d requests to the good one", len(requests))
	}
	if _, ok := told.Load("beta.gone gone"); !ok {
		t.Error("the contact of who is gone was not told")
	}
	resumeGone(t, a, w, hooks["gone"], keys*each)
	acts := []string{}
	must(t, b.Read(t.Context(), bus.Trail, 1, []string{"trail.act.>"}, func(m *event.Message) error {
		act, err := trail.ReadAct(m)
		acts = append(acts, act.Act+" "+act.Application+" "+act.Who)
		return err
	}))
	if got := strings.Join(acts, ", "); got != "webhook-gone beta.gone amtsbote, webhook-resume beta.gone mustermann" {
		t.Errorf("the trail holds %s", got)
	}
}

// resumeGone has a person resume what answered 410: all that waited is taken.
func resumeGone(t *testing.T, a *app.App, w *watch, h *hook, waiting int) {
	t.Helper()
	h.mu.Lock()
	h.answer = nil
	h.mu.Unlock()
	ask := func(verb string, req, answer any) {
		t.Helper()
		must(t, app.Ask(t.Context(), a.Data(), nil, verb, req, answer))
	}
	var all []app.WebhookStatus
	ask(app.VerbWebhooks, struct{}{}, &all)
	i := slices.IndexFunc(all, func(s app.WebhookStatus) bool { return s.Application == "beta.gone" })
	if i < 0 || all[i].State.Halt == nil || all[i].Waiting != uint64(waiting) {
		t.Fatalf("listed as %+v", all)
	}
	ask(app.VerbWebhookResume, app.WebhookRequest{Application: "beta.gone", Who: "mustermann"}, &struct{}{})
	_, ms := w.expect(t, 0, waiting)
	for _, m := range ms {
		if m.Mailbox != "beta.gone" || m.Result != decision.Done {
			t.Errorf("%s: %s", m.Mailbox, m.Result)
		}
	}
	keptOrder(t, "gone", h)
}

// keptOrder: each key's events were taken in order, and every delivery kept its id.
func keptOrder(t *testing.T, name string, h *hook) {
	t.Helper()
	requests, taken := h.got()
	last := map[string]int{}
	for _, id := range taken {
		key, n, _ := strings.Cut(id, "-")
		var i int
		_, _ = fmt.Sscan(n, &i)
		if before, ok := last[key]; ok && i <= before {
			t.Errorf("%s took %s after %s-%d", name, id, key, before)
		}
		last[key] = i
	}
	deliveries := map[string]string{}
	for _, r := range requests {
		if r.id == "" || r.delivery == "" || deliveries[r.id] != "" && deliveries[r.id] != r.delivery {
			t.Errorf("%s got %s as delivery %s, then %s", name, r.id, deliveries[r.id], r.delivery)
		}
		deliveries[r.id] = r.delivery
	}
}

// TestStoppedBetween: the hub ends when the receiver has the event and the hub does
// not know it yet: it comes again under the same delivery id, by webhook and by lease.
func TestStoppedBetween(t *testing.T) {
	arrived := make(chan struct{})
	h := newHook(t, func(n int, _ http.ResponseWriter, r *http.Request) bool {
		if n == 1 {
			close(arrived)
			<-r.Context().Done()
		}
		return n == 1
	})
	dir, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	webhookFederation(t, dir, map[string]string{"hook": h.URL}, "")
	edit(t, dir, "organisations/beta.yaml", "timeout: 1s", "timeout: 60s")
	edit(t, dir, "organisations/beta.yaml", "mailbox: {mode: nats}", "mailbox: {mode: http}") // of beta.one
	edit(t, dir, "agreements/ding-eins.yaml", "to: [", `to: [{application: beta.one, authority: "ags:00000002"}, `)
	cfg := app.Config{Directory: dir, Data: data, Observer: newWatch(), Listen: "127.0.0.1:0"}
	a := startApp(t, cfg)
	_, publish := local(t, a)
	publish("in.alpha.app."+hubtest.Ding, keyed("1", "k"))
	<-arrived
	first := newDesk(t, a).lease(1, 20, 600)
	stopApp(t, a)
	w := newWatch()
	cfg.Observer = w
	a = startApp(t, cfg)
	defer func() { stopApp(t, a) }()
	c := newDesk(t, a)
	second := c.lease(1, 20, 600)
	if len(first) != 1 || len(second) != 1 || second[0].Delivery != first[0].Delivery || second[0].Token == first[0].Token {
		t.Fatalf("leased %+v, then %+v", first, second)
	}
	results := c.settle(map[string]any{"token": first[0].Token, "outcome": "done"}, map[string]any{"token": second[0].Token, "outcome": "done"})
	if got := strings.Join(results, " "); got != "gone done" {
		t.Errorf("settled: %s", got)
	}
	w.expect(t, 0, 2)
	if requests, taken := h.got(); len(requests) != 2 || len(taken) != 1 || requests[0].delivery != requests[1].delivery {
		t.Errorf("requests %v", requests)
	}
}

// signedWith tells whether a request is signed with a key (Standard Webhooks).
func (r *hookRequest) signedWith(key []byte) bool {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.%s", r.header.Get("webhook-id"), r.header.Get("webhook-timestamp"), r.body)
	return r.header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestWebhookReload: another URL, and another secret even when nothing else has changed,
// start just this webhook anew; a missing secret leaves all as it was.
func TestWebhookReload(t *testing.T) {
	first, second := newHook(t, nil), newHook(t, nil)
	dir, data, w := t.TempDir(), filepath.Join(t.TempDir(), "data"), newWatch()
	webhookFederation(t, dir, map[string]string{"hook": first.URL}, ", secret: {file: beta/hook}")
	secrets := t.TempDir()
	must(t, os.Mkdir(filepath.Join(secrets, "beta"), 0o700))
	secret := func(b byte) []byte {
		key := bytes.Repeat([]byte{b}, 32)
		must(t, os.WriteFile(filepath.Join(secrets, "beta", "hook"), []byte("whsec_"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
		return key
	}
	old := secret('a')
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w, Listen: "127.0.0.1:0", Secrets: secrets})
	defer func() { stopApp(t, a) }()
	_, publish := local(t, a)
	publish("in.alpha.app."+hubtest.Ding, keyed("1", "k"))
	w.expect(t, 1, 1)
	requests, _ := first.got()
	h := requests[0].header
	if h.Get("webhook-id") != requests[0].delivery || !requests[0].signedWith(old) || h.Get("WebHook-Request-Origin") != "hub.example" {
		t.Errorf("headers %v", h)
	}
	renewed := secret('c') // and nothing else
	if done, err := a.Reload(t.Context()); err != nil || done.Before != done.Now {
		t.Fatal(done, err)
	}
	publish("in.alpha.app."+hubtest.Ding, keyed("rotated", "k"))
	w.expect(t, 1, 1)
	if requests, _ := first.got(); len(requests) != 2 || !requests[1].signedWith(renewed) {
		t.Errorf("after the secret was renewed the request is not signed with it: %v", requests)
	}
	must(t, os.Remove(filepath.Join(secrets, "beta", "hook")))
	if _, err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "secret beta/hook") {
		t.Errorf("reload without the secret: %v", err)
	}
	edit(t, dir, "organisations/beta.yaml", first.URL, second.URL)
	edit(t, dir, "organisations/beta.yaml", first.URL, second.URL)
	if _, err := a.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "secret beta/hook") {
		t.Errorf("reload without the secret: %v", err)
	}
	secret('b')
	if _, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	publish("in.alpha.app."+hubtest.Ding, keyed("2", "k"))
	w.expect(t, 1, 1)
	if requests, _ := second.got(); len(requests) != 1 || requests[0].id != "2" {
		t.Errorf("the new URL got %v", requests)
	}
	if requests, _ := first.got(); len(requests) != 2 {
		t.Errorf("the old URL got %d requests", len(requests))
	}
}
