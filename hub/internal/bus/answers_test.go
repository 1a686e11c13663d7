package bus

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// TestNoAnswer: who waits for what became of a chain waits Timeout, and no longer; the ear
// hears the next one.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{msgs: make(chan *nats.Msg, earRoom), late: time.NewTimer(Timeout), closed: make(chan nats.Status)}
		for range 2 {
			began := time.Now()
			_, err := e.became(t.Context(), "begun", "ended", false)
			if !errors.Is(err, ErrUnclear) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != Timeout {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		}
		e.msgs <- &nats.Msg{Subject: "ended", Data: []byte(`{"stream":"OUT","seq":7}`)}
		if ack, err := e.became(t.Context(), "begun", "ended", true); err != nil || ack.Sequence != 7 {
			t.Errorf("then %v, %v", ack, err)
		}
	})
}
