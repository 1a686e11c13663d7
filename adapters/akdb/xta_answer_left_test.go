package akdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
)

// TestXTASentBackForAnother: the Rückweisung contains the message, so it goes to an
// author who has not sent it only where the authority allows that, and never with
// what is blocked.
func TestXTASentBackForAnother(t *testing.T) {
	t.Parallel()
	open := replace(replace(generic(1), registerKey, "ags:09999999"), "ags:09999001", portalKey)
	for name, c := range map[string]struct {
		author, content string
		allowed         bool
		sent            int
	}{
		"not allowed": {"dbs:020000018888", open, false, 0}, "allowed": {"dbs:020000018888", open, true, 1},
		"blocked": {"dbs:020000018888", faulty(t, 1), true, 0}, "not named": {"", open, false, 0},
		"the same": {strings.ToUpper(portalKey), open, false, 1},
	} {
		b := newBroker(t, xtasim.Options{})
		l := to(c.content)
		l.Author = wire.Party{Type: "xoev", Kennung: c.author}
		b.Put(l)
		yaml := string(b.answering(""))
		if c.allowed {
			yaml = replace(yaml, "senden: true", "senden: true, fuer-andere: true")
		}
		s, err := akdb.XTA().Source(adaptertest.Env(b.dir), adaptertest.Settings(yaml))
		if err != nil {
			t.Fatal(err)
		}
		until(t, s, adaptertest.NewIntake(), func() bool { return b.quiet(t) && b.Calls("getStatusList") > 4 })
		if len(b.Sent()) != c.sent {
			t.Error(name, len(b.Sent()), "sent")
		}
		if c.sent == 1 {
			b.sentBack(t, "T080")
		}
		if aside, err := reports(b.dir); err != nil || len(aside) != 1 {
			t.Error(name, aside, err)
		}
	}
}

// waiting has one Rückweisung wait for its report, or for the server to take it, and
// gives its id in the outbox.
func (b *broker) waiting(t *testing.T, on string) (id string) {
	t.Helper()
	b.Order(xtasim.Order{On: on, Do: "9030"})
	b.Put(to(faulty(t, 1)))
	slow := adaptertest.Settings(replace(string(b.answering("")), "poll: 1ms", "poll: 2s"))
	s, err := akdb.XTA().Source(adaptertest.Env(b.dir), slow)
	if err != nil {
		t.Fatal(err)
	}
	until(t, s, adaptertest.NewIntake(), func() bool { return b.Calls(on) > 0 && len(b.Waiting(registerKey)) == 0 })
	files, err := filepath.Glob(filepath.Join(b.dir, "rueckweisung", "*.0"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return strings.TrimSuffix(filepath.Base(files[0]), ".0")
}

func (b *broker) done(t *testing.T, id string) bool {
	t.Helper()
	record, err := os.ReadFile(filepath.Join(b.dir, "rueckweisung", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(record), `"state":"done"`)
}

// TestXTASentBackSetAsideBefore: a crash came after a Rückweisung was set aside and
// before that was written down.
func TestXTASentBackSetAsideBefore(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"createMessageId", "sendMessage", "getTransportReport"} {
		b := newBroker(t, xtasim.Options{})
		id := b.waiting(t, on)
		file := filepath.Join(b.dir, "rueckweisung", id+".0")
		if err := os.Rename(file, filepath.Join(b.dir, "error", "rueckweisung_"+id+".xml")); err != nil {
			t.Fatal(err)
		}
		before := b.Calls(on)
		until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.done(t, id) })
		if b.Calls(on) != before {
			t.Error(on, "was called for what lies aside")
		}
	}
}

// TestXTASentBackDamaged: what is not what was written, Rückweisung or record, is
// kept for people and not sent.
func TestXTASentBackDamaged(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	id := b.waiting(t, "sendMessage")
	file := filepath.Join(b.dir, "rueckweisung", id+".0")
	content, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, content[:len(content)-20], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.done(t, id) })
	b.lies(t, "xta-lost")

	b = newBroker(t, xtasim.Options{})
	id = b.waiting(t, "sendMessage")
	if err := os.WriteFile(filepath.Join(b.dir, "rueckweisung", id+".json"), []byte(`{"state":`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Put(to(faulty(t, 1))) // it must not be answered a second time
	until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.quiet(t) })
	b.lies(t, "xta-record")
	if record, err := os.ReadFile(filepath.Join(b.dir, "error", "rueckweisung_"+id+".json")); string(record) != `{"state":` || !b.done(t, id) || len(b.Sent()) != 0 {
		t.Error(string(record), err, len(b.Sent()))
	}
}

