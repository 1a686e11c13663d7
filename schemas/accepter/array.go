package accepter

// arrays is what a schema says of arrays.
type arrays struct {
	prefix   []*node // prefixItems
	items    *node   // those behind
	min, max int
	unique   bool
}

// every is an array of which a schema says nothing.
var every = &arrays{items: &node{kinds: all}, max: int(^uint(0) >> 1)}

// maxUnique is how many items are compared with one another.
const maxUnique = 32

func (w *walker) array(n *node) bool {
	a := n.arrays
	if a == nil {
		a = every
	}
	if w.depth++; w.depth > maxDepth || n.kinds&array == 0 || len(n.equal) > 0 {
		return false
	}
	w.at++ // [
	from, count := w.at, 0
	for more := w.next() != ']'; more; count++ {
		item := a.items
		if count < len(a.prefix) {
			item = a.prefix[count]
		}
		if !w.value(item) {
			return false
		}
		if more = w.next() == ','; more {
			w.at++
		}
	}
	if w.next() != ']' {
		return false
	}
	w.at++
	w.depth--
	return count >= a.min && count <= a.max && (!a.unique || count < 2 || w.distinct(from, count))
}

// scalar is an item that can be told from others: a text by its bytes, a number
// by its value, a literal by its kind.
type scalar struct {
	kind kinds
	n    int64
	text []byte
}

func (s *scalar) is(o *scalar) bool {
	return s.kind == o.kind && s.n == o.n && string(s.text) == string(o.text)
}

// distinct tells whether the items from the given place differ, as far as that
// is simple: they are few, texts without escapes, fixed numbers and literals.
func (w *walker) distinct(from, count int) bool {
	var seen [maxUnique]scalar
	if count > maxUnique {
		return false
	}
	q := walker{data: w.data, at: from}
	for i := range count {
		s, ok := q.scalar()
		if !ok {
			return false
		}
		for j := range i {
			if s.is(&seen[j]) {
				return false
			}
		}
		seen[i] = s
		q.next()
		q.at++ // , or ]
	}
	return true
}
