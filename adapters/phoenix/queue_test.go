package phoenix

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub"
)

// A target that is gone for good keeps no other from its notices, and is told of all
// when it comes back.
func TestDigestOneGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "b", "a")
		o.people.set(func() { o.fail["b"] = hub.Retryable("unknown-user", "gone") })
		if err := o.deliver(1, 1); err == nil || hub.FaultOf(err).Permanent {
			t.Fatal(err)
		}
		o.must(1, 1) // the hub tries again: it waits for b alone now
		o.expect("a:" + one)
		o.must(2, 2)
		time.Sleep(window)
		o.expect("a:"+one, "a:"+one)
		o.must(3, 3)
		o.must(4, 4)
		o.restart()
		time.Sleep(window)
		o.expect("a:"+one, "a:"+one, "a:: 2 Vorgänge warten")
		time.Sleep(time.Hour)
		o.people.set(func() { delete(o.fail, "b") })
		time.Sleep(mostDelay + window)
		o.expect("a:"+one, "a:"+one, "a:: 2 Vorgänge warten", "b:"+one, "b:: 3 Vorgänge warten")
		if left, err := o.journal.list(waits); err != nil || len(left) != 0 {
			t.Error(left, err)
		}
		o.stop()
	})
}

// What one target refuses for good is tried again under the same id, and the other is
// not told again, after a restart neither.
func TestDigestRefusedByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a", "b")
		o.must(1, 1)
		o.people.set(func() { o.fail["b"], o.tried = hub.Permanent("refused", "no"), nil })
		o.must(2, 2)
		o.must(3, 3)
		time.Sleep(window + time.Minute)
		o.must(4, 4)
		o.restart()
		time.Sleep(window)
		o.stop()
		o.expect("a:"+one, "b:"+one, "a:: 2 Vorgänge warten", "a:"+one)
		ids := map[string]bool{}
		for _, tried := range o.tried {
			if id, of := strings.CutPrefix(tried, "b "); of {
				ids[id] = true
			}
		}
		if len(ids) != 1 {
			t.Error("the digest is tried as several", ids)
		}
	})
}

// A delivery that comes again while its digest is told, and ends waiting, is not told.
func TestDigestRedelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		o.must(2, 2)
		time.Sleep(window + time.Second)
		o.expect("a:"+one, "a:"+one)
		marks, err := o.journal.list(done)
		if err != nil || len(marks) != 2 {
			t.Fatal(marks, err)
		}
		for _, mark := range marks {
			if err := o.journal.drop(done, mark); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(window)
		o.gate <- struct{}{} // as who tells has it
		again := make(chan error, 1)
		go func() { again <- o.deliver(2, 2) }()
		synctest.Wait()
		if err := o.journal.mark(done, marks); err != nil {
			t.Fatal(err)
		}
		<-o.gate
		if err := <-again; err != nil {
			t.Error(err)
		}
		o.expect("a:"+one, "a:"+one)
		o.stop()
	})
}

// Without sammeln what still waits from before is told by its digest alone.
func TestDigestNoMoreRedelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		for n := range 3 {
			o.must(n, n)
		}
		o.stop()
		o.set.Sammeln = 0
		o.people.set(func() { o.fail["a"] = hub.Retryable("unknown-user", "away") })
		o.start()
		o.must(2, 2)
		o.people.set(func() { delete(o.fail, "a") })
		time.Sleep(mostDelay)
		o.expect("a:"+one, "a:: 2 Vorgänge warten")
		o.stop()
	})
}

// The sink that a reload makes before the old one has stopped has what that one noted.
func TestDigestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		next := o.make("test", zap.NewNop())
		for n := range 3 {
			o.must(n, n)
		}
		o.stop()
		o.work(next)
		time.Sleep(window)
		o.expect("a:"+one, "a:: 2 Vorgänge warten")
		o.stop()
	})
}

// A clock that was ahead once silences nobody.
func TestDigestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.stop()
		raw, err := json.Marshal(queueState{Last: time.Now().Add(1000 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.journal.put(raw, (&queue{target: "a"}).file()); err != nil {
			t.Fatal(err)
		}
		o.start()
		o.must(1, 1)
		time.Sleep(window + time.Second)
		o.expect("a:" + one)
		o.stop()
	})
}

