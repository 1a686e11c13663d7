package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestMailboxQuota: beta.two is down and its mailbox small. Its senders get their
// acknowledgements, beta.one gets everything meanwhile; what beta.two is owed
// outlasts a removal run in a far future and a restart, and comes in order, each
// once, when it is up again.
func TestMailboxQuota(t *testing.T) {
	p := newProbe()
	core, logged := observer.New(zap.WarnLevel)
	var ahead atomic.Int64
	cfg := app.Config{
		Directory: limitsFederation(t, "64MiB", "64KiB", 0), Data: filepath.Join(t.TempDir(), "data"), Log: zap.New(core), RemoveEvery: -1,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	}
	down := func(_ context.Context, application string, _ hub.Delivery) error {
		if application == "beta.two" {
			return errors.New("connection refused")
		}
		return nil
	}
	p.behave(down)
	a, client := runLimits(t, cfg, p)
	const events, keys = 500, 7
	for n := range events {
		if _, err := client.Publish(t.Context(), dingOf("alpha", n, fmt.Sprint(n%keys), 0)); err != nil {
			t.Fatal(err)
		}
	}
	awaitTrue(t, "beta.one to get everything", func() bool { return len(p.taken("beta.one")) == events })
	if n := logged.FilterMessageSnippet("a mailbox is full").Len(); n != 1 {
		t.Errorf("the alarm was given %d times", n)
	}
	if _, n, err := client.Size(t.Context(), bus.Out); err != nil || n > 2*events*600 {
		t.Errorf("OUT holds %d bytes, %v", n, err)
	}
	lying, err := client.Subjects(t.Context(), bus.Out, "out.beta.two.>")
	const least = 380 // bytes that a copy takes here
	if err != nil || lying["out.beta.two."+hubtest.Ding] > 64<<10/least {
		t.Errorf("beta.two's mailbox of 64 KiB holds %v copies, %v", lying, err)
	}
	ahead.Store(int64(400 * 24 * time.Hour))
	if err := a.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Close()
	stopApp(t, a)
	a, client = runLimits(t, cfg, p)
	defer func() { stopApp(t, a) }()
	defer client.Close()
	p.behave(nil)
	for n := events; n < events+50; n++ {
		if _, err := client.Publish(t.Context(), dingOf("alpha", n, fmt.Sprint(n%keys), 0)); err != nil {
			t.Fatal(err)
		}
	}
	awaitTrue(t, "beta.two to get everything", func() bool { return len(p.taken("beta.two")) >= events+50 })
	inOrder(t, "beta.two", p.taken("beta.two"), events+50, keys)
	inOrder(t, "beta.one", p.taken("beta.one"), events+50, keys)
}

