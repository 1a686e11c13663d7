package accepter

import "sync/atomic"

// objects is what a schema says of objects.
type objects struct {
	names   []string // of members with a schema of their own, or required
	written []string // the same as they stand in nearly all texts, with the colon
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

// writtenAs gives a name between quotes as it is written without escapes, with a colon behind, and
// "" when it cannot be.
func writtenAs(name string) string {
	as := `"` + name + `":`
	w := walker{data: []byte(as)}
	if _, _, escaped, ok := w.quoted(); !ok || escaped || w.at < len(as)-1 {
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

// maxStrangers is how many members without a place in names are told apart, those of an object and
// of all around it.
const maxStrangers = 64

// strangers are the names of such members, those of the innermost object last.
type strangers struct {
	n     int
	names [maxStrangers]span
}

type span struct{ from, to int }

// add tells whether the name was not there among those from number base on, as far as that is known.
func (s *strangers) add(base int, data []byte, name span) bool {
	if s.n == maxStrangers {
		return false
	}
	for _, o := range s.names[base:s.n] {
		if string(data[o.from:o.to]) == string(data[name.from:name.to]) {
			return false
		}
	}
	s.names[s.n] = name
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
	count, last, base := 0, -1, w.strangers.n
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
		} else if member.kinds == 0 || !w.strangers.add(base, w.data, name) {
			return false
		}
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
	w.strangers.n = base
	return seen&o.required == o.required && count >= o.min && count <= o.max
}

// name reads a member's name and the colon behind it: its place in names, -1 for a stranger, with
// where it stands. last is the place of the member before it that has one.
func (w *walker) name(o *objects, last int) (i int, at span, ok bool) {
	guess := &o.after[last+1]
	if i := int(guess.Load()) - 1; i >= 0 && w.literal(o.written[i]) {
		return i, span{}, true
	}
	name, _, escaped, ok := w.quoted()
	at = span{w.at - 1 - len(name), w.at - 1}
	if !ok || escaped || w.next() != ':' {
		return 0, at, false
	}
	w.at++
	if i = o.find(name); i >= 0 && o.written[i] != "" {
		guess.Store(int32(i) + 1) //nolint:gosec // at most maxNames
	}
	return i, at, true
}

// Members names members of the object raw that are accepted, each by itself, by their schema in
// properties, or by additionalProperties when they are only required: jsonschema v5 accepts them,
// too, whatever is wrong with the others. Not all of them are found.
func (a *Accepter) Members(raw []byte) (names []string) {
	w := walker{data: raw, depth: 1}
	o := a.root.objects
	if o == nil || w.next() != '{' {
		return nil
	}
	last := -1
	for more := true; more; more = w.next() == ',' {
		w.at++ // { or ,
		if w.next() != '"' {
			return names
		}
		i, _, ok := w.name(o, last)
		if !ok {
			return names
		}
		from := w.at
		if i >= 0 {
			last = i
			if w.value(o.nodes[i]) {
				names = append(names, o.names[i])
				continue
			}
		}
		w.at, w.depth, w.strangers.n = from, 1, 0
		if !w.value(anything) {
			return names
		}
	}
	return names
}
