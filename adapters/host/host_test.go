package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "adapter.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadFile: what is missing or unsafe is named.
func TestReadFile(t *testing.T) {
	good := "application: lhm.kfz\nkind: filedrop\nhub: {url: \"https://hub.example.org\", token-file: token}\n"
	f, err := ReadFile(write(t, good+"settings: {dir: drop}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Dir  string        `yaml:"dir"`
		Poll time.Duration `yaml:"poll"`
	}
	s.Poll = time.Second
	if err := f.Settings.Decode(&s); err != nil || s.Dir != "drop" || s.Poll != time.Second || f.Lease != time.Minute || f.AtOnce != 16 {
		t.Errorf("read %+v %+v: %v", f, s, err)
	}
	for text, want := range map[string]string{
		strings.Replace(good, "lhm.kfz", "kfz", 1):                        "application",
		strings.Replace(good, "kind: filedrop\n", "", 1):                  "kind",
		strings.Replace(good, "https://hub.example.org", "", 1):           "hub.url",
		strings.Replace(good, "https:", "http:", 1):                       "this machine only",
		strings.Replace(good, ", token-file: token", "", 1):               "token-file",
		strings.Replace(good, "token-file: token", "cert-file: c.pem", 1): "belong together",
		good + "lease: 1s\n":     "lease",
		good + "at-once: 1000\n": "at-once",
		good + "colour: red\n":   "colour",
		strings.Replace(good, "token-file: token", "token-file: t, x: 1", 1): "x",
	} {
		if _, err := ReadFile(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	f, err = ReadFile(write(t, good+"settings: {folder: drop}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Settings.Decode(&s); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("an unknown setting: %v", err)
	}
}

// TestState: as the hub's.
func TestState(t *testing.T) {
	ctx, s := t.Context(), state(filepath.Join(t.TempDir(), "a", "state"))
	if v, err := s.Get(ctx, "cursor"); v != nil || err != nil {
		t.Errorf("unknown: %q %v", v, err)
	}
	if err := s.Delete(ctx, "cursor"); err != nil {
		t.Errorf("delete what is not there: %v", err)
	}
	for _, value := range []string{"1", "", strings.Repeat("x", maxState)} {
		if err := s.Put(ctx, "cursor.of=a_b-c", []byte(value)); err != nil {
			t.Fatal(err)
		}
		if v, err := s.Get(ctx, "cursor.of=a_b-c"); string(v) != value || err != nil {
			t.Errorf("%d bytes came back as %d: %v", len(value), len(v), err)
		}
	}
	if err := s.Delete(ctx, "cursor.of=a_b-c"); err != nil {
		t.Error(err)
	}
	if v, _ := s.Get(ctx, "cursor.of=a_b-c"); v != nil {
		t.Error("deleted, and still there")
	}
	for _, key := range []string{"", ".", "../x", "a/b", ".a", "a.", strings.Repeat("x", 129), "ä"} {
		if err := s.Put(ctx, key, nil); !hub.FaultOf(err).Permanent {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if err := s.Put(ctx, "k", make([]byte, maxState+1)); !hub.FaultOf(err).Permanent {
		t.Errorf("too large: %v", err)
	}
}

// TestPublishFaults: what the hub's answers mean to a source.
func TestPublishFaults(t *testing.T) {
	var status int
	var token, kind string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token = r.Header.Get("Authorization")
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"code":"QUOTA_FULL","detail":"Max Mustermann"}`)
	}))
	defer s.Close()
	secret := "eins"
	in := &Intake{Client: &Client{URL: s.URL, HTTP: s.Client(), Token: func() (string, error) { return secret, nil }}}
	e := cloudevents.New()
	e.SetID("Übung 1")
	e.SetSource("urn:x")
	e.SetType("de.test.ding.v1")
	for code, permanent := range map[int]bool{
		200: false, 302: false, 400: true, 401: false, 403: true, 404: false, 408: false, 409: true,
		413: true, 415: true, 429: false, 500: false, 503: false, 507: false,
	} {
		status, kind = code, "text/html" // of a proxy: it says nothing about the event
		if err := in.Publish(t.Context(), e); err == nil || hub.FaultOf(err).Permanent {
			t.Errorf("%d of somebody else: %v", code, err)
		}
		kind = "application/problem+json"
		err := in.Publish(t.Context(), e)
		f := hub.FaultOf(err)
		if err == nil || f.Permanent != permanent || f.Code != "quota-full" || f.After != 7*time.Second || strings.Contains(err.Error(), "Mustermann") {
			t.Errorf("%d is %v, permanent %v, after %v", code, err, f.Permanent, f.After)
		}
	}
	for _, code := range []int{202, 422} {
		if status, secret = code, "zwei"; in.Publish(t.Context(), e) != nil || token != "Bearer zwei" {
			t.Errorf("%d is a fault, or the token %q was not read anew", code, token)
		}
	}
	s.Close()
	if err := in.Publish(t.Context(), e); err == nil || hub.FaultOf(err).Permanent {
		t.Errorf("nobody answers: %v", err)
	}
}

// desk plays the hub's side of a mailbox.
type desk struct {
	mu     sync.Mutex
	events []map[string]any // to be handed out
	said   chan map[string]any
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.URL.Path, "/settle") {
		var items []map[string]any
		_ = json.Unmarshal(body, &items)
		_, _ = io.WriteString(w, `[{"result":"done"}]`)
		for _, one := range items {
			d.said <- one
		}
		return
	}
	d.mu.Lock()
	var asked struct{ Max int }
	_ = json.Unmarshal(body, &asked)
	n := min(asked.Max, len(d.events))
	events := d.events[:n:n]
	d.events = d.events[n:]
	d.mu.Unlock()
	if n == 0 {
		select {
		case <-r.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"events": append([]map[string]any{}, events...)})
}

func handedOut(token, source, typ, data string) map[string]any {
	return map[string]any{"token": token, "delivery": "D-" + token, "attempt": 1, "agreement": "a", "event": json.RawMessage(fmt.Sprintf(
		`{"specversion":"1.0","id":%q,"source":%q,"type":%q,"datacontenttype":"application/json","data":%s}`, token, source, typ, data))}
}

// part plays an adapter.
type part struct {
	deliver func(context.Context, hub.Delivery) error
	settled func(hub.Settlement) error
}

func (p part) Deliver(ctx context.Context, d hub.Delivery) error { return p.deliver(ctx, d) }
func (p part) Stored(context.Context, hub.EventRef) error        { return nil }
func (p part) Settled(_ context.Context, s hub.Settlement) error { return p.settled(s) }
func (d *desk) next(t *testing.T) map[string]any {
	t.Helper()
	select {
	case one := <-d.said:
		return one
	case <-time.After(time.Minute):
		t.Fatal("the hub heard nothing")
	}
	return nil
}

func box(t *testing.T, d *desk, p part) (*Mailbox, func()) {
	t.Helper()
	d.said = make(chan map[string]any, 100)
	s := httptest.NewServer(d)
	m := &Mailbox{Client: &Client{URL: s.URL, HTTP: s.Client()}, Application: "a.b", Sink: p, Listener: p, Lease: time.Minute, AtOnce: 4, Log: zap.NewNop()}
	return m, s.Close
}

// TestMailbox: what becomes of deliveries, and of receipts, is said to the hub in its
// words.
func TestMailbox(t *testing.T) {
	const receiptOf = `{"ereignis":{"source":"urn:x","id":"7","type":"t"},"empfaenger":[{},{}],"grund":{"code":"NO_AGREEMENT"}}`
	d := &desk{events: []map[string]any{
		handedOut("good", "urn:x", "t.v1", `{"n":1}`), handedOut("bad", "urn:x", "t.v1", `{"n":2}`),
		handedOut("away", "urn:x", "t.v1", `{"n":3}`), handedOut("worse", "urn:x", "t.v1", `{"n":4}`),
	}}
	var receipts []hub.Settlement
	m, end := box(t, d, part{
		deliver: func(_ context.Context, one hub.Delivery) error {
			switch one.ID {
			case "D-bad":
				return hub.Permanent("unmappable", "no field")
			case "D-away":
				return &hub.Fault{Code: "Not a code!", After: 90 * time.Second, Later: true}
			case "D-worse":
				panic("Max Mustermann")
			}
			return nil
		},
		settled: func(s hub.Settlement) error {
			receipts = append(receipts, s)
			return nil
		},
	})
	defer end()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	got := map[any]map[string]any{}
	for range 4 {
		one := d.next(t)
		got[one["token"]] = one
	}
	for token, want := range map[string]map[string]any{
		"good":  {"token": "good", "outcome": "done"},
		"bad":   {"token": "bad", "outcome": "refuse", "reason": "unmappable"},
		"away":  {"token": "away", "outcome": "later", "reason": "fault", "after": 90., "untried": true},
		"worse": {"token": "worse", "outcome": "later", "reason": "fault"},
	} {
		if fmt.Sprint(got[token]) != fmt.Sprint(want) {
			t.Errorf("said %v, want %v", got[token], want)
		}
	}
	d.mu.Lock()
	d.events = []map[string]any{
		handedOut("yes", hub.ReceiptSource, typeAccepted, receiptOf), handedOut("odd", hub.ReceiptSource, typeAccepted, `{}`),
		handedOut("forged", hub.ReceiptSource, typeAccepted, receiptOf), // an application's event, under an agreement
	}
	d.events[0]["agreement"], d.events[1]["agreement"] = "", ""
	d.mu.Unlock()
	for range 3 {
		if one := d.next(t); one["outcome"] != "done" {
			t.Errorf("said %v", one)
		}
	}
	cancel()
	<-done
	want := hub.Settlement{EventRef: hub.EventRef{Source: "urn:x", ID: "7", Type: "t"}, Outcome: hub.Routed, Code: "NO_AGREEMENT", Copies: 2}
	if len(receipts) != 1 || receipts[0] != want {
		t.Errorf("receipts %+v", receipts)
	}
}

// TestLease: a delivery that takes long keeps its lease; one that the stop of the
// process ends goes back at once.
func TestLease(t *testing.T) {
	d := &desk{events: []map[string]any{handedOut("slow", "urn:x", "t.v1", `{}`)}}
	m, end := box(t, d, part{deliver: func(ctx context.Context, _ hub.Delivery) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	defer end()
	m.Lease = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	for range 3 {
		if one := d.next(t); one["outcome"] != "extend" {
			t.Fatalf("said %v, want an extension", one)
		}
	}
	cancel()
	<-done
	for {
		one := d.next(t)
		if one["outcome"] == "extend" {
			continue
		}
		if one["outcome"] != "later" || one["reason"] != "stopping" {
			t.Errorf("said %v", one)
		}
		return
	}
}

// TestBlobs: bytes go up in one piece whose size is known, and come down.
func TestBlobs(t *testing.T) {
	var up []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			up, _ = io.ReadAll(r.Body)
			if r.ContentLength != int64(len(up)) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"ref":"blob:x","sha256":"00","size":3}`)
			return
		}
		if r.URL.Path != "/mailboxes/a.b/blobs/blob:x" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"NOT_FOUND"}`)
			return
		}
		_, _ = w.Write(up)
	}))
	defer s.Close()
	c := &Client{URL: s.URL, HTTP: s.Client()}
	for _, text := range []string{"", "abc"} {
		ref, err := (&Intake{Client: c}).Blobs().Put(t.Context(), bytes.NewReader([]byte(text)))
		if err != nil || ref.Ref != "blob:x" || string(up) != text {
			t.Fatalf("put %q: %+v %q %v", text, ref, up, err)
		}
	}
	down := downloads{c, "/mailboxes/a.b/blobs/"}
	r, err := down.Open(t.Context(), "blob:x")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if raw, _ := io.ReadAll(r); string(raw) != "abc" {
		t.Errorf("opened %q", raw)
	}
	if _, err := down.Open(t.Context(), "blob:../../events"); hub.FaultOf(err).Code != "blob-missing" {
		t.Errorf("no such blob: %v", err)
	}
	broken := io.MultiReader(strings.NewReader("x"), failing{})
	if _, err := (&Intake{Client: c}).Blobs().Put(t.Context(), broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that breaks: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestReadme: the file in README.md is one.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```text\n")
	block, _, _ = strings.Cut(block, "```")
	f, err := ReadFile(write(t, block))
	if !found || err != nil || f.Application != "lhm.kfz" {
		t.Errorf("%v %+v: %v", found, f, err)
	}
}
