package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

const (
	soakRate  = 100             // events a second, without AMTSBOTE_SOAK_RATE
	soakKeys  = 128             // each has one event underway
	soakShort = 8 * time.Second // without AMTSBOTE_SOAK
	soakAhead = 40              // seconds of load that may wait for their decision, as far as the books know
)

// soak is a long run: load, and everything that happens to a hub.
type soak struct {
	t        *testing.T
	r        *rand.Rand
	h        *host
	load     *load
	books    *books
	commit   string // that the hub was built from
	rate     int
	length   time.Duration
	poisoned int
	count    map[string]int // of what was done to the hub
	began    time.Time
	told     time.Time // when it said last how far it is
	sizes    []sizes
}

// TestSoak keeps the hub under load for AMTSBOTE_SOAK (a duration; `task soak`),
// poison first in its queue, and kills it, restarts it, and reloads a changed
// federation directory meanwhile, while it removes what has had its time. One
// receiver is slow, one fails, one sink fails and hangs, and of one mailbox all
// expires. It checks all along, and exactly at the end.
func TestSoak(t *testing.T) {
	t.Parallel()
	notRaced(t)
	seed := chaosSeed(t)
	s := &soak{t: t, commit: commit(), r: rand.New(rand.NewPCG(seed, 1)), rate: soakRate, length: soakShort, count: map[string]int{}}
	var err error
	if d := os.Getenv("AMTSBOTE_SOAK"); d != "" {
		if s.length, err = time.ParseDuration(d); err != nil {
			t.Fatalf("AMTSBOTE_SOAK: %v", err)
		}
	}
	if n := os.Getenv("AMTSBOTE_SOAK_RATE"); n != "" {
		if s.rate, err = strconv.Atoi(n); err != nil {
			t.Fatalf("AMTSBOTE_SOAK_RATE: %v", err)
		}
	}
	s.h = newLoadedHost(t, seed)
	s.h.start()
	s.up()
	s.books = newBooks(t)
	s.load = newLoad(t, s.h, seed, 1<<40, soakKeys)
	s.began = time.Now()
	defer func() { s.report(seed) }() // also when it fails
	s.load.within(s.length + patience)
	s.load.pace = paced(t, s.rate, func() bool { return s.load.count() > int(s.books.decided.Load())+soakAhead*max(s.rate, 1000) })
	s.receivers(seed)
	s.poison()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.load.publishAll()
	}()
	for time.Since(s.began) < s.length && !t.Failed() {
		s.step()
	}
	s.load.stop()
	<-done
	s.finish()
}

// newLoadedHost prepares a hub that removes all the time, with a sink that cannot
// be relied on.
func newLoadedHost(t *testing.T, seed uint64) *host {
	t.Helper()
	h := newHost(t, buildHub(t, "-tags", "amtsbote_unreliable"), "")
	writeLoaded(t, h.fed)
	h.remove, h.env = "1s", append(h.env, fmt.Sprint("AMTSBOTE_UNRELIABLE_SEED=", seed))
	return h
}

func (s *soak) receivers(seed uint64) {
	s.t.Helper()
	receive(s.t, s.h, s.books, "beta.one", slow(seed))
	receive(s.t, s.h, s.books, "beta.two", failing(seed))
	receive(s.t, s.h, s.books, "alpha.post", prompt)
	collect(s.t, s.h, s.books)
}

// step waits a moment, does one thing to the hub, and checks. In long runs the
// moments are longer: so the hub works more than it starts.
func (s *soak) step() {
	stretch := min(max(s.length/(10*time.Minute), 1), 4)
	<-time.After(stretch * (time.Second + time.Duration(s.r.Int64N(int64(3*time.Second)))))
	switch x := s.r.IntN(10); {
	case x < 4:
		s.did("kills")
		s.h.kill()
		s.h.start()
		if s.r.IntN(3) == 0 { // once more while it starts
			<-time.After(time.Duration(s.r.Int64N(int64(startUp))))
			s.did("kills")
			s.h.kill()
			s.h.start()
		}
		s.up()
	case x < 6:
		s.did("restarts")
		s.h.stop()
		s.h.start()
		s.up()
		s.poison()
	default:
		s.did("reloads")
		s.change()
	}
	s.look()
}

func (s *soak) did(what string) { s.count[what]++ }

func (s *soak) up() {
	s.t.Helper()
	if !s.h.comesUp() {
		s.t.Fatalf("the hub did not come up again: %v", s.h.err)
	}
}

