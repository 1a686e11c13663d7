package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// probe is a kind of adapter whose sinks do what a test says.
type probe struct {
	mu    sync.Mutex
	takes func(ctx context.Context, application string, d hub.Delivery) error
	tries map[string]int      // deliveries begun, by application
	got   map[string][]string // ids taken, in order, by application
	at    map[string]time.Time
}

func newProbe() *probe {
	return &probe{tries: map[string]int{}, got: map[string][]string{}, at: map[string]time.Time{}}
}

func (p *probe) kind() hub.Kind {
	return hub.Kind{Name: "probe", Title: "a test's receiver", Sink: func(env hub.Env, _ hub.Settings) (hub.Sink, error) {
		return probeSink{p, env.Application}, nil
	}}
}

type probeSink struct {
	*probe
	application string
}

// Deliver implements hub.Sink.
func (s probeSink) Deliver(ctx context.Context, d hub.Delivery) error {
	s.mu.Lock()
	s.tries[s.application]++
	takes := s.takes
	s.mu.Unlock()
	if takes != nil {
		if err := takes(ctx, s.application, d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[s.application] = append(s.got[s.application], d.Event.ID())
	s.at[s.application] = time.Now()
	return nil
}

// behave changes what the sinks do; nil: they take everything.
func (p *probe) behave(takes func(ctx context.Context, application string, d hub.Delivery) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takes = takes
}

func (p *probe) taken(application string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got[application])
}

func (p *probe) tried(application string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries[application]
}

const gammaToOne = `id: gamma-eins
title: Test
from: {application: gamma.app, authority: "ags:00000003"}
to: [{application: beta.one, authority: "ags:00000002"}]
types: [de.test.ding.v1]
law: DSGVO-6-1e
purpose: Test
disclose: all
valid: {from: 2026-01-01}
`

// limitsFederation is the test federation with receivers that the hub hands out
// to by the kind probe, a second sender gamma.app to beta.one, and a drop folder
// for alpha.app. With more it takes agreements to beta.r1 … beta.rN.
func limitsFederation(t *testing.T, quotaAlpha, quotaTwo string, more int) string {
	t.Helper()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alpha := read("organisations/alpha.yaml")
	write("organisations/gamma.yaml", strings.NewReplacer("alpha", "gamma", "Alpha", "Gamma", "00000001", "00000003").Replace(alpha))
	write("organisations/alpha.yaml", strings.Replace(alpha, "role: authority\n", "role: authority\nquota: "+quotaAlpha+"\n", 1))
	beta := strings.Replace(read("organisations/beta.yaml"), "mode: nats", "mode: sink", 1)
	beta = strings.Replace(beta, "mode: nats", "mode: sink, quota: "+quotaTwo, 1)
	eins := read("agreements/ding-eins.yaml")
	for i := 1; i <= more; i++ {
		name := fmt.Sprintf("beta.r%d", i)
		beta += "  - {id: " + name + ", title: R, mailbox: {mode: sink}}\n"
		write(fmt.Sprintf("agreements/ding-r%d.yaml", i), strings.NewReplacer("beta.one", name, "ding-eins", fmt.Sprintf("ding-r%d", i)).Replace(eins))
		write(fmt.Sprintf("adapters/r%d.yaml", i), "application: "+name+"\nkind: probe\n")
	}
	write("organisations/beta.yaml", beta)
	write("agreements/gamma-eins.yaml", gammaToOne)
	write("adapters/one.yaml", "application: beta.one\nkind: probe\n")
	write("adapters/two.yaml", "application: beta.two\nkind: probe\n")
	write("adapters/alpha.yaml", "application: alpha.app\nkind: filedrop\nsettings: {dir: drop/alpha}\n")
	return dir
}

// runLimits starts the product on such a federation, and gives a connection of a
// client.
func runLimits(t *testing.T, cfg app.Config, p *probe) (a *app.App, client *bus.Bus) {
	t.Helper()
	cfg.AllowTemp, cfg.Listen = true, "127.0.0.1:0"
	cfg.Kinds = append(adapters.Kinds(), p.kind())
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	a, err := app.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, err = bus.Dial(t.Context(), bus.External{URL: a.URL(), Creds: filepath.Join(cfg.Data, bus.LocalCredential)}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return a, client
}

// dingOf is an event of a sender's application; data of about size bytes.
func dingOf(sender string, n int, key string, size int) event.Message {
	m := hubtest.Event(fmt.Sprintf("%s-%d", sender, n), hubtest.Ding, key, fmt.Sprintf(`{"n":%d%s}`, n, strings.Repeat(" ", size)))
	m.Subject = "in." + sender + ".app." + hubtest.Ding
	m.Header["ce-source"] = []string{"urn:test:" + sender + ":1"}
	return m
}

func awaitTrue(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.After(hubtest.Patience); !ok(); {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited for %s", what)
		}
	}
}

// inOrder checks that events 0 to n-1 of senders came, each once, and in order
// within their keys: event i has key i%keys.
func inOrder(t *testing.T, who string, ids []string, want, keys int) {
	t.Helper()
	seen, last := map[string]bool{}, map[string]int{}
	for _, id := range ids {
		var n int
		sender, number, _ := strings.Cut(id, "-")
		if _, err := fmt.Sscan(number, &n); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%s %d", sender, n%keys)
		if before, ok := last[key]; seen[id] || ok && n < before {
			t.Errorf("%s: %s came twice, or after %d", who, id, before)
		}
		seen[id], last[key] = true, n
	}
	if len(seen) != want {
		t.Errorf("%s got %d events, want %d", who, len(seen), want)
	}
}
