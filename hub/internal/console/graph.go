package console

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// graph is the picture of who talks to whom: organisations that send on the left, those
// that receive on the right, each a box around its applications, a line for each way. The
// table beside it says the same.
type graph struct {
	Width, Height int
	Boxes         []box
	Lines         []line
}

// box is an organisation on one side of the picture.
type box struct {
	X, Y, Width, Height int
	ID, Name            string // whole
	Heading             []heading
	Nodes               []node
	NodeX, TextX        int
	Right               bool // the texts end at TextX
}

// heading is one line of an organisation's name.
type heading struct {
	Y    int
	Text string
}

// node is an application, cut to what fits: Of is what it has of its organisation.
type node struct {
	Y            int
	ID, Of, Name string
}

type line struct {
	wayRow
	X1, Y1, C1, C2, X2, Y2 int
	Weight                 int // 1 to 6
	Label                  *label
}

// Measures of the picture.
const (
	graphWidth  = 1100
	graphMargin = 1 // for the strokes of the outer boxes
	boxWidth    = 300
	boxGap      = 14
	boxPadding  = 18 // from the edge that the lines leave to the centre of a node
	boxEdge     = 8  // above and below what is in a box
	headHeight  = 20
	rowHeight   = 30
	nodeRadius  = 7
	leftX       = graphMargin + boxWidth - boxPadding
	rightX      = graphWidth - leftX
	thirdX      = (rightX - leftX) / 3
	// characters that fit into a box, with fonts that run wide
	mostHeading = 27
	mostName    = 30
)

// draw makes the picture of ways; f writes the figures at the lines.
func draw(ways []wayRow, f format) graph {
	from, to := map[string]string{}, map[string]string{}
	for i := range ways {
		from[ways[i].From], to[ways[i].To] = ways[i].Sender, ways[i].Receiver
	}
	left, right := boxes(from, true), boxes(to, false)
	g := graph{Width: graphWidth, Height: max(stacked(left), stacked(right), rowHeight) + 2*graphMargin}
	fromY, toY := place(left, g.Height), place(right, g.Height)
	g.Boxes = slices.Concat(left, right)
	for _, w := range ways {
		g.Lines = append(g.Lines, line{
			w, leftX + nodeRadius, fromY[w.From], leftX + thirdX, rightX - thirdX, rightX - nodeRadius, toY[w.To], weight(w.Today), nil,
		})
	}
	g.label(f)
	return g
}

// boxes are those of applications, each with the name of its organisation, by
// organisation and name; senders stand on the left.
func boxes(applications map[string]string, senders bool) (out []box) {
	byOrganisation := func(a, b string) int {
		return cmp.Or(strings.Compare(search.Organisation(a), search.Organisation(b)), strings.Compare(a, b))
	}
	for _, id := range slices.SortedFunc(maps.Keys(applications), byOrganisation) {
		org := search.Organisation(id)
		if len(out) == 0 || out[len(out)-1].ID != org {
			out = append(out, newBox(org, applications[id], senders))
		}
		b := &out[len(out)-1]
		b.Nodes = append(b.Nodes, newNode(id, org))
		b.Height += rowHeight
	}
	return out
}

func newBox(org, name string, senders bool) box {
	b := box{X: graphMargin, Width: boxWidth, ID: org, Name: name, NodeX: leftX, TextX: leftX - 2*nodeRadius, Right: true}
	if !senders {
		b.X, b.NodeX, b.TextX, b.Right = graphWidth-graphMargin-boxWidth, rightX, rightX+2*nodeRadius, false
	}
	for _, text := range twoLines(visible(cmp.Or(name, org), maxForeign), mostHeading) {
		b.Heading = append(b.Heading, heading{Text: text})
	}
	b.Height = 2*boxEdge + headHeight*len(b.Heading)
	return b
}

func newNode(id, org string) node {
	n := node{ID: id, Name: visible(id, maxForeign)}
	if own, has := strings.CutPrefix(n.Name, org+"."); has {
		n.Of, n.Name = org+".", own
	}
	if len([]rune(n.Of+n.Name)) > mostName {
		n.Of, n.Name = "", short(n.Name, mostName)
	}
	return n
}

// stacked is how high boxes are, one below the other.
func stacked(boxes []box) (height int) {
	for i := range boxes {
		height += boxes[i].Height + boxGap
	}
	return max(height-boxGap, 0)
}

// place puts boxes one below the other in the middle of a height, and gives where each
// application is.
func place(boxes []box, height int) map[string]int {
	at, y := map[string]int{}, (height-stacked(boxes))/2
	for i := range boxes {
		b := &boxes[i]
		b.Y = y
		in := y + boxEdge
		for k := range b.Heading {
			b.Heading[k].Y = in + headHeight/2
			in += headHeight
		}
		for k := range b.Nodes {
			b.Nodes[k].Y = in + rowHeight/2
			at[b.Nodes[k].ID] = b.Nodes[k].Y
			in += rowHeight
		}
		y += b.Height + boxGap
	}
	return at
}

// twoLines breaks a text between words; what does not fit then is cut.
func twoLines(s string, most int) []string {
	r := []rune(s)
	if len(r) <= most {
		return []string{s}
	}
	at := most
	for at > 0 && r[at] != ' ' {
		at--
	}
	if at == 0 {
		return []string{short(s, most)}
	}
	return []string{string(r[:at]), short(string(r[at+1:]), most)}
}

// short cuts a text to a number of characters.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// weight grows with the digits of a number.
func weight(n uint64) int {
	w := 1
	for ; n >= 10 && w < 6; n /= 10 {
		w++
	}
	return w
}
