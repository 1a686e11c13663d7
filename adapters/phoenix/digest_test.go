package phoenix

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// people is a channel that keeps what it is told, and fails when it is to.
type people struct {
	mu    sync.Mutex
	fail  map[string]error // by target
	lose  bool             // told, and the answer is lost
	said  []string         // target, id, subject
	tried []string         // target, id
	all   []string
}

func (p *people) targets() []string { return p.all }

func (p *people) send(_ context.Context, target string, m message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried = append(p.tried, target+" "+m.ID)
	if err := p.fail[target]; err != nil {
		return err
	}
	p.said = append(p.said, target+" "+m.ID[:4]+" "+m.Subject)
	if p.lose {
		return hub.Retryable("unreachable", "the answer is lost")
	}
	return nil
}

// subjects gives what was said, without ids.
func (p *people) subjects() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.said {
		target, rest, _ := strings.Cut(s, " ")
		all = append(all, target+":"+rest[len("abcd Amtsbote"):])
	}
	return all
}

func (p *people) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// office is an adapter at work, in a bubble of synctest.
type office struct {
	*people
	*sink
	t    *testing.T
	set  Notices
	dir  string
	stop func()
}

const window = 15 * time.Minute

func newOffice(t *testing.T, targets ...string) *office {
	t.Helper()
	o := &office{people: &people{all: targets, fail: map[string]error{}}, t: t, set: noticeDefaults(), dir: t.TempDir()}
	o.set.Sammeln = window
	o.start()
	return o
}

func (o *office) start() {
	o.t.Helper()
	o.work(o.make("test", zap.NewNop()))
}

func (o *office) make(adapter string, log *zap.Logger) *sink {
	o.t.Helper()
	s, err := newSink(hub.Env{Adapter: adapter, Dir: o.dir, Log: log}, o.set, o.people)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func (o *office) work(s *sink) {
	o.sink = s
	ctx, cancel := context.WithCancel(o.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Work(ctx) }()
	o.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
	}
}

func (o *office) restart() {
	o.t.Helper()
	o.stop()
	o.start()
}

// deliver hands over an event of a case.
func (o *office) deliver(n, vorgang int) error {
	e := event.New()
	e.SetID(fmt.Sprintf("0190d5a0-0000-7000-8000-%012d", n))
	e.SetSource("urn:test")
	e.SetType("de.test.geschehen.v1")
	e.SetExtension("correlationid", fmt.Sprintf("7d3f0c4e-0000-4000-8000-%012d", vorgang))
	return o.Deliver(o.t.Context(), hub.Delivery{ID: fmt.Sprintf("d%d", n), Attempt: 1, Event: e})
}

func (o *office) must(n, vorgang int) {
	o.t.Helper()
	if err := o.deliver(n, vorgang); err != nil {
		o.t.Fatal(n, err)
	}
}

func (o *office) expect(want ...string) {
	o.t.Helper()
	synctest.Wait()
	if got := o.subjects(); !slices.Equal(got, want) {
		o.t.Errorf("people were told %q, want %q", got, want)
	}
}

const one = ": geschehen (test)"

// The first event is told at once, the rest once a window, counted by case.
func TestDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		o.expect("a:" + one)
		for n := 2; n <= 9; n++ { // the ninth is of the same case as the eighth
			o.must(n, min(n, 8))
			o.must(n, min(n, 8)) // and each comes twice
		}
		time.Sleep(window - time.Second)
		o.expect("a:" + one)
		time.Sleep(2 * time.Second)
		o.expect("a:"+one, "a:: 7 Vorgänge warten")
		time.Sleep(10 * window) // nothing waits: nothing is told
		for n := range 10 {     // what was told comes again
			if n > 0 {
				o.must(n, min(n, 8))
			}
		}
		o.expect("a:"+one, "a:: 7 Vorgänge warten")
		o.must(20, 20)
		o.must(21, 21)
		o.expect("a:"+one, "a:: 7 Vorgänge warten", "a:"+one)
		time.Sleep(window)
		o.expect("a:"+one, "a:: 7 Vorgänge warten", "a:"+one, "a:"+one) // one alone is told as one
		o.stop()
	})
}

