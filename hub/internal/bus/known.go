package bus

import (
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
type known struct {
	sync.Mutex
	of map[string]*end
}

// end of a stream.
type end struct {
	last     uint64            // sequence
	subjects map[string]uint64 // sequence of their last message, 0 for none
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
func (k *known) held(stream string, guard Guard, first uint64, msgs []event.Message) {
	if stream == "" || guard.Subject == "" {
		return
	}
	k.Lock()
	defer k.Unlock()
	if k.of == nil {
		k.of = map[string]*end{}
	}
	e := k.of[stream]
	if e == nil {
		e = &end{subjects: map[string]uint64{}}
		k.of[stream] = e
	}
	e.subjects[guard.Subject] = guard.Last
	e.take(first, msgs)
}

// holds gives the last sequence of a stream if a guard holds as long as that is so.
func (k *known) holds(stream string, guard Guard) (last uint64, ok bool) {
	k.Lock()
	defer k.Unlock()
	e := k.of[stream]
	if e == nil {
		return 0, false
	}
	at, ok := e.subjects[guard.Subject]
	return e.last, ok && at == guard.Last
}

// forget: the end may be another. "" is that of all streams.
func (k *known) forget(stream string) {
	k.Lock()
	defer k.Unlock()
	if stream == "" {
		k.of = nil
		return
	}
	delete(k.of, stream)
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
