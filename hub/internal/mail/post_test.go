package mail

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"
)

// TestPostHour: one mail an hour for an application and kind of thing; what comes
// meanwhile is counted and told in the next.
func TestPostHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.told("kreis.jugend", "parked")
		w.expect(1)
		for range 500 {
			w.told("kreis.jugend", "parked")
		}
		w.told("kreis.jugend", "gone")
		w.told("kreis.abfall", "parked")
		w.expect(3)
		if n := w.Waiting(); n != 1 {
			t.Errorf("%d mails wait, want 1", n)
		}
		time.Sleep(pause - time.Second)
		w.expect(3)
		time.Sleep(2 * time.Second)
		if m := w.expect(4); !strings.Contains(m.body, "Count: 500 times since 2") || !strings.Contains(m.body, "Anzahl: 500-mal seit 2") {
			t.Errorf("the second mail says\n%s", m.body)
		}
		time.Sleep(10 * pause)
		w.expect(4)
		w.told("kreis.jugend", "parked")
		if m := w.expect(5); strings.Contains(m.body, "Count:") {
			t.Errorf("a single one is counted:\n%s", m.body)
		}
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		if n := w.store.puts; n > 12 {
			t.Errorf("stored %d times", n)
		}
	})
}

// TestPostServerAway: a mail outlasts a day and a half without the server, as one mail,
// and after two days the hub gives up; attempts come ever more seldom.
func TestPostServerAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.down()
		w.told("kreis.jugend", "gone")
		w.told("kreis.abfall", "gone")
		time.Sleep(36 * time.Hour)
		w.mu.Lock()
		tries := w.counts[Retried]
		w.mu.Unlock()
		if tries < 36*6 || tries > 36*12+20 { // every 5 to 10 minutes
			t.Errorf("%d attempts in 36 hours", tries)
		}
		w.up()
		time.Sleep(10 * time.Minute)
		w.expect(2)
		w.down()
		w.told("kreis.jugend", "failing")
		time.Sleep(giveUp + time.Hour)
		w.up()
		time.Sleep(time.Hour)
		w.expect(2)
		w.mu.Lock()
		if w.counts[Failed] != 1 || w.counts[Sent] != 2 || w.Waiting() != 0 {
			t.Errorf("%v, %d wait", w.counts, w.Waiting())
		}
		w.mu.Unlock()
		w.end()
	})
}

// TestPostAnswers: an address that is refused for good concerns no other mail; one that
// is refused for now is tried again, with the same Message-ID.
func TestPostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		ids := map[string]bool{}
		answer := func(code int) {
			w.office.set(func(command string) error {
				if command != "DATA" || code == 0 {
					return nil
				}
				return &smtp.SMTPError{Code: code, Message: "no"}
			})
		}
		answer(550)
		w.told("kreis.jugend", "gone")
		if got := w.counted(); got != "map[failed:1]" {
			t.Errorf("refused for good: %s", got)
		}
		answer(450)
		w.told("kreis.abfall", "gone")
		id := func() string {
			w.Post.mu.Lock()
			defer w.Post.mu.Unlock()
			return write(w.book["kreis.abfall gone"], "amtsbote.example").id
		}
		ids[id()] = true
		time.Sleep(time.Hour)
		if got := w.counted(); !strings.HasPrefix(got, "map[failed:1 retried:1") {
			t.Errorf("refused for now: %s", got)
		}
		ids[id()] = true
		answer(0)
		w.told("kreis.jugend", "recovered")
		w.expect(1) // at once
		time.Sleep(10 * time.Minute)
		m := w.expect(2)
		ids[strings.Trim(m.header.Get("Message-ID"), "<>")] = false
		if len(ids) != 1 {
			t.Errorf("ids %v", ids)
		}
	})
}

// TestPostRestart: what waits and which hour has not passed outlive a restart of the
// hub.
func TestPostRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.told("kreis.jugend", "gone")
		w.expect(1)
		w.down()
		w.told("kreis.jugend", "gone")    // must wait for its hour
		w.told("kreis.jugend", "failing") // cannot be sent
		w.stop()
		w.up()
		w.start()
		defer w.end()
		if m := w.expect(2); !strings.Contains(m.body, "Nothing gets through") {
			t.Errorf("after the restart came\n%s", m.body)
		}
		time.Sleep(pause)
		w.expect(3)
		w.stop()
		w.store.of[bookKey] = []byte(`{"of another": "form"}`)
		w.start()
		w.told("kreis.jugend", "recovered")
		w.expect(4)
	})
}

// TestPostStoreAway: a store that does not answer keeps no mail.
func TestPostStoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.store.mu.Lock()
		w.store.broken = true
		w.store.mu.Unlock()
		w.told("kreis.jugend", "gone")
		w.expect(1)
		w.store.mu.Lock()
		w.store.broken = false
		w.store.mu.Unlock()
		time.Sleep(time.Minute)
		if w.store.stored() == 0 {
			t.Error("not stored when the store is back")
		}
	})
}

// TestPostBounded: the book has its bound, and fits into a message of NATS.
func TestPostBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.down()
		for i := range most + 50 {
			n := notice("gone")
			n.At, n.Application = time.Now(), fmt.Sprintf("%s.%d", strings.Repeat("o", 60), i)
			n.To, n.Host = strings.Repeat("t", 64)+"@"+strings.Repeat("abcdefgh.", 20)+"example", strings.Repeat("h", 253)
			w.Tell(n)
		}
		synctest.Wait()
		if w.Waiting() != most {
			t.Errorf("%d wait", w.Waiting())
		}
		time.Sleep(2 * time.Second)
		if n := w.store.stored(); n > 1<<20-1024 || n < most*500 {
			t.Errorf("%d bytes are stored", n)
		}
		w.stop()
	})
}

// TestPostMeanwhile: what is told while its mail is on the way is in the next one; a
// mail that an address did not take goes to a new one at once.
func TestPostMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		during := sync.OnceFunc(func() {
			n := notice("gone")
			n.At = time.Now()
			w.Tell(n)
			w.Tell(n)
		})
		w.office.set(func(string) error { during(); return nil })
		w.told("kreis.jugend", "gone")
		w.expect(1)
		time.Sleep(pause + time.Second)
		if m := w.expect(2); !strings.Contains(m.body, "Count: 2 times") {
			t.Errorf("the second mail says\n%s", m.body)
		}
		w.office.set(func(command string) error {
			if command == "RCPT" {
				return &smtp.SMTPError{Code: 450, Message: "later"}
			}
			return nil
		})
		w.told("kreis.jugend", "failing")
		time.Sleep(2 * time.Hour)
		w.office.set(nil)
		n := notice("failing")
		n.To, n.At = "neu@jugendamt.example", time.Now()
		w.Tell(n)
		if m := w.expect(3); m.to != n.To || !strings.Contains(m.body, "Count: 2 times") {
			t.Errorf("the mail went to %s and says\n%s", m.to, m.body)
		}
	})
}