// When the server is in trouble no further target is tried, and nobody before the time
// that it asks for; then the next one has its turn.
func TestServerTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a", "b", "c")
		o.stop()
		o.set.Sammeln = 0
		o.start()
		o.people.set(func() {
			for _, target := range o.all {
				o.fail[target] = &hub.Fault{Code: rateLimited, Later: true, After: 5 * time.Minute}
			}
		})
		for n, want := range []time.Duration{5 * time.Minute, 4 * time.Minute} { // another event, too
			if f := hub.FaultOf(o.deliver(n, n)); f == nil || f.After != want || !f.Later || f.Permanent {
				t.Errorf("%+v", f)
			}
			time.Sleep(time.Minute)
		}
		if len(o.tried) != 1 {
			t.Error("a server that asks to wait is asked again", o.tried)
		}
		time.Sleep(3 * time.Minute)
		o.people.set(func() { o.fail = map[string]error{"b": hub.Retryable("timeout", "late")} })
		if f := hub.FaultOf(o.deliver(0, 0)); f == nil || f.Code != "timeout" {
			t.Error(f)
		}
		if err := o.deliver(0, 0); err == nil {
			t.Error("b is not told")
		}
		o.expect("c:"+one, "a:"+one) // b once more after them
		o.stop()
	})
}

// Of two faults the longer wait counts, and what is worth a try before what is not.
func TestWorse(t *testing.T) {
	t.Parallel()
	short, long := &hub.Fault{Code: "x", After: 1}, &hub.Fault{Code: "x", After: 2}
	final := hub.Permanent("refused", "no")
	for i, c := range []struct{ a, b, want error }{
		{nil, final, final}, {final, nil, final}, {short, long, long}, {long, short, long}, {final, short, short}, {short, final, short}, {nil, nil, nil},
	} {
		if got := worse(c.a, c.b); got != c.want { //nolint:errorlint // the very one
			t.Error(i, got)
		}
	}
}

// What is told is let go in pieces.
func TestRelease(t *testing.T) {
	t.Parallel()
	s, err := newSink(hub.Env{Adapter: "test", Dir: t.TempDir()}, noticeDefaults(), &people{all: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	for n := range releasedOnce + 1 {
		s.digest.waits[fmt.Sprint(n)] = note{}
		s.digest.queues[0].said[fmt.Sprint(n)] = true
		s.digest.queues[1].said[fmt.Sprint(n)] = n > 0 // b has not got the first
	}
	s.digest.waits["x"], s.digest.queues[0].said["x"], s.digest.queues[1].said["x"] = note{}, true, true
	delete(s.digest.queues[1].said, "0")
	for range 3 {
		more, err := s.release()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	marks, err := s.journal.list(done)
	if err != nil || len(marks) != releasedOnce+1 || slices.Contains(marks, "0") || len(s.digest.waits) != 1 {
		t.Error(len(marks), len(s.digest.waits), err)
	}
}

// Forgetting ends with ctx.
func TestTidyEnds(t *testing.T) {
	t.Parallel()
	j, err := openJournal(t.TempDir(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.mark(done, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	later := time.Now().Add(2 * time.Hour)
	if err := j.tidyFolder(ctx, done, later); err != nil {
		t.Fatal(err)
	}
	if has, err := j.has(done, "x"); err != nil || !has {
		t.Error("it goes on after ctx", err)
	}
}

// What an adapter has left that was renamed is reported; what others work on is not.
func TestStrays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		o.must(2, 2)
		o.stop()
		core, logs := observer.New(zap.ErrorLevel)
		o.work(o.make("neu", zap.New(core)))
		time.Sleep(lookFirst + time.Second)
		synctest.Wait()
		all := logs.TakeAll()
		if len(all) != 1 || all[0].ContextMap()["folder"] != "test" || all[0].ContextMap()["waiting"] != int64(1) {
			t.Error(all)
		}
		renamed := o.stop
		o.people.set(func() { o.fail["a"] = hub.Retryable("unknown-user", "away") })
		o.start() // the old name is back, and has something waiting
		time.Sleep(2 * lookEvery)
		synctest.Wait()
		if all := logs.TakeAll(); len(all) != 0 {
			t.Error(all)
		}
		o.stop()
		renamed()
		if _, err := os.Stat(filepath.Join(o.dir, "phoenix", "neu", lockFile)); err != nil {
			t.Error(err)
		}
	})
}
