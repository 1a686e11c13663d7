package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestChainIsGuarded: a chain stands there without gaps, and one whose guard does
// not hold leaves nothing behind.
func TestChainIsGuarded(t *testing.T) {
	b, _ := start(t)
	at, err := b.Append(t.Context(), msgs("out.cursor.IN_lhm", 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	guard := Guard{"out.cursor.IN_lhm", at}
	for n, want := uint64(1), at+1; n <= 40; n++ {
		first, err := b.Chain(t.Context(), msgs("out.lhm.kfz.t", int(n)), guard)
		if err != nil || first != want {
			t.Fatalf("a chain of %d = %d, %v; want %d", n, first, err, want)
		}
		want += n
	}
	if end, err := b.End(t.Context(), Out); err != nil || end != at+40*41/2 {
		t.Errorf("End = %d, %v", end, err)
	}
	if _, err := b.Append(t.Context(), msgs("out.cursor.IN_lhm", 1), at); err != nil {
		t.Fatal(err)
	}
	before, _ := b.LastSeq(t.Context(), Out)
	if _, err := b.Chain(t.Context(), msgs("out.lhm.kfz.t", 5), guard); !errors.Is(err, ErrFenced) || errors.Is(err, ErrUnclear) {
		t.Errorf("with the guard moved: %v, want ErrFenced", err)
	}
	if after, _ := b.LastSeq(t.Context(), Out); after != before {
		t.Errorf("it left %d messages", after-before)
	}
}

// TestChainLendsHeaders: a header of a message's own says its place in the chain, and may be
// used for one again, at another place, also when the chain is refused; what is stored is the
// same as of one that is not.
func TestChainLendsHeaders(t *testing.T) {
	b, _ := start(t)
	at, err := b.Append(t.Context(), msgs("out.cursor.IN_lhm", 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	some := msgs("out.lhm.kfz.t", 3)
	chain := func(own bool, guard Guard) (first uint64, err error) {
		t.Helper()
		some[0], some[1], some[2] = some[2], some[0], some[1]
		for i := range some {
			some[i].Header = map[string][]string{"ce-id": {strconv.Itoa(i)}}
			if own && some[i].Own == nil {
				some[i].Own = &event.Own{Header: some[i].Header}
			} else if own {
				some[i].Header = some[i].Own.Header
			}
		}
		first, err = b.Chain(t.Context(), some, guard)
		for i := range some {
			place := func(name string, _ []string) bool {
				return own && (name == jetstream.MsgIDHeader || name == jetstream.ExpectedLastMsgIDHeader)
			}
			h := maps.Clone(some[i].Header)
			if maps.DeleteFunc(h, place); len(h) != 1 || len(h["ce-id"]) != 1 {
				t.Errorf("own %v, %v: the header is %v afterwards", own, err, some[i].Header)
			}
		}
		return first, err
	}
	names := func(first uint64) (out [][]string) {
		t.Helper()
		for i := range uint64(3) {
			m, err := b.At(t.Context(), Out, first+i, ">")
			if err != nil || m == nil {
				t.Fatal(m, err)
			}
			out = append(out, slices.Sorted(maps.Keys(m.Header)))
		}
		return out
	}
	guard := Guard{"out.cursor.IN_lhm", at}
	shared, err := chain(false, guard)
	if err != nil {
		t.Fatal(err)
	}
	own, err := chain(true, guard)
	if err != nil {
		t.Fatal(err)
	}
	b.known.forget(Out, own+2)
	if again, err := chain(true, guard); err != nil || again != own+3 {
		t.Errorf("with the guard itself: %d, %v", again, err)
	}
	if _, err := chain(true, Guard{guard.Subject, at + 100}); !errors.Is(err, ErrFenced) {
		t.Errorf("with the guard moved: %v", err)
	}
	for _, first := range []uint64{own, own + 3} {
		if a, b := names(shared), names(first); !slices.EqualFunc(a[1:], b[1:], slices.Equal) {
			t.Errorf("stored headers are %v, want %v", b, a)
		}
	}
	batch, err := b.AppendUnguarded(t.Context(), some) // what they say of the chain is left out
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range names(batch) {
		if slices.Contains(h, jetstream.MsgIDHeader) || slices.Contains(h, jetstream.ExpectedLastMsgIDHeader) {
			t.Errorf("message %d of the batch has %v", i, h)
		}
	}
}

// TestChainIsABeginning: another instance writes to the same stream all the time.
// What is stored of a chain is a beginning of it, without gaps; and whoever is told
// that all is stored finds all.
func TestChainIsABeginning(t *testing.T) {
	b, s := start(t)
	other, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := other.Publish(t.Context(), event.Message{Subject: "out.lhm.foreign.t"}); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	const chains, length = 300, 40
	whole := map[string]bool{}
	for c := range chains {
		some := msgs(fmt.Sprintf("out.lhm.kfz.c%d", c), length)
		for i := range some {
			some[i].Data = fmt.Append(nil, i)
		}
		_, err := b.Chain(t.Context(), some, Guard{})
		if whole[some[0].Subject] = err == nil; err != nil && !errors.Is(err, ErrUnclear) {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	found, last := map[string]int{}, map[string]uint64{}
	err = b.Read(t.Context(), Out, 1, []string{"out.lhm.kfz.>"}, func(m *event.Message) error {
		if n := found[m.Subject]; string(m.Data) != fmt.Sprint(n) || n > 0 && m.Seq != last[m.Subject]+1 {
			t.Errorf("%s: message %s at %d stands behind %d of it, the last one at %d", m.Subject, m.Data, m.Seq, n, last[m.Subject])
		}
		found[m.Subject]++
		last[m.Subject] = m.Seq
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for subject, all := range whole {
		if !all {
			broken++
		} else if found[subject] != length {
			t.Errorf("%s: %d stored, and it was said that all are", subject, found[subject])
		}
	}
	t.Logf("%d of %d chains were broken", broken, chains)
	if broken == 0 {
		t.Error("no chain was broken: the test shows nothing")
	}
}

// TestChainsAndBatches: what one instance writes never breaks its own chains.
func TestChainsAndBatches(t *testing.T) {
	b, _ := start(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 30 {
				var err error
				switch (i + n) % 3 {
				case 0:
					_, err = b.Chain(t.Context(), msgs("trail.decision.IN_lhm.00", 5), Guard{})
				case 1:
					_, err = b.AppendUnguarded(t.Context(), msgs("trail.delivery.x.00", 3))
				case 2:
					_, err = b.Publish(t.Context(), msgs("trail.act.x", 1)[0])
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestSettled: what lies behind a cursor without one bounds what is settled.
func TestSettled(t *testing.T) {
	b, _ := start(t)
	if got := b.Settled(Out); got != math.MaxUint64 {
		t.Errorf("nothing is loose: %d", got)
	}
	b.Loose(Out, "IN_a", 7)
	b.Loose(Out, "IN_b", 4)
	b.Loose(Quarantine, "IN_c", 1)
	if got := b.Settled(Out); got != 3 {
		t.Errorf("settled up to %d, want 3", got)
	}
	b.Loose(Out, "IN_b", 0)
	if got := b.Settled(Out); got != 6 {
		t.Errorf("settled up to %d, want 6", got)
	}
}

// TestAnswers: the short way of reading a confirmation takes what this server gives, and says
// nothing of others.
func TestAnswers(t *testing.T) {
	b, _ := start(t)
	answer, err := b.nc.RequestWithContext(t.Context(), "out.lhm.kfz.t", nil)
	if err != nil {
		t.Fatal(err)
	}
	if ack := plainAck(answer.Data); ack == nil || ack.Stream != Out || ack.Sequence != 1 {
		t.Errorf("%s is read as %v", answer.Data, ack)
	}
	for answer, want := range map[string]bool{
		`{"stream":"OUT","seq":7,"duplicate":true}`:         false,
		`{"stream":"OUT","seq":7}`:                          true,
		`{"stream":"OUT","domain":"hub","seq":7}`:           true,
		`{"stream":"OUT","seq":0}`:                          false,
		`{"stream":"","seq":7}`:                             false,
		`{"stream":"OUT","seq":7`:                           false,
		`{"stream":"OUT","seq":-7}`:                         false,
		`{"stream":"O\"UT","seq":7}`:                        true,
		`{"error":{"code":400,"description":"\",\"seq\":7}`: false,
		``: false,
	} {
		ack, err := confirmed(&nats.Msg{Data: []byte(answer)})
		if ok := err == nil && ack.Sequence == 7; ok != want {
			t.Errorf("%s is read as %v, %v", answer, ack, err)
		}
	}
}

// TestClosedMeanwhile: who waits for an answer hears that the connection was closed.
func TestClosedMeanwhile(t *testing.T) {
	b, _ := start(t)
	ear, err := b.answers.lend(b.nc)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := ear.became(context.Background(), ear.subject(), ear.subject(), false)
		failed <- err
	}()
	b.Close()
	select {
	case err := <-failed:
		if !errors.Is(err, ErrUnclear) || !errors.Is(err, nats.ErrConnectionClosed) {
			t.Errorf("it hears %v", err)
		}
	case <-time.After(Timeout):
		t.Error("it goes on waiting")
	}
}