// What waits survives a restart, and is told when its time comes.
func TestDigestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		for n := range 4 {
			o.must(n, n)
		}
		o.restart()
		time.Sleep(window / 2)
		o.restart()
		o.must(3, 3) // comes again after the crash
		o.expect("a:" + one)
		time.Sleep(window)
		o.expect("a:"+one, "a:: 3 Vorgänge warten")
		o.restart()
		time.Sleep(2 * window)
		o.expect("a:"+one, "a:: 3 Vorgänge warten")
		o.stop()
	})
}

// While nobody can be told, nothing more is noted: the hub keeps it, and hears why.
// Afterwards all goes on.
func TestDigestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []string{"unreachable", "unknown-user"} {
			o := newOffice(t, "a")
			for n := range 3 {
				o.must(n, n)
			}
			o.people.set(func() { o.fail["a"] = hub.Retryable(code, "away") })
			time.Sleep(window + time.Second)
			o.expect("a:" + one)
			f := hub.FaultOf(o.deliver(9, 9))
			if f == nil || f.Code != "digest-fails" || f.Permanent {
				t.Fatal(f)
			}
			time.Sleep(time.Hour)
			o.people.set(func() { delete(o.fail, "a") })
			time.Sleep(mostDelay)
			o.expect("a:"+one, "a:: 2 Vorgänge warten")
			o.must(9, 9)
			time.Sleep(window)
			o.expect("a:"+one, "a:: 2 Vorgänge warten", "a:"+one)
			o.stop()
		}
	})
}

// A digest that is refused for good lets nothing go: it is made anew.
func TestDigestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		for n := range 3 {
			o.must(n, n)
		}
		o.people.set(func() { o.fail["a"] = hub.Permanent("refused", "no") })
		time.Sleep(window + time.Minute)
		if err := o.deliver(9, 9); err == nil || hub.FaultOf(err).Permanent {
			t.Error(err)
		}
		o.stop()
		o.set.Name = "Amtsbote neu" // the operator mends it
		o.people.set(func() { delete(o.fail, "a") })
		o.start()
		time.Sleep(window)
		o.expect("a:"+one, "a: neu: 2 Vorgänge warten")
		o.stop()
	})
}

// The time that the other side asks for is kept.
func TestDigestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		o.must(2, 2)
		o.people.set(func() { o.fail["a"] = &hub.Fault{Code: "rate-limited", Later: true, After: 50 * time.Minute} })
		time.Sleep(window)
		synctest.Wait()
		o.people.set(func() { delete(o.fail, "a") })
		time.Sleep(49 * time.Minute)
		o.expect("a:" + one)
		time.Sleep(2 * time.Minute)
		o.expect("a:"+one, "a:"+one)
		o.stop()
	})
}

// A setting that is taken away leaves nothing behind.
func TestDigestNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		for n := range 3 {
			o.must(n, n)
		}
		o.stop()
		o.set.Sammeln = 0
		o.start()
		o.expect("a:"+one, "a:: 2 Vorgänge warten")
		o.must(7, 7)
		o.must(8, 8)
		o.expect("a:"+one, "a:: 2 Vorgänge warten", "a:"+one, "a:"+one)
		o.stop()
	})
}

// More than can be noted stays with the hub.
func TestDigestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		o.must(2, 2)
		synctest.Wait()
		for n := range maxWaiting {
			o.digest.waits[fmt.Sprint(n)] = note{}
		}
		if f := hub.FaultOf(o.deliver(3, 3)); f == nil || f.Code != "digest-full" || f.Permanent {
			t.Error(f)
		}
		o.stop()
	})
}
