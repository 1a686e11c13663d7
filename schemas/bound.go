package schemas

// What the accepter accepts is not counted, yet an event's verdict must not hang
// on who looked at it: data beyond Budget is refused, valid or not. So the
// accepter is only asked about data that is too short to be beyond it.

// longestCounted is the longest data that a bound is looked for.
const longestCounted = 1 << 20

// short is a length up to which no data takes more than Budget under l; 0 if
// there is none.
func short(l *load) int {
	for n := int64(longestCounted); n > 0; n /= 2 {
		if worst(l, trace{}, n)*(n+1) <= Budget {
			return int(n)
		}
	}
	return 0
}

// worst is an upper bound of the units that a byte of a value may take under l,
// when no part of the data is longer than n. It follows counter: a value's own
// work is done for at least two bytes, itself and what ends it; a member's for
// at least three more than its name. A whole is no dearer by the byte than its
// dearest part.
func worst(l *load, at trace, n int64) int64 { return worstAt(l, at, at, n) }

// worstAt is worst of a value at one place whose parts are below another.
func worstAt(l *load, at, below trace, n int64) int64 {
	own := l.visit + at.bytes + 4*at.depth + l.compare + l.object + l.numbers*(unitNumber+26+l.digits/4)
	most := max(own/2+1, worstText(l, n), worstMember(l, below, n), worstItem(l, below, n))
	for _, in := range l.inPlace {
		step := len("dependentSchemas")
		most += worstAt(in, at.down(step), below.down(step), n)
	}
	return most
}

func worstText(l *load, n int64) int64 {
	if l.squared {
		return 2 + l.perByte + n/64
	}
	return 1 + l.perByte
}

// worstMember is a bound for the name of a member and for its value.
func worstMember(l *load, at trace, n int64) int64 {
	name, beside, known := int64(unitMember/3+2), int64(0), int64(0)
	for _, p := range l.patterns {
		name += p.insts + meets(p.then)
		beside += worstStranger(p.then, at.down(int(p.insts)), n)
	}
	if l.names != nil {
		name += meets(l.names) + worstStranger(l.names, at, n)
	}
	for of, in := range l.named {
		known = max(known, worst(in, at.down(len(of)).down(len(of)), n))
	}
	for _, in := range l.others {
		name += meets(in)
	}
	return max(name, max(known, worstAll(l.others, at, n, worstStranger))+beside)
}

// worstStranger is a bound for the value of a member whose name the schema does
// not know. The name may be as long as all, and is copied once for each schema
// that meets the value, for which the name pays (meets); and for each that meets
// a part of it.
func worstStranger(l *load, at trace, n int64) int64 {
	return worstAt(l, at.down(0), at.down(int(n)), n)
}

// meets is how many schemas meet a value of l as a whole.
func meets(l *load) int64 {
	n := int64(1)
	for _, in := range l.inPlace {
		n += meets(in)
	}
	return n
}

func worstItem(l *load, at trace, n int64) int64 {
	below := at.down(6)
	item := worstAll(l.items, below, n, worst)
	for _, in := range l.prefix {
		item = max(item, worst(in, below, n))
	}
	item += worstAll(l.each, below, n, worst) + unitItem/2
	if l.unique {
		item += unitNumber
	}
	return item
}

func worstAll(loads []*load, at trace, n int64, of func(*load, trace, int64) int64) (sum int64) {
	for _, l := range loads {
		sum += of(l, at, n)
	}
	return sum
}
