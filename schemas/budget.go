package schemas

import "encoding/json"

// Budget is how much work the validation of one event may be, in units of about
// ten nanoseconds: about a second. It is counted in work and not in time, so that
// an event gets the same verdict on every machine.
//
// Counted is an upper bound of what the library does (every branch of every
// anyOf, each keyword at its dearest), before it does anything. Measured over the
// pairs of schema and event of TestNoEventHoldsItsLane, which are made to be slow:
// events that fill the budget took 0.02 to 1.4 s and kept up to 270 MB of errors,
// on two cores; with other work on them up to five times as long. An event of
// 1 MiB needs a sixth of the budget when it is filled like the examples of
// de.meldewesen.wohnung-angemeldet.v1, and three quarters for the dearest type
// that comes with the program.
const Budget = 100_000_000

// Units of the count, measured with the library at hand.
const (
	unitVisit   = 80 // a schema meets a value, and may report it
	unitMember  = 20 // a member of an object is noted, in every schema that meets it
	unitItem    = 12 // likewise an item of an array
	unitCompare = 8  // a comparison of values without numbers
	unitNumber  = 40 // a number is read and compared
)

// count gives what is left of a budget after the validation of doc, less than
// zero when it does not suffice. Counting ends there.
func (s *Schema) count(doc any, budget int64) int64 {
	c := counter{left: budget}
	c.value(s.load, doc, trace{})
	return c.left
}

// counter goes through a value as the library will.
type counter struct{ left int64 }

// trace is where the library is: it copies both places into what it reports, and
// the first one at each step.
type trace struct{ bytes, depth int64 }

func (p trace) down(name int) trace { return trace{p.bytes + int64(name) + 1, p.depth + 1} }

// spend tells whether there is something left.
func (c *counter) spend(units int64) bool {
	c.left -= units
	return c.left >= 0
}

func (c *counter) value(l *load, v any, at trace) bool {
	if !c.spend(l.visit + at.bytes + 4*at.depth) {
		return false
	}
	kind := kindOf(v)
	if l.types != 0 && l.types&kind == 0 {
		return true // the library stops here too
	}
	if !c.spend(l.compare) {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		c.object(l, v, at)
	case []any:
		c.array(l, v, at)
	case string:
		c.spend(l.text(len(v)))
	case json.Number:
		c.spend(l.numbers * numberWork(v, l.digits))
	}
	for _, in := range l.inPlace {
		if !c.value(in, v, at.down(len("dependentSchemas"))) {
			return false
		}
	}
	return c.left >= 0
}

func (c *counter) object(l *load, v map[string]any, at trace) bool {
	if !c.spend(int64(len(v))*unitMember + l.object) {
		return false
	}
	for name, member := range v {
		if !c.spend(int64(len(name))) {
			return false
		}
		below := at.down(len(name))
		if known, ok := l.named[name]; ok {
			c.value(known, member, below.down(len(name)))
		} else {
			c.all(l.others, member, below)
		}
		if l.names != nil {
			c.value(l.names, name, below)
		}
		for _, p := range l.patterns {
			c.spend(p.insts * int64(len(name)+1))
			c.value(p.then, member, below.down(int(p.insts)))
		}
		if c.left < 0 {
			return false
		}
	}
	return true
}

func (c *counter) array(l *load, v []any, at trace) bool {
	if !c.spend(int64(len(v)) * unitItem) {
		return false
	}
	below := at.down(6)
	for i, item := range v {
		if l.unique {
			c.size(item)
		}
		if i < len(l.prefix) {
			c.value(l.prefix[i], item, below)
		} else {
			c.all(l.items, item, below)
		}
		if !c.all(l.each, item, below) {
			return false
		}
	}
	return true
}

func (c *counter) all(loads []*load, v any, at trace) bool {
	for _, l := range loads {
		if !c.value(l, v, at) {
			return false
		}
	}
	return c.left >= 0
}

// size counts what it takes to write v down in the canonical form of unique.
func (c *counter) size(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if !c.spend(unitMember+int64(len(name))) || !c.size(member) {
				return false
			}
		}
	case []any:
		for _, item := range v {
			if !c.size(item) {
				return false
			}
		}
	case string:
		return c.spend(unitCompare + int64(len(v))/8)
	case json.Number:
		return c.spend(numberWork(v, 0))
	}
	return c.spend(unitCompare)
}
