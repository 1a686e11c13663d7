package accepter

import (
	"math"
	"regexp"
	"regexp/syntax"
	"sync"
	"unicode/utf8"
)

// pattern is a regular expression as jsonschema v5 uses it (package regexp), and
// the steps that stand for it when it is simple.
type pattern struct {
	// re is compiled when the steps do not do: with a repetition to 200 it takes 100 KB.
	re    func() *regexp.Regexp
	steps []step // nil: not simple
}

// step takes from min to max characters of a set.
type step struct {
	set      [2]uint64 // of ASCII
	min, max int
}

func newPattern(s string) (*pattern, bool) {
	tree, err := syntax.Parse(s, syntax.Perl) // all that can fail of regexp.Compile
	if err != nil {
		return nil, false
	}
	return &pattern{re: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) }), steps: simple(tree)}, true
}

// matches tries the steps first. Each takes all that it can: when that leads to
// the end, it is a match; when it does not, it says nothing.
func (p *pattern) matches(s []byte) bool {
	return p.steps != nil && walkSteps(p.steps, s) || p.re().Match(s)
}

func walkSteps(steps []step, s []byte) bool {
	at := 0
	for i := range steps {
		t, rest := &steps[i], s[at:]
		if t.max < len(rest) {
			rest = rest[:t.max]
		}
		n := t.run(rest)
		if n < t.min {
			return false
		}
		at += n
	}
	return at == len(s)
}

// run is how many characters at the start of s the step takes.
func (t *step) run(s []byte) int {
	low, high := t.set[0], t.set[1]
	for n, c := range s {
		set := low
		if c >= 64 {
			set = high
		}
		if c >= utf8.RuneSelf || set>>(c&63)&1 == 0 {
			return n
		}
	}
	return len(s)
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
