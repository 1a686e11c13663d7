package accepter

import "slices"

// Numbers that are held against others are read as whole numbers of 10^-scale:
// exactly, and only those with at most so many digits before and behind the
// point. That is enough for amounts of money, coordinates and times.
const (
	scale       = 7
	wholeDigits = 11
	maxFixed    = 1_000_000_000_000_000_000 // 10^(wholeDigits+scale)
)

var pow10 = [scale + 1]int64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000}

// numbers is what a schema says of numbers, all fixed.
type numbers struct {
	min, max   int64
	multipleOf int64 // 0: not asked for
}

// literal is a number as it was read.
type literal struct {
	whole bool  // it is known to be an integer
	known bool  // fixed is its value
	fixed int64 // in units of 10^-scale
}

func (w *walker) number(n *node) bool {
	l, ok := w.numeral()
	kind := number
	if l.whole {
		kind = integer
	}
	if !ok || n.kinds&kind == 0 {
		return false
	}
	for _, e := range n.equal {
		if _, found := slices.BinarySearch(e.numbers, l.fixed); !l.known || !found {
			return false
		}
	}
	o := n.numbers
	return o == nil ||
		l.known && l.fixed >= o.min && l.fixed <= o.max && (o.multipleOf == 0 || l.fixed%o.multipleOf == 0)
}

// numeral reads a number (RFC 8259, 6) within the gate's limits.
func (w *walker) numeral() (l literal, ok bool) {
	from := w.at
	negative := w.skip("-")
	whole, n := w.digits()
	if n == 0 || n > 1 && w.data[w.at-n] == '0' {
		return l, false
	}
	l.whole, l.known = true, n <= wholeDigits
	var part int64
	if w.skip(".") {
		digits := 0
		if part, digits = w.digits(); digits == 0 {
			return l, false
		}
		l.whole = part == 0 && digits <= wholeDigits
		l.known = l.known && digits <= scale
		part *= pow10[max(0, scale-digits)]
	}
	if w.skip("eE") {
		_ = w.skip("+-")
		exponent, digits := w.digits()
		if digits == 0 || digits > wholeDigits || exponent > maxExponent {
			return l, false
		}
		l.whole, l.known = false, false
	}
	l.fixed = whole*pow10[scale] + part
	if negative {
		l.fixed = -l.fixed
	}
	return l, w.at-from <= maxNumber
}

func (w *walker) skip(one string) bool {
	for i := range len(one) {
		if w.at < len(w.data) && w.data[w.at] == one[i] {
			w.at++
			return true
		}
	}
	return false
}

// digits reads digits and counts them; of more than wholeDigits the value is
// wrong.
func (w *walker) digits() (v int64, n int) {
	for w.at < len(w.data) && w.data[w.at] >= '0' && w.data[w.at] <= '9' {
		v = v*10 + int64(w.data[w.at]-'0')
		w.at++
		n++
	}
	return v, n
}

// scalar reads an item for distinct, after it was accepted.
func (w *walker) scalar() (scalar, bool) {
	switch w.next() {
	case '"':
		content, _, escaped, ok := w.quoted()
		return scalar{kind: text, text: content}, ok && !escaped
	case 't':
		return scalar{kind: boolean, n: 1}, w.literal("true")
	case 'f':
		return scalar{kind: boolean}, w.literal("false")
	case 'n':
		return scalar{kind: null}, w.literal("null")
	}
	l, ok := w.numeral()
	return scalar{kind: number, n: l.fixed}, ok && l.known
}
