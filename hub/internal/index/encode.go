package index

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Keys begin with what they are.
const (
	keyApplied = 'a' // -> applied, newest: 8 bytes each
	keyMeta    = 'm' // -> meta as JSON
	keyName    = 'n' // number, 4 bytes -> text: stream, outcome or code
	keySeen    = 's' // identity, 16 bytes -> Seen
	keyDone    = 'd' // mailbox, 0, word number, 8 bytes -> word, 8 bytes
	keyParked  = 'p' // the same of the copies that are parked
	keyFloor   = 'f' // mailbox -> floor, 8 bytes
)

func seenKey(id event.Identity) (key [17]byte) {
	key[0] = keySeen
	copy(key[1:], id[:])
	return key
}

func wordKey(w word) []byte {
	kind := byte(keyDone)
	if w.parked {
		kind = keyParked
	}
	key := append([]byte{kind}, w.mailbox...)
	return binary.BigEndian.AppendUint64(append(key, 0), w.at)
}

func readWordKey(key []byte) (w word, ok bool) {
	n := len(key) - 9
	if n < 1 || key[n] != 0 {
		return w, false
	}
	return word{string(key[1:n]), key[0] == keyParked, binary.BigEndian.Uint64(key[n+1:])}, true
}

// names numbers the few texts that come again in every entry. One goroutine adds
// to them, while others read.
type names struct {
	texts  atomic.Pointer[[]string]
	number map[string]uint64
}

func newNames() *names {
	n := &names{number: map[string]uint64{}}
	n.texts.Store(&[]string{})
	n.of("")
	return n
}

// of numbers a text; added is true for a new one.
func (n *names) of(text string) (number uint64, added bool) {
	if i, ok := n.number[text]; ok {
		return i, false
	}
	texts := append(slices.Clone(*n.texts.Load()), text)
	i := uint64(len(texts)) - 1
	n.number[text] = i
	n.texts.Store(&texts)
	return i, true
}

// Flags of an entry: the digest, the conflict are 32 bytes, else texts.
const (
	rawDigest = 1 << iota
	rawConflict
)

// encode appends an entry: flags, numbers of outcome, code and stream,
// sequence, second, digest, conflict.
func encode(to []byte, s *Seen, number func(string) uint64) []byte {
	digest, rawD := compact(s.Digest)
	conflict, rawC := compact(s.Conflict)
	flags := byte(0)
	if rawD {
		flags |= rawDigest
	}
	if rawC {
		flags |= rawConflict
	}
	to = append(to, flags)
	for _, n := range []uint64{
		number(string(s.Outcome)), number(string(s.Code)), number(s.Ref.In), s.Ref.Seq, uint64(max(s.At.Unix(), 0)),
	} {
		to = binary.AppendUvarint(to, n)
	}
	if !rawD {
		to = binary.AppendUvarint(to, uint64(len(digest)))
	}
	to = append(to, digest...)
	if !rawC {
		to = binary.AppendUvarint(to, uint64(len(conflict)))
	}
	return append(to, conflict...)
}

// compact gives a SHA-256 in hexadecimal as bytes, any other text as it is.
func compact(digest string) ([]byte, bool) {
	if len(digest) == 64 {
		raw := []byte(digest)
		n, err := hex.Decode(raw, raw)
		var text [64]byte
		if err == nil && string(hex.AppendEncode(text[:0], raw[:n])) == digest {
			return raw[:n], true
		}
	}
	return []byte(digest), false
}

var errEntry = errors.New("an entry cannot be read")

// decode reads what encode wrote.
func decode(from []byte, n *names) (s Seen, err error) {
	if len(from) == 0 {
		return s, errEntry
	}
	flags := from[0]
	r := reader{from: from[1:]}
	outcome, code, in := r.name(n), r.name(n), r.name(n)
	s.Outcome, s.Code = hub.Outcome(outcome), refusal.Code(code)
	s.Ref.In, s.Ref.Seq = in, r.number()
	s.At = time.Unix(int64(r.number()), 0).UTC() //nolint:gosec // written from a second
	s.Digest = r.digest(flags&rawDigest != 0)
	s.Conflict = r.digest(flags&rawConflict != 0)
	if r.bad || len(r.from) > 0 {
		return s, errEntry
	}
	return s, nil
}

// reader takes an entry apart; bad is set when it does not fit.
type reader struct {
	from []byte
	bad  bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.from)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.from = r.from[size:]
	return n
}

func (r *reader) name(n *names) string {
	i := r.number()
	texts := *n.texts.Load()
	if i >= uint64(len(texts)) {
		r.bad = true
		return ""
	}
	return texts[i]
}

func (r *reader) digest(raw bool) string {
	size := uint64(32)
	if !raw {
		size = r.number()
	}
	if size > uint64(len(r.from)) {
		r.bad = true
		return ""
	}
	text := r.from[:size]
	r.from = r.from[size:]
	if raw {
		return hex.EncodeToString(text)
	}
	return string(text)
}