// change has the hub reload the directory, one type more or less in it.
func (s *soak) change() {
	s.t.Helper()
	schema, agreement := filepath.Join(s.h.fed, "schemas", hubtest.Sache), filepath.Join(s.h.fed, "agreements", "sache-eins.yaml")
	if _, err := os.Stat(schema); err != nil {
		hubtest.AddSache(s.t, s.h.fed)
	} else {
		for _, path := range []string{schema, agreement} {
			if err := os.RemoveAll(path); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	if err := s.h.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
}

// poison sends events that each break something on their way.
func (s *soak) poison() {
	s.t.Helper()
	nc, js := s.h.connect()
	defer nc.Close()
	for _, data := range poison {
		// no two are the same: of some not even the id can be read
		sendOne(s.t, js, fmt.Sprintf("poison-%d", s.poisoned), data+strings.Repeat(" ", s.poisoned))
		s.poisoned++
	}
}

// look reads on and checks what must hold at any time: nothing acknowledged is
// missing or was decided otherwise than it must be.
func (s *soak) look() {
	s.t.Helper()
	fresh, last := s.load.fresh()
	s.h.waitDecided(last)
	s.read()
	s.books.claim(fresh)
	s.sizes = append(s.sizes, s.h.sizes())
	if now := time.Now(); now.Sub(s.told) > time.Minute {
		s.told = now
		s.t.Logf("after %s: %d acknowledged, %d decided, %d kills", now.Sub(s.began).Round(time.Second), s.load.count(), s.books.decided.Load(), s.count["kills"])
	}
}

func (s *soak) read() {
	s.t.Helper()
	nc, js := s.h.connect()
	defer nc.Close()
	s.books.readOn(js)
}

// finish lets the hub settle everything, and all go that can go, and checks
// exactly.
func (s *soak) finish() {
	s.t.Helper()
	s.h.waitSettled()
	s.look()
	nc, js := s.h.connect()
	defer nc.Close()
	eventuallyWithin(s.t, 2*time.Minute, "all copies to arrive and to be removed", func() error {
		s.books.readOn(js)
		return s.books.settled(js)
	})
	s.books.check(s.t, js, s.load)
	s.flat()
	s.sizes = append(s.sizes, s.h.sizes())
	s.h.stop()
	findMarker(s.t, s.h.data, s.h.log)
}

// flat: what is removed does not grow in a run that is long enough to tell.
func (s *soak) flat() {
	s.t.Helper()
	if s.length < flatFrom {
		return
	}
	for _, stream := range []string{"IN_alpha", "OUT"} {
		if err := flat(s.sizes, stream); err != nil {
			s.t.Error(err)
		}
	}
}

// settled says what keeps the books from being closed.
func (b *books) settled(js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	in, _, err := count(ctx, js, "IN_alpha", ">")
	out, _, err2 := count(ctx, js, "OUT", "out.*.*.>")
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var open []string
	for _, box := range b.all() {
		if text := box.open(); text != "" {
			open = append(open, text)
		}
	}
	for subject, shelf := range b.in {
		if n := shelf.left(); n > 0 {
			open = append(open, fmt.Sprintf("%d of %s are not removed", n, subject))
		}
	}
	if in+out > 0 || len(open) > 0 {
		return fmt.Errorf("%d lie in IN, %d in OUT; %s", in, out, strings.Join(open, "; "))
	}
	return nil
}

// check closes the books.
func (b *books) check(t *testing.T, js jetstream.JetStream, pub *load) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, last, err := count(ctx, js, "IN_alpha", ">")
	rest, _, err2 := count(ctx, js, "QUARANTINE", "quarantine.*.*.>")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.known {
		for id := range of {
			b.close(of, id)
		}
	}
	sum := 0
	for _, n := range b.outcomes {
		sum += n
	}
	removed := uint64(0)
	for _, shelf := range b.in {
		removed += shelf.gone
	}
	if decided := b.decided.Load(); decided != last || uint64(sum) != last || removed != last {
		t.Errorf("%d were stored in IN, %d decided, %d outcomes, %d removed", last, decided, sum, removed)
	}
	if n := pub.count(); b.claimed != n {
		t.Errorf("%d acknowledged, %d in the books", n, b.claimed)
	}
	if refused := b.outcomes["quarantined"] + b.outcomes["unrouted"]; rest != uint64(refused) {
		t.Errorf("%d lie in quarantine, %d must", rest, refused)
	}
	if four := b.boxes["beta.four"]; b.expired != four.copies {
		t.Errorf("%d expired, %d copies", b.expired, four.copies)
	}
}

func (b *books) all() []*box {
	return []*box{b.boxes["beta.one"], b.boxes["beta.two"], b.boxes["beta.three"], b.files, b.boxes["beta.four"], b.boxes["alpha.post"]}
}

// count tells what lies at a subject of a stream, and the stream's last sequence.
func count(ctx context.Context, js jetstream.JetStream, stream, filter string) (n, last uint64, err error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, 0, err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return 0, 0, err
	}
	for _, some := range info.State.Subjects {
		n += some
	}
	return n, info.State.LastSeq, nil
}
