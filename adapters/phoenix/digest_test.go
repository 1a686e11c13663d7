package phoenix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	mu   sync.Mutex
	fail map[string]error // by target
	lose bool             // told, and the answer is lost
	said []string         // target, id, subject
	all  []string
}

func (p *people) targets() []string { return p.all }

func (p *people) send(_ context.Context, target string, m message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	s, err := newSink(hub.Env{Adapter: "test", Dir: o.dir, Log: zap.NewNop()}, o.set, o.people)
	if err != nil {
		o.t.Fatal(err)
	}
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

// While a digest fails, nothing more is noted: the hub keeps it, and hears why. A
// target that was told is not told again, and afterwards all goes on.
func TestDigestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a", "b")
		for n := range 3 {
			o.must(n, n)
		}
		o.people.set(func() { o.fail["a"] = hub.Retryable("unreachable", "away") })
		time.Sleep(window + time.Second)
		o.expect("a:"+one, "b:"+one, "b:: 2 Vorgänge warten")
		f := hub.FaultOf(o.deliver(9, 9))
		if f == nil || f.Code != "digest-fails" || f.Permanent {
			t.Fatal(f)
		}
		time.Sleep(time.Hour)
		o.people.set(func() { delete(o.fail, "a") })
		time.Sleep(mostDelay)
		o.expect("a:"+one, "b:"+one, "b:: 2 Vorgänge warten", "a:: 2 Vorgänge warten")
		o.must(9, 9)
		time.Sleep(window)
		o.expect("a:"+one, "b:"+one, "b:: 2 Vorgänge warten", "a:: 2 Vorgänge warten", "a:"+one, "b:"+one)
		o.stop()
	})
}

// One target that fails from the first event on does not have the other told of each.
func TestDigestHalfFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a", "b")
		o.people.set(func() { o.fail["b"] = hub.Retryable("unreachable", "away") })
		if err := o.deliver(1, 1); err == nil || hub.FaultOf(err).Permanent {
			t.Fatal(err)
		}
		o.must(1, 1) // the hub tries again: it waits for the digest now
		time.Sleep(window)
		o.expect("a:" + one)
		if err := o.deliver(2, 2); err == nil {
			t.Error("an event is taken while the digest fails")
		}
		o.people.set(func() { delete(o.fail, "b") })
		time.Sleep(mostDelay)
		o.expect("a:"+one, "b:"+one)
		o.stop()
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

// What the disk can hold after a crash at each step of a digest ends in each event
// told, and in nothing told twice that was known to be told.
func TestDigestCrash(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string, state digestState) error
		said  []string // after the crash
	}{
		"before it was frozen": {func(dir string, _ digestState) error { return os.Remove(filepath.Join(dir, stateFile)) }, []string{"a:: 3 Vorgänge warten"}},
		"while it was told":    {func(string, digestState) error { return nil }, []string{"a:: 3 Vorgänge warten"}},
		"half a state": {func(dir string, _ digestState) error {
			return os.WriteFile(filepath.Join(dir, stateFile), []byte("{"), 0o600)
		}, []string{"a:: 3 Vorgänge warten"}},
		"told, before the marks":  {toldAll, nil},
		"told, between the marks": {toldSome, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, "a")
				o.must(0, 0)
				for n := 1; n <= 3; n++ {
					o.must(n, n)
				}
				o.people.set(func() { o.fail["a"] = errors.New("killed") })
				time.Sleep(window + time.Second)
				synctest.Wait()
				o.stop()
				o.people.set(func() { o.fail, o.said = map[string]error{}, nil })
				dir := filepath.Join(o.dir, "phoenix", "test")
				if err := c.spoil(dir, o.digest.state); err != nil {
					t.Fatal(err)
				}
				o.start()
				time.Sleep(window)
				o.expect(c.said...)
				for n := range 4 {
					o.must(n, n)
				}
				time.Sleep(window)
				o.expect(c.said...)
				if left, err := os.ReadDir(filepath.Join(dir, waits)); err != nil || len(left) != 0 {
					t.Error(left, err)
				}
				o.stop()
			})
		})
	}
}

func toldAll(dir string, state digestState) error {
	state.Told, state.Last = true, time.Now()
	s := &sink{journal: &journal{dir: dir}}
	return s.save(state)
}

func toldSome(dir string, state digestState) error {
	if err := toldAll(dir, state); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, done, state.Members[0]), nil, 0o600), os.Remove(filepath.Join(dir, waits, state.Members[0])),
		os.WriteFile(filepath.Join(dir, done, state.Members[1]), nil, 0o600))
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

// What was told long ago is forgotten, what was told lately is not.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		dir := filepath.Join(o.dir, "phoenix", "test", done)
		marks, err := os.ReadDir(dir)
		if err != nil || len(marks) != 1 {
			t.Fatal(marks, err)
		}
		old := time.Now().Add(-o.set.Merken - time.Minute)
		if err := os.Chtimes(filepath.Join(dir, marks[0].Name()), old, old); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if err := os.WriteFile(filepath.Join(dir, "neu"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, "neu"), now, now); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		o.must(2, 2)
		if has, err := o.journal.has(done, marks[0].Name()); has || err != nil {
			t.Error("what is old is not forgotten", err)
		}
		if has, err := o.journal.has(done, "neu"); !has || err != nil {
			t.Error("what is new is forgotten", err)
		}
		o.stop()
	})
}
