package accepter

import (
	"encoding/binary"
	"math"
	"math/bits"
	"regexp"
	"regexp/syntax"
	"slices"
	"sync"
	"unicode/utf8"
)

// pattern is a regular expression as jsonschema v5 uses it (package regexp), and
// the steps that stand for it when it is simple.
type pattern struct {
	// re is compiled when the steps do not do: with a repetition to 200 it takes 100 KB.
	re    func() *regexp.Regexp
	steps []step // nil: not simple
	plain bool   // the steps take nothing but ASCII that stands for itself in a JSON text
}

// step takes from min to max characters of a set.
type step struct {
	set      [4]uint64 // of bytes, ASCII only
	min, max int
	ranges   *[maxRanges]within // the same as set; nil: it has more, or max is small
}

// within finds ASCII characters from one to another among eight bytes at once, all ASCII: adding
// below or above sets the highest bit of those that are not less than the one, and of those that
// are more than the other.
type within struct{ below, above uint64 }

func newPattern(s string) (*pattern, bool) {
	tree, err := syntax.Parse(s, syntax.Perl) // all that can fail of regexp.Compile
	if err != nil {
		return nil, false
	}
	p := &pattern{re: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) }), steps: simple(tree)}
	p.plain = p.steps != nil && !slices.ContainsFunc(p.steps, special)
	for i := range p.steps {
		if t := &p.steps[i]; t.max >= 8 {
			t.ranges = inRanges(t.set)
		}
	}
	return p, true
}

// matches tries the steps first. Each takes all that it can: when that leads to
// the end, it is a match; when it does not, it says nothing.
func (p *pattern) matches(s []byte) bool {
	return p.steps != nil && walkSteps(p.steps, s) || p.re().Match(s)
}

func walkSteps(steps []step, s []byte) bool { return lead(steps, s) == len(s) }

// lead is how many bytes at the start of s the steps take, all that each can; -1 when one of them
// takes too few.
func lead(steps []step, s []byte) int {
	at := 0
	for i := range steps {
		t, rest := &steps[i], s[at:]
		if t.max < len(rest) {
			rest = rest[:t.max]
		}
		n := t.run(rest)
		if n < t.min {
			return -1
		}
		at += n
	}
	return at
}

// run is how many characters at the start of s the step takes.
func (t *step) run(s []byte) int {
	n := 0
	if t.ranges != nil {
		for ; n+8 <= len(s); n += 8 {
			if not := t.not(binary.LittleEndian.Uint64(s[n:])); not != 0 {
				return n + bits.TrailingZeros64(not)/8
			}
		}
	}
	for ; n < len(s); n++ {
		if c := s[n]; t.set[c>>6]>>(c&63)&1 == 0 {
			break
		}
	}
	return n
}

// not has the highest bit of each of eight bytes that is in none of the ranges.
func (t *step) not(x uint64) uint64 {
	x, beyond, r := x&^high, x, t.ranges
	in := (x+r[0].below)&^(x+r[0].above) | (x+r[1].below)&^(x+r[1].above) | (x+r[2].below)&^(x+r[2].above)
	return (beyond | ^in) & high
}

// maxRanges is for how many of them eight bytes at once are sooner looked at than one by one.
const maxRanges = 3

// inRanges gives the set as ranges; nil when it has more than a few.
func inRanges(set [4]uint64) *[maxRanges]within {
	var out [maxRanges]within
	n := 0
	has := func(c int) bool { return c < utf8.RuneSelf && set[c>>6]>>(c&63)&1 == 1 }
	for from := 0; from < utf8.RuneSelf; from++ {
		if !has(from) {
			continue
		}
		to := from
		for has(to + 1) {
			to++
		}
		if n == maxRanges {
			return nil
		}
		out[n] = within{ones * uint64(utf8.RuneSelf-from), ones * uint64(utf8.RuneSelf-1-to)}
		n, from = n+1, to
	}
	return &out
}

// special tells whether a step takes what does not stand for itself in a JSON text.
func special(t step) bool {
	const control = 1<<' ' - 1
	quote, back := uint64(1)<<'"', uint64(1)<<('\\'&63)
	return t.set[0]&(control|quote) != 0 || t.set[1]&back != 0
}

func (t *step) put(from, to rune) {
	for r := from; r <= to && r < utf8.RuneSelf; r++ {
		t.set[r>>6] |= 1 << (r & 63)
	}
}

// simple gives the steps of an expression from ^ to $ of nothing but characters
// and classes that are repeated each by itself.
func simple(tree *syntax.Regexp) []step {
	parts := tree.Sub
	if tree.Op != syntax.OpConcat || len(parts) < 3 ||
		parts[0].Op != syntax.OpBeginText || parts[len(parts)-1].Op != syntax.OpEndText {
		return nil
	}
	var out []step
	for _, part := range parts[1 : len(parts)-1] {
		s := stepsOf(part)
		if s == nil {
			return nil
		}
		out = append(out, s...)
	}
	return out
}

func stepsOf(re *syntax.Regexp) []step {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil
		}
		out := make([]step, len(re.Rune))
		for i, r := range re.Rune {
			out[i] = step{min: 1, max: 1}
			out[i].put(r, r)
		}
		return out
	case syntax.OpCharClass:
		s := step{min: 1, max: 1}
		for i := 0; i < len(re.Rune); i += 2 {
			s.put(re.Rune[i], re.Rune[i+1])
		}
		return []step{s}
	case syntax.OpStar:
		return repeated(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		return repeated(re.Sub[0], 1, -1)
	case syntax.OpQuest:
		return repeated(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		return repeated(re.Sub[0], re.Min, re.Max)
	}
	return nil
}

// repeated: only single characters are repeated; -1 is without end.
func repeated(re *syntax.Regexp, least, most int) []step {
	s := stepsOf(re)
	if len(s) != 1 || s[0].min != 1 || s[0].max != 1 {
		return nil
	}
	if most < 0 {
		most = math.MaxInt
	}
	s[0].min, s[0].max = least, most
	return s
}
