package bus

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// known is what this instance knows of the end of the hub's own streams: the last
// sequence, and of some subjects the last message up to there. While nobody else
// writes to a stream, "nothing has come behind what I stored last" says the same as a
// guard on a subject, and the server need not look for that subject's last message. It
// would have to read it from its store, and keep what was stored since in memory.
//
// The server has the last word: when the sequence is another, the guard itself is asked.
// What was known before the connection broke counts no more, since a server that was
// away may have lost what it had not synced.
type known struct {
	sync.Mutex
	of map[string]*end
}

// end of a stream.
type end struct {
	connection uint64            // it was learned by, see Bus.connection
	last       uint64            // sequence
	subjects   map[string]uint64 // sequence of their last message, 0 for none
}

// stored takes in that messages were stored. When something lies between them and the
// known end, that was not the end.
func (k *known) stored(stream string, first uint64, msgs []event.Message) {
	k.Lock()
	defer k.Unlock()
	e := k.of[stream]
	if e == nil {
		return
	}
	if first != e.last+1 {
		delete(k.of, stream)
		return
	}
	e.take(first, msgs)
}

func (e *end) take(first uint64, msgs []event.Message) {
	e.last = first + uint64(len(msgs)) - 1
	for i := range msgs {
		if _, guards := e.subjects[msgs[i].Subject]; guards {
			e.subjects[msgs[i].Subject] = first + uint64(i)
		}
	}
}

// held takes in that messages were stored behind a guard that the server has looked at.
// A guard on a subject that nothing lies at is not remembered: most such subjects are
// written to once.
func (k *known) held(stream string, connection uint64, guard Guard, first uint64, msgs []event.Message) {
	if stream == "" || guard.Subject == "" || guard.Last == 0 {
		return
	}
	k.Lock()
	defer k.Unlock()
	e, last := k.of[stream], first+uint64(len(msgs))-1
	switch {
	case e == nil || e.last < last || e.connection != connection: // what lies between nobody here has seen
		if k.of == nil {
			k.of = map[string]*end{}
		}
		e = &end{connection: connection, subjects: map[string]uint64{}}
		k.of[stream] = e
	case e.last > last: // more was stored meanwhile
		return
	}
	e.subjects[guard.Subject] = guard.Last
	e.take(first, msgs)
}

// holds gives the last sequence of a stream if a guard holds as long as that is so.
func (k *known) holds(stream string, connection uint64, guard Guard) (last uint64, ok bool) {
	k.Lock()
	defer k.Unlock()
	e := k.of[stream]
	if e == nil || e.connection != connection {
		return 0, false
	}
	at, ok := e.subjects[guard.Subject]
	return e.last, ok && at == guard.Last
}

// forget: the end of a stream may be another than last.
func (k *known) forget(stream string, last uint64) {
	k.Lock()
	defer k.Unlock()
	if e := k.of[stream]; e != nil && e.last == last {
		delete(k.of, stream)
	}
}

// removed: what lay between two sequences may be gone, and may have been the last of its
// subject.
func (k *known) removed(stream string, from, upTo uint64) {
	k.Lock()
	defer k.Unlock()
	if e := k.of[stream]; e != nil {
		maps.DeleteFunc(e.subjects, func(_ string, at uint64) bool { return at >= from && at <= upTo })
	}
}

// connection counts the connections to the server; ok is false while there is none.
// It is asked first whether there is one: a newer number never fits what is known by an older.
func (b *Bus) connection() (n uint64, ok bool) {
	ok = b.nc.IsConnected()
	return b.nc.Stats().Reconnects, ok
}

// learn has the bus know the end of a stream, behind a guard that was looked at on
// connection number before.
func (b *Bus) learn(stream string, before uint64, guard Guard, first uint64, msgs []event.Message) {
	if now, ok := b.connection(); ok && now == before {
		b.known.held(stream, before, guard, first, msgs)
	}
}

// sure gives the last sequence of a stream if a guard holds as long as that is so.
func (b *Bus) sure(stream string, guard Guard) (last, connection uint64, ok bool) {
	connection, ok = b.connection()
	if ok {
		last, ok = b.known.holds(stream, connection, guard)
	}
	return last, connection, ok
}

// ownStream is the one of the hub's own streams that a subject belongs to; "" for none.
func ownStream(subject string) string {
	root, _, _ := strings.Cut(subject, ".")
	i := slices.IndexFunc(own, func(stream string) bool { return strings.EqualFold(root, stream) })
	if i < 0 {
		return ""
	}
	return own[i]
}
