package accepter

// walker goes through a JSON text once. Its methods expect to stand at what they
// read, tell whether it is there and accepted, and then stand behind it. After a
// false the place means nothing.
type walker struct {
	data      []byte
	at        int
	depth     int
	strangers strangers
}

func (w *walker) space() {
	for w.at < len(w.data) {
		switch w.data[w.at] {
		case ' ', '\t', '\n', '\r':
			w.at++
		default:
			return
		}
	}
}

// next skips white space and gives the byte behind it, 0 at the end.
func (w *walker) next() byte {
	if w.at < len(w.data) && w.data[w.at] > ' ' {
		return w.data[w.at]
	}
	w.space()
	if w.at < len(w.data) {
		return w.data[w.at]
	}
	return 0
}

func (w *walker) value(n *node) bool {
	if w.at < len(w.data) && w.data[w.at] == '"' && !n.narrowed { // most values are plain texts
		return w.text(n)
	}
	return w.other(n)
}

// other is value for any value, with white space before it or without.
func (w *walker) other(n *node) bool {
	first := w.next()
	from := w.at
	var ok bool
	switch first {
	case '"':
		ok = w.text(n)
	case '{':
		ok = w.object(n)
	case '[':
		ok = w.array(n)
	case 't':
		ok = w.literal("true") && n.kinds&boolean != 0 && n.bool(true)
	case 'f':
		ok = w.literal("false") && n.kinds&boolean != 0 && n.bool(false)
	case 'n':
		ok = w.literal("null") && n.kinds&null != 0 && n.null()
	default:
		ok = w.number(n)
	}
	return ok && (!n.narrowed || w.inPlace(n, from))
}

func (w *walker) literal(s string) bool {
	if len(w.data)-w.at < len(s) || string(w.data[w.at:w.at+len(s)]) != s {
		return false
	}
	w.at += len(s)
	return true
}

func (n *node) bool(v bool) bool {
	for _, e := range n.equal {
		if v && !e.yes || !v && !e.no {
			return false
		}
	}
	return true
}

func (n *node) null() bool {
	for _, e := range n.equal {
		if e.kinds&null == 0 {
			return false
		}
	}
	return true
}

// inPlace walks the value from the given place to here once more for each schema
// that is to accept it too. A schema is a tree without references, so each value
// is walked at most once for each schema in it.
func (w *walker) inPlace(n *node, from int) bool {
	end, depth, strangers := w.at, w.depth, w.strangers.n
	again := func(n *node) bool {
		w.at, w.depth = from, depth
		ok := n == nil || w.value(n)
		w.at, w.depth, w.strangers.n = end, depth, strangers
		return ok
	}
	for _, also := range n.also {
		if !again(also) {
			return false
		}
	}
	for _, choices := range n.either {
		found := false
		for i := 0; i < len(choices) && !found; i++ {
			found = again(choices[i])
		}
		if !found {
			return false
		}
	}
	for _, c := range n.when {
		then, els := true, true
		if c.length != nil {
			then = w.holds(c.length, from)
			els = !then
		}
		if then && !again(c.then) || els && !again(c.els) {
			return false
		}
	}
	return true
}

// holds tells whether the value from the given place has the length. What is no
// text has every length.
func (w *walker) holds(length *texts, from int) bool {
	if w.data[from] != '"' {
		return true
	}
	q := walker{data: w.data, at: from}
	_, n, _, _ := q.quoted()
	return n >= length.min && n <= length.max
}
