package keep

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// waiting knows when the first copy of each mailbox expires in one stream, from
// the headers that the copies were given when they were made. What comes is not
// read before it can have expired: most copies are gone by then. Those of a
// mailbox are read again when one may have expired.
type waiting struct {
	stream  string
	filter  string               // of all copies
	ofBox   string               // of those of a mailbox, with %s for the application
	old     uint64               // what came before this process did; it may expire at any time
	read    uint64               // up to where all copies were looked at
	next    time.Time            // before that none of the others has expired
	soonest map[string]time.Time // by application; may be that of a copy that is gone
}

func newWaiting(stream, filter, ofBox string) *waiting {
	return &waiting{stream: stream, filter: filter, ofBox: ofBox, soonest: map[string]time.Time{}}
}

// lying is a copy that has expired.
type lying struct {
	seq     uint64 // in the stream it lies in
	out     uint64 // in OUT, where it lies or lay
	subject string
}

// retained reads when a copy expires; ok is false when it never does.
func retained(m *event.Message) (due time.Time, ok bool) {
	text := m.Get(event.HeaderRetain)
	if text == "" {
		return due, false
	}
	due, err := time.Parse(time.RFC3339Nano, text)
	return due, err == nil
}

// look takes in the copies that may have expired since the last time: all that are
// as old as the shortest time for which any copy is kept.
func (k *Keeper) look(ctx context.Context, w *waiting) error {
	now, shortest := k.Now(), k.shortest()
	if w.read >= w.old && (shortest == 0 || now.Before(w.next)) {
		return nil
	}
	w.next = now.Add(shortest) // if nothing is there
	err := k.Bus.Headers(ctx, w.stream, w.read+1, []string{w.filter}, func(m *event.Message) error {
		// a parked copy was stored again, and may be due at any time
		if next := m.Time.Add(shortest); w == k.out && m.Seq > w.old && next.After(now) {
			w.next = next
			return errYoung
		}
		w.read = m.Seq
		if due, ok := retained(m); ok {
			w.note(applicationOf(m.Subject), due)
		}
		return nil
	})
	if err == nil {
		w.read = max(w.read, w.old)
	}
	if w == k.parked || err != nil && !errors.Is(err, errYoung) {
		w.next = time.Time{}
	}
	if errors.Is(err, errYoung) {
		err = nil
	}
	return err
}

// errYoung ends a look: what comes now cannot have expired.
var errYoung = errors.New("it cannot have expired yet")

// InForce tells of every federation that is put in force: the shortest time for
// which copies of any of them are kept bounds when one can expire.
func (k *Keeper) InForce(fed *federation.Federation) {
	k.retain.Lock()
	defer k.retain.Unlock()
	for _, a := range fed.Agreements {
		if a.Retain > 0 && (k.retain.shortest == 0 || a.Retain < k.retain.shortest) {
			k.retain.shortest = a.Retain
		}
	}
}

// shortest is the shortest retain of any agreement that was in force since the
// start; 0 when nothing expires.
func (k *Keeper) shortest() time.Duration {
	k.retain.Lock()
	defer k.retain.Unlock()
	return k.retain.shortest
}

func (w *waiting) note(application string, due time.Time) {
	if soonest, ok := w.soonest[application]; !ok || due.Before(soonest) {
		w.soonest[application] = due
	}
}

// applicationOf reads out.<org>.<app>.… and parked.<org>.<app>.….
func applicationOf(subject string) string {
	parts := strings.SplitN(subject, ".", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[1] + "." + parts[2]
}

// again is how soon the copies of a mailbox are looked at again in any case: a
// reading may end early when others remove what it reads.
const again = time.Hour

// maxExpired is how many copies of a mailbox expire in one run.
const maxExpired = 10_000

// due lists the copies of a mailbox behind sequence floor that have expired, and
// learns when the next one does.
func (k *Keeper) due(ctx context.Context, w *waiting, application string, floor uint64) ([]lying, error) {
	now, settled := k.Now(), k.Bus.Settled(w.stream)
	delete(w.soonest, application)
	var out []lying
	err := k.Bus.Headers(ctx, w.stream, floor+1, []string{fmt.Sprintf(w.ofBox, application)}, func(m *event.Message) error {
		due, ok := retained(m)
		if !ok {
			return nil
		}
		w.note(application, now.Add(again))
		// what is recorded as expired was settled then; of what the hub does not hand
		// out itself it records nothing else
		waits := m.Seq > settled && (k.handsOut(application) || !k.Index.IsDone(application, m.Seq))
		if due.After(now) || len(out) == maxExpired || waits {
			w.note(application, due)
			return nil
		}
		one := lying{seq: m.Seq, out: m.Seq, subject: m.Subject}
		if text := m.Get(event.HeaderOut); text != "" {
			var err error
			if one.out, err = strconv.ParseUint(text, 10, 64); err != nil {
				return fmt.Errorf("read the parked copy %d: %w", m.Seq, err)
			}
		}
		out = append(out, one)
		return nil
	})
	if err != nil {
		w.note(application, now)
	}
	return out, err
}

// keyOf is the parked key that a copy waits in; ok is false for one in OUT.
func (l lying) keyOf() (decision.ParkedKey, bool) {
	key, act, ok := decision.ReadParked(l.subject)
	return key, ok && act == ""
}