// TestXTASentBackReload: with new settings a source is made while the old one still
// runs, and writes further Rückweisungen.
func TestXTASentBackReload(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	next := b.answeringSource(t, "")
	b.waiting(t, "sendMessage")
	until(t, next, adaptertest.NewIntake(), func() bool { return b.quiet(t) && len(b.Sent()) == 1 })
}

// TestXTASentBackNotSaved: that its record was written is not known; the message
// comes again, and the Rückweisung is on its way at once.
func TestXTASentBackNotSaved(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	b.Put(to(faulty(t, 1)))
	s, steps := b.answeringSource(t, ""), 0
	akdb.Mortal(s, func() error {
		if steps++; steps == 2 {
			return errors.New("the disk failed")
		}
		return nil
	})
	until(t, s, adaptertest.NewIntake(), func() bool { return b.quiet(t) && len(b.Sent()) == 1 })
}

// TestXTASentBackPanic: what nobody foresaw costs one Rückweisung, and not the hub.
func TestXTASentBackPanic(t *testing.T) {
	t.Parallel()
	for times, sent := range map[int32]int{2: 1, 1_000_000: 0} {
		b := newBroker(t, xtasim.Options{})
		b.Put(to(faulty(t, 1)))
		s := b.answeringSource(t, "")
		akdb.Panicking(s, times)
		until(t, s, adaptertest.NewIntake(), func() bool { return b.quiet(t) })
		if len(b.Sent()) != sent {
			t.Error(len(b.Sent()), "sent after", times, "panics")
		}
		if sent == 0 {
			b.lies(t, "xta-panic")
		}
	}
}

// TestXTASentBackTidied: contents without a record go at the start, and records of
// what is done also while the source runs.
func TestXTASentBackTidied(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	dir := filepath.Join(b.dir, "rueckweisung")
	orphan := filepath.Join(dir, "orphan.0")
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(orphan, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.Put(to(faulty(t, 1)))
	until(t, b.answeringSource(t, ", remember: 20ms"), adaptertest.NewIntake(), func() bool {
		left, err := os.ReadDir(dir)
		return err == nil && len(left) == 0 && len(b.Sent()) == 1
	})
}

// TestXTASentBackCrashes lets the source die at random between any two steps of what
// becomes of Rückweisungen that the server refuses: each lies where people look.
func TestXTASentBackCrashes(t *testing.T) {
	t.Parallel()
	random := seed(t)
	b := newBroker(t, xtasim.Options{})
	b.Order(xtasim.Order{On: "sendMessage", Do: "9050", Times: -1})
	const messages = 25
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := range messages {
		b.Put(to(faulty(t, n)))
		ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
		now := &life{left: random.IntN(6), end: end}
		s := b.answeringSource(t, "")
		akdb.Mortal(s, now.step)
		in := adaptertest.NewIntake()
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, in) }()
		for now.lives() && !b.ended(t, n+1) {
			<-tick.C
		}
		end()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.ended(t, messages) })
	aside, err := filepath.Glob(filepath.Join(b.dir, "error", "rueckweisung_*.xml"))
	if err != nil || len(aside) != messages || len(b.Sent()) != 0 {
		t.Error(len(aside), "lie aside,", len(b.Sent()), "were sent", err)
	}
}

// ended says whether all Rückweisungen are there, and done with.
func (b *broker) ended(t *testing.T, want int) bool {
	t.Helper()
	records, err := filepath.Glob(filepath.Join(b.dir, "rueckweisung", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(records) == want && b.quiet(t) &&
		!slices.ContainsFunc(records, func(r string) bool { return !b.done(t, strings.TrimSuffix(filepath.Base(r), ".json")) })
}
