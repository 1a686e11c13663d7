package console

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// graph is the picture of who talks to whom: senders on the left, receivers on the
// right, a line for each way. The table beside it says the same.
type graph struct {
	Width, Height int
	Nodes         []node
	Lines         []line
}

type node struct {
	X, Y         int
	TextX        int
	Organisation string
	Name         string
	Right        bool // the text ends at TextX
}

type line struct {
	X1, Y1, C1, C2, X2, Y2 int
	Weight                 int // 1 to 6
	Waits                  bool
	Active                 bool
	Fails                  bool
}

// Measures of the picture.
const (
	graphWidth  = 900
	graphMargin = 24
	rowHeight   = 44
	leftX       = 330
	rightX      = graphWidth - leftX
)

func draw(ways []wayRow) graph {
	left, right := map[string]int{}, map[string]int{}
	var senders, receivers []string
	for _, w := range ways {
		senders, receivers = addName(senders, w.From), addName(receivers, w.To)
	}
	slices.Sort(senders)
	slices.Sort(receivers)
	rows := max(len(senders), len(receivers))
	g := graph{Width: graphWidth, Height: graphMargin*2 + rowHeight*max(rows, 1)}
	for i, s := range senders {
		left[s] = spread(i, len(senders), g.Height)
		g.Nodes = append(g.Nodes, node{leftX, left[s], leftX - 14, search.Organisation(s), s, true})
	}
	for i, r := range receivers {
		right[r] = spread(i, len(receivers), g.Height)
		g.Nodes = append(g.Nodes, node{rightX, right[r], rightX + 14, search.Organisation(r), r, false})
	}
	for _, w := range ways {
		y1, y2 := left[w.From], right[w.To]
		third := (rightX - leftX) / 3
		g.Lines = append(g.Lines, line{leftX + 7, y1, leftX + third, rightX - third, rightX - 7, y2, weight(w.Today), w.Waits > 0, w.Minute > 0, w.Errors > 0})
	}
	return g
}

func addName(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// spread gives the place of one of n over a height.
func spread(i, n, height int) int {
	return graphMargin + (height-2*graphMargin)*(2*i+1)/(2*n)
}

// weight grows with the digits of a number.
func weight(n uint64) int {
	w := 1
	for ; n >= 10 && w < 6; n /= 10 {
		w++
	}
	return w
}