// TestSenderQuota: alpha's in streams are full. Its publisher gets an honest error,
// its drop folder keeps the file; gamma is not concerned; when removal has made
// room alpha goes on by itself.
func TestSenderQuota(t *testing.T) {
	p := newProbe()
	core, logged := observer.New(zap.WarnLevel)
	var ahead atomic.Int64
	cfg := app.Config{
		Directory: limitsFederation(t, "1MiB", "1GiB", 0), Data: filepath.Join(t.TempDir(), "data"), Log: zap.New(core), RemoveEvery: 50 * time.Millisecond,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	}
	a, client := runLimits(t, cfg, p)
	defer func() { stopApp(t, a) }()
	defer client.Close()
	const size = 100_000
	n := 0
	var err error
	for ; n < 50; n++ {
		if _, err = client.Publish(t.Context(), dingOf("alpha", n, "k", size)); err != nil {
			break
		}
	}
	if !errors.Is(err, bus.ErrStreamFull) || !strings.Contains(err.Error(), "10077") {
		t.Fatalf("after %d events of 100 KB the publisher got %v", n, err)
	}
	sent := n
	in := a.Adapters()[0].Places.In
	dropped := 0
	for ; dropped < 15; dropped++ {
		dropDing(t, in, fmt.Sprintf("d%02d", dropped), size)
	}
	waits := func() int { return logged.FilterMessageSnippet("file waits").Len() }
	awaitTrue(t, "the drop folder to be refused", func() bool { return waits() > 0 })
	if text := fmt.Sprint(logged.FilterMessageSnippet("file waits").All()[0].ContextMap()); !strings.Contains(text, "quota") || !strings.Contains(text, "alpha") {
		t.Errorf("the adapter is told %s", text)
	}
	for i := range 20 {
		if _, err := client.Publish(t.Context(), dingOf("gamma", i, "k", size)); err != nil {
			t.Fatalf("gamma: %v", err)
		}
	}
	awaitTrue(t, "gamma's events to come", func() bool { return count(p.taken("beta.one"), "gamma") == 20 })
	if _, err := client.Publish(t.Context(), dingOf("alpha", n, "k", size)); !errors.Is(err, bus.ErrStreamFull) {
		t.Errorf("alpha got room meanwhile: %v", err)
	}
	ahead.Store(int64(8 * 24 * time.Hour)) // what is done has had its time
	awaitTrue(t, "alpha to have room", func() bool {
		_, err := client.Publish(t.Context(), dingOf("alpha", n, "k", size))
		if err == nil {
			n++
		}
		return err == nil
	})
	awaitTrue(t, "all to come", func() bool {
		return count(p.taken("beta.one"), "alpha") == sent+1 && count(p.taken("beta.one"), "drop") == dropped
	})
	if left, _ := filepath.Glob(filepath.Join(in, "*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

func count(ids []string, sender string) (n int) {
	for _, id := range ids {
		if strings.HasPrefix(id, sender+"-") {
			n++
		}
	}
	return n
}

// dropDing puts an event into a drop folder.
func dropDing(t *testing.T, in, name string, size int) {
	t.Helper()
	text := fmt.Sprintf(`{"specversion":"1.0","id":"drop-%s","source":%q,"type":%q,"datacontenttype":"application/json","data":{"n":1%s}}`,
		name, hubtest.Source, hubtest.Ding, strings.Repeat(" ", size))
	path := filepath.Join(in, name+".json")
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// TestSlowReceiversSlowNobody: one receiver hangs for ever, one refuses for ever,
// one is slow. The others are done in the time that they take when none of that
// is so, or not much more.
func TestSlowReceiversSlowNobody(t *testing.T) {
	const events, well = 300, 4
	measure := func(bad bool) time.Duration {
		p := newProbe()
		cfg := app.Config{Directory: limitsFederation(t, "64MiB", "1GiB", well+2), Data: filepath.Join(t.TempDir(), "data"), RemoveEvery: -1}
		hang := make(chan struct{})
		if bad {
			p.behave(func(ctx context.Context, application string, _ hub.Delivery) error {
				switch application {
				case "beta.one":
					<-ctx.Done()
				case "beta.two":
					return errors.New("refused")
				case "beta.r1":
					select {
					case <-time.After(200 * time.Millisecond):
					case <-ctx.Done():
					}
				case "beta.r2":
					<-hang // not even when it is told to end
				}
				return nil
			})
		}
		a, client := runLimits(t, cfg, p)
		defer func() { stopApp(t, a) }()
		defer client.Close()
		defer close(hang)
		began := time.Now()
		for n := range events {
			if _, err := client.Publish(t.Context(), dingOf("alpha", n, fmt.Sprint(n), 0)); err != nil {
				t.Fatal(err)
			}
		}
		awaitTrue(t, "the receivers that are well to get everything", func() bool {
			for i := 3; i < 3+well; i++ {
				if len(p.taken(fmt.Sprintf("beta.r%d", i))) < events {
					return false
				}
			}
			return true
		})
		if bad && len(p.taken("beta.r1")) >= events {
			t.Error("the slow receiver was done too: nothing is shown")
		}
		return time.Since(began)
	}
	alone, beside := measure(false), measure(true)
	t.Logf("%d events to %d receivers: %v alone, %v beside bad ones", events, well, alone, beside)
	if beside > 3*alone+2*time.Second { // the machine is shared
		t.Errorf("beside bad receivers it took %v, without them %v", beside, alone)
	}
}

// TestRefusalStorm: a receiver refuses everything at once. It is tried a bounded
// number of times, since delays double, and others are not concerned.
func TestRefusalStorm(t *testing.T) {
	p := newProbe()
	cfg := app.Config{Directory: limitsFederation(t, "64MiB", "1GiB", 0), Data: filepath.Join(t.TempDir(), "data"), RemoveEvery: -1}
	p.behave(func(_ context.Context, application string, _ hub.Delivery) error {
		if application == "beta.two" {
			return errors.New("refused")
		}
		return nil
	})
	a, client := runLimits(t, cfg, p)
	defer func() { stopApp(t, a) }()
	defer client.Close()
	const events = 400
	began := time.Now()
	for n := range events {
		if _, err := client.Publish(t.Context(), dingOf("alpha", n, fmt.Sprint(n), 0)); err != nil {
			t.Fatal(err)
		}
	}
	awaitTrue(t, "every key to be tried three times", func() bool { return p.tried("beta.two") >= 3*events })
	awaitTrue(t, "beta.one to get everything", func() bool { return len(p.taken("beta.one")) == events })
	// after s seconds a key was tried once and then after 0.5, 1, 2, … seconds at least
	most, after := 1, 0.0
	for delay := 0.5; after+delay < time.Since(began).Seconds(); delay *= 2 {
		after += delay
		most++
	}
	if n := p.tried("beta.two"); n > most*events {
		t.Errorf("beta.two was tried %d times in %v, want at most %d for each of %d keys", n, time.Since(began), most, events)
	}
}
