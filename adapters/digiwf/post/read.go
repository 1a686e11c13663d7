package post

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// read is what was read of a topic, and which letters are there. It is used by one
// look at a time.
type read struct {
	spans map[int32]span
	ids   map[string]bool
}

// maxRead is of how many letters is remembered that they are there; with more, the
// topic is read again.
const maxRead = 100_000

// readOf gives what was read of a topic, if it is of use for a look that goes over these
// spans: nothing when it must begin earlier, or the topic is another than before.
func (k *Kafka) readOf(topic string, spans map[int32]span) *read {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.topics[topic]
	if r != nil && len(r.ids) <= maxRead && r.serves(spans) {
		return r
	}
	if k.topics == nil {
		k.topics = map[string]*read{}
	}
	k.topics[topic] = &read{spans: map[int32]span{}, ids: map[string]bool{}}
	return k.topics[topic]
}

func (r *read) serves(spans map[int32]span) bool {
	for p, s := range spans {
		if known, there := r.spans[p]; there && (s.from < known.from || s.to < known.to || s.from > known.to) {
			return false
		}
	}
	return true
}

// rest is what is not read yet. What was begun goes on where it was.
func (r *read) rest(spans map[int32]span) map[int32]span {
	rest := map[int32]span{}
	for p, s := range spans {
		known, there := r.spans[p]
		if !there {
			known = span{s.from, s.from}
			r.spans[p] = known
		}
		if known.to < s.to {
			rest[p] = span{known.to, s.to}
		}
	}
	return rest
}

// take notes a record, and that its partition is read up to it.
func (r *read) take(rec *kgo.Record) {
	if id, there := wire.Get(rec.Headers, IDHeader); there {
		r.ids[id] = true
	}
	if s, there := r.spans[rec.Partition]; there && rec.Offset >= s.to {
		r.spans[rec.Partition] = span{s.from, rec.Offset + 1}
	}
}
