package bus

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
)

// serve answers verb "double" until the test ends.
func serve(t *testing.T, b *Bus) {
	t.Helper()
	l, err := b.Listen(t.Context(), "double")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		err := l.Serve(ctx, func(_ context.Context, req []byte) ([]byte, error) {
			if len(req) == 0 {
				return nil, errors.New("nothing to double: give a word")
			}
			return append(req, req...), nil
		})
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func TestControl(t *testing.T) {
	b, _ := start(t)
	if _, err := b.Call(t.Context(), "double", []byte("a")); !errors.Is(err, ErrNoHub) {
		t.Errorf("asked while nobody listens: %v, want ErrNoHub", err)
	}
	serve(t, b)
	if got, err := b.Call(t.Context(), "double", []byte("ab")); string(got) != "abab" || err != nil {
		t.Errorf("Call = %q, %v", got, err)
	}
	_, err := b.Call(t.Context(), "double", nil)
	if refused, ok := errors.AsType[ActError](err); !ok || refused != "nothing to double: give a word" {
		t.Errorf("a refused act gave %v", err)
	}
}

// TestControlAnswersInboxesOnly: with another reply subject the answer would be
// published with the hub's own rights, even to JetStream's API.
func TestControlAnswersInboxesOnly(t *testing.T) {
	b, _ := start(t)
	serve(t, b)
	if err := b.nc.PublishMsg(&nats.Msg{Subject: "hub.control.double", Reply: "in.lhm.forged.t", Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	// requests are answered in their order: when this one is, the other was
	if _, err := b.Call(t.Context(), "double", []byte("y")); err != nil {
		t.Fatal(err)
	}
	if n, err := b.LastSeq(t.Context(), "IN_lhm"); n != 0 || err != nil {
		t.Errorf("the answer went into an in stream (%d, %v)", n, err)
	}
}

func TestPurgeAndPage(t *testing.T) {
	b, _ := start(t)
	for _, subject := range []string{"parked.a.b.out.1", "parked.a.b.out.2", "parked.a.b.out.1", "parked.a.b.out.1"} {
		if _, err := b.Publish(t.Context(), msgs(subject, 1)[0]); err != nil {
			t.Fatal(err)
		}
	}
	page, err := b.Page(t.Context(), Parked, "parked.a.b.out.1", 1, 2)
	if err != nil || len(page) != 2 || page[0].Seq != 3 || page[1].Seq != 4 {
		t.Errorf("Page behind 1 = %v, %v; want 3 and 4", page, err)
	}
	for range 2 {
		if err := b.Purge(t.Context(), Parked, "parked.a.b.out.1", 3); err != nil {
			t.Fatal(err)
		}
	}
	left, err := b.Subjects(t.Context(), Parked, "parked.>")
	if err != nil || left["parked.a.b.out.1"] != 1 || left["parked.a.b.out.2"] != 1 {
		t.Errorf("after purging up to 3 there are %v, %v", left, err)
	}
	if err := b.Purge(t.Context(), Parked, "parked.*.*.out.*", Everything); err != nil {
		t.Fatal(err)
	}
	if left, err = b.Subjects(t.Context(), Parked, "parked.>"); err != nil || len(left) != 0 {
		t.Errorf("after purging everything there are %v, %v", left, err)
	}
}
