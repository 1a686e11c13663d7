package post

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// read is what was read of a topic, and which letters are there. It is used by one
// look at a time.
type read struct {
	spans map[int32][]span // in order, apart from each other
	ids   map[letterID]struct{}
	most  int
	full  bool // what is read from now on is not remembered
}

// letterID is that of a letter, in bytes.
type letterID [sha256.Size]byte

// What was read is remembered of so many letters, and as long after the last look. Of
// what is beyond that each look reads anew.
const (
	maxRead = 100_000
	maxIdle = 10 * time.Minute
)

// readOf gives what was read of a topic: nothing when it is shorter than it was, which
// makes it another one.
func (k *Kafka) readOf(topic string, spans map[int32]span) *read {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forget != nil {
		k.forget.Stop()
	}
	k.forget = time.AfterFunc(maxIdle, k.forgetRead)
	r := k.topics[topic]
	if r != nil && r.serves(spans) {
		return r
	}
	if k.topics == nil {
		k.topics = map[string]*read{}
	}
	k.topics[topic] = &read{spans: map[int32][]span{}, ids: map[letterID]struct{}{}, most: maxRead}
	return k.topics[topic]
}

func (k *Kafka) forgetRead() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.topics = nil
}

func (r *read) serves(spans map[int32]span) bool {
	for p, s := range spans {
		if known := r.spans[p]; len(known) > 0 && known[len(known)-1].to > s.to {
			return false
		}
	}
	return true
}

// rest is, of each partition, the first part that is not read yet.
func (r *read) rest(spans map[int32]span) map[int32]span {
	rest := map[int32]span{}
	for p, s := range spans {
		for _, known := range r.spans[p] {
			if s.from < known.from {
				s.to = min(s.to, known.from)
				break
			}
			s.from = max(s.from, known.to)
		}
		if s.from < s.to {
			rest[p] = s
		}
	}
	return rest
}

// has tells whether the letter was seen.
func (r *read) has(id letterID) bool {
	_, there := r.ids[id]
	return there
}

// take notes a record, and that a part of its partition, from where reading began, is
// read up to it. It gives the id of the letter that the record is; nil for others.
func (r *read) take(rec *kgo.Record, part span) *letterID {
	id := idOf(rec)
	if id != nil && !r.has(*id) {
		if r.full = r.full || len(r.ids) >= r.most; !r.full {
			r.ids[*id] = struct{}{}
		}
	}
	if to := min(rec.Offset+1, part.to); !r.full && part.from < to {
		r.spans[rec.Partition] = join(r.spans[rec.Partition], span{part.from, to})
	}
	return id
}

// join adds a span to those that are known.
func join(known []span, s span) []span {
	at := slices.IndexFunc(known, func(k span) bool { return k.to >= s.from })
	if at < 0 {
		return append(known, s)
	}
	end := at
	for ; end < len(known) && known[end].from <= s.to; end++ {
		s = span{min(s.from, known[end].from), max(s.to, known[end].to)}
	}
	return slices.Replace(known, at, end, s)
}

// idOf is that of a letter of ours: what others write under that name is none.
func idOf(rec *kgo.Record) *letterID {
	text, there := wire.Get(rec.Headers, IDHeader)
	if !there {
		return nil
	}
	return parseID(text)
}

func parseID(text string) *letterID {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return nil
	}
	id := letterID(raw)
	return &id
}
