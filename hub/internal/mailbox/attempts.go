package mailbox

import (
	"cmp"
	"container/list"
	"slices"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// maxTried is of how many copies attempts are kept.
const maxTried = 4096

// Attempts keeps in memory what came of attempts at copies that were not taken at once:
// of the last maxTried copies, and of each the last decision.MaxAttempts. A copy that is
// taken or refused at once costs nothing here; its outcome says all. A nil Attempts keeps
// nothing.
type Attempts struct {
	mu     sync.Mutex
	copies map[string]*list.Element // by delivery
	order  *list.List               // of *tried, the one tried last at the back
}

type tried struct {
	delivery string
	attempts []decision.Attempt
}

// NewAttempts makes an empty log.
func NewAttempts() *Attempts {
	return &Attempts{copies: map[string]*list.Element{}, order: list.New()}
}

// Of gives the attempts at a copy, by the id of its delivery, the oldest first.
func (l *Attempts) Of(delivery string) []decision.Attempt {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.copies[delivery]; e != nil {
		return slices.Clone(triedOf(e).attempts)
	}
	return nil
}

func triedOf(e *list.Element) *tried { return e.Value.(*tried) } //nolint:errcheck,forcetypeassert // nothing else is put in

// note keeps an attempt, and forgets what has been tried longest ago when there is too much.
func (l *Attempts) note(delivery string, a decision.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.copies[delivery]
	if e == nil {
		e = l.order.PushBack(&tried{delivery: delivery})
		l.copies[delivery] = e
	}
	l.order.MoveToBack(e)
	t := triedOf(e)
	t.attempts = append(t.attempts, a)
	if over := len(t.attempts) - decision.MaxAttempts; over > 0 {
		t.attempts = slices.Delete(t.attempts, 0, over)
	}
	if l.order.Len() > maxTried {
		oldest := l.order.Front()
		delete(l.copies, triedOf(oldest).delivery)
		l.order.Remove(oldest)
	}
}

// plan notes when the next attempt at a copy is due; zero: that is not known.
func (l *Attempts) plan(m *event.Message, next time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.copies[m.Get(event.HeaderDelivery)]; e != nil {
		t := triedOf(e)
		t.attempts[len(t.attempts)-1].Next = next
	}
}

// tried notes what came of an attempt, if one was made, and when the next is due.
func (b *Mailbox) tried(t *try, m *event.Message, made bool, v settle.Verdict) {
	var next time.Time
	ends := v == settle.Release || v == settle.Quarantine
	switch {
	case b.Attempts == nil || ends && t.attempt == 1:
		return
	case v == settle.Again:
		next = t.next
	}
	if !made {
		b.Attempts.plan(m, next)
		return
	}
	b.Attempts.note(m.Get(event.HeaderDelivery), decision.Attempt{
		N: t.attempt, At: time.Now().UTC().Truncate(time.Millisecond), Code: codeOfAttempt(t.err), Next: next,
	})
}

// codeOfAttempt is never "" after a failure.
func codeOfAttempt(err error) string {
	if err == nil {
		return ""
	}
	return cmp.Or(faultCode(err), "fault")
}
