package accepter

import "sync/atomic"

// objects is what a schema says of objects.
type objects struct {
	names   []string // of members with a schema of their own, or required
	written []string // the same as they stand in nearly all texts
	nodes   []*node  // theirs
	index   map[string]int
	// after tells which member came last behind each of them, and, in front, which one came
	// first: programs write their objects in one way, and what is guessed need not be found.
	after    []atomic.Int32
	required uint64 // by the index in names
	others   *node  // additionalProperties
	min, max int
}

// fewNames are found faster one by one.
const fewNames = 8

func (o *objects) add(name string, n *node) {
	if len(o.names) == 0 {
		o.index = map[string]int{}
	}
	o.index[name] = len(o.names)
	o.names, o.nodes = append(o.names, name), append(o.nodes, n)
	o.written = append(o.written, writtenAs(name))
}

// writtenAs gives a name between quotes as it is written without escapes, and "" when it
// cannot be.
func writtenAs(name string) string {
	as := `"` + name + `"`
	w := walker{data: []byte(as)}
	if _, _, escaped, ok := w.quoted(); !ok || escaped || w.at < len(as) {
		return ""
	}
	return as
}

// require comes after all names of properties and after others.
func (o *objects) require(name string) {
	if _, known := o.index[name]; !known {
		o.add(name, o.others)
	}
	o.required |= 1 << o.index[name] // none beyond maxNames is ever asked for
}

func (o *objects) find(name []byte) int {
	if len(o.names) <= fewNames {
		for i, s := range o.names {
			if s == string(name) {
				return i
			}
		}
		return -1
	}
	if i, ok := o.index[string(name)]; ok {
		return i
	}
	return -1
}

// open is an object of which a schema says nothing.
var open = &objects{others: &node{kinds: all}, max: int(^uint(0) >> 1), after: make([]atomic.Int32, 1)}

// maxStrangers is how many members without a place in names are told apart.
const maxStrangers = 32

// strangers are the names of such members.
type strangers struct {
	n     int
	names [maxStrangers]span
}

type span struct{ from, to int32 }

// add tells whether name was not there, as far as that is known.
func (s *strangers) add(data, name []byte, end int) bool {
	if s.n == maxStrangers || end > 1<<30 {
		return false
	}
	for _, o := range s.names[:s.n] {
		if string(data[o.from:o.to]) == string(name) {
			return false
		}
	}
	s.names[s.n] = span{int32(end - len(name)), int32(end)} //nolint:gosec // end is bounded above
	s.n++
	return true
}

func (w *walker) object(n *node) bool {
	o := n.objects
	if o == nil {
		o = open
	}
	if w.depth++; w.depth > maxDepth || n.kinds&object == 0 || len(n.equal) > 0 {
		return false
	}
	w.at++ // {
	var seen uint64
	var others strangers
	count, last := 0, -1
	for more := w.next() != '}'; more; count++ {
		if w.next() != '"' {
			return false
		}
		i, name, ok := w.name(o, last)
		if !ok {
			return false
		}
		member := o.others
		if i >= 0 {
			if seen&(1<<i) != 0 {
				return false
			}
			seen |= 1 << i
			member, last = o.nodes[i], i
		} else if member.kinds == 0 || !others.add(w.data, name, w.at-1) {
			return false
		}
		if w.next() != ':' {
			return false
		}
		w.at++
		if !w.value(member) {
			return false
		}
		if more = w.next() == ','; more {
			w.at++
		}
	}
	if w.next() != '}' {
		return false
	}
	w.at++
	w.depth--
	return seen&o.required == o.required && count >= o.min && count <= o.max
}

// name reads a member's name: its place in names, -1 for a stranger, with what it is. last is
// the place of the member before it that has one.
func (w *walker) name(o *objects, last int) (i int, name []byte, ok bool) {
	guess := &o.after[last+1]
	if i := int(guess.Load()) - 1; i >= 0 && w.literal(o.written[i]) {
		return i, nil, true
	}
	name, _, escaped, ok := w.quoted()
	if !ok || escaped {
		return 0, nil, false
	}
	if i = o.find(name); i >= 0 && o.written[i] != "" {
		guess.Store(int32(i) + 1) //nolint:gosec // at most maxNames
	}
	return i, name, true
}
