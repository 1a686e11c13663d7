package console

import (
	"cmp"
	"slices"
)

// label has the figures of a way, on its line.
type label struct {
	X, Y                int // its middle
	half                int // of its width
	Rate, Errors, Waits string
}

// Left, Top, Width and Height are those of the ground that it is written on.
func (n *label) Left() int   { return n.X - n.half }
func (n *label) Top() int    { return n.Y - labelHeight/2 }
func (n *label) Width() int  { return 2 * n.half }
func (n *label) Height() int { return labelHeight }

const (
	labelHeight = 20
	labelEnd    = 8  // left and right of the text
	labelStep   = 24 // between places that are tried
	charWidth   = 7  // of the figures, with fonts that run wide
	freeLeft    = graphMargin + boxWidth + 8
	freeRight   = graphWidth - freeLeft
)

// label puts the figures where they cover no other ones and few lines. Where there is no
// room the line has none: its tooltip and the table say them. Those with errors come
// first, then the busiest; what waits comes and goes, and has no say, so that the figures
// stay where they are.
func (g *graph) label(f format) {
	order := make([]*line, len(g.Lines))
	starts, ends := map[int]int{}, map[int]int{}
	for i := range g.Lines {
		order[i] = &g.Lines[i]
		starts[g.Lines[i].Y1]++
		ends[g.Lines[i].Y2]++
	}
	slices.SortStableFunc(order, func(a, b *line) int { return cmp.Compare(min(b.Errors, 1), min(a.Errors, 1)) })
	var taken []*label
	for _, l := range order {
		n := newLabel(l, f)
		if g.put(n, l, taken, starts[l.Y1] < ends[l.Y2]) {
			l.Label = n
			taken = append(taken, n)
		}
	}
}

func newLabel(l *line, f format) *label {
	n := &label{Rate: f.Number(l.Today) + " " + f.t.GraphToday}
	if l.Minute > 0 {
		n.Rate = f.Decimal(l.Minute) + "/min"
	}
	if l.Errors > 0 {
		n.Errors = " · " + f.t.GraphErrors + ": " + f.Number(l.Errors)
	}
	if l.Waits > 0 {
		n.Waits = " · " + f.t.Waiting + ": " + f.Number(l.Waits)
	}
	n.half = len([]rune(n.Rate+n.Errors+n.Waits))*charWidth/2 + labelEnd
	return n
}

// put finds a place for the figures of a line, from its end where fewer others are.
func (g *graph) put(n *label, l *line, taken []*label, fromLeft bool) bool {
	best := -1
	for x := freeLeft + n.half; x <= freeRight-n.half; x += labelStep {
		try := label{X: x, half: n.half}
		if !fromLeft {
			try.X = freeLeft + freeRight - x
		}
		try.Y = l.at(try.X)
		if slices.ContainsFunc(taken, try.covers) {
			continue
		}
		if over := g.under(&try, l); best < 0 || over < best {
			best, n.X, n.Y = over, try.X, try.Y
		}
	}
	return best >= 0
}

func (n *label) covers(o *label) bool {
	return abs(n.X-o.X) <= n.half+o.half && abs(n.Y-o.Y) <= labelHeight
}

// under counts how often other lines go through a label.
func (g *graph) under(n *label, own *line) (times int) {
	for i := range g.Lines {
		if l := &g.Lines[i]; l != own {
			for _, x := range []int{n.X - n.half, n.X - n.half/2, n.X, n.X + n.half/2, n.X + n.half} {
				if abs(l.at(x)-n.Y) < labelHeight/2 {
					times++
				}
			}
		}
	}
	return times
}

// at is how far down a line is at a place between its ends. Its controls stand a third
// of its width apart, so that its parameter goes as x does.
func (l *line) at(x int) int {
	t := float64(x-l.X1) / float64(l.X2-l.X1)
	return l.Y1 + int(float64(l.Y2-l.Y1)*t*t*(3-2*t))
}

func abs(n int) int { return max(n, -n) }
