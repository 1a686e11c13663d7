package console

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func testWay(from, sender, to, receiver string, today uint64) wayRow {
	w := wayRow{Sender: sender, Receiver: receiver}
	w.From, w.To, w.Today = from, to, today
	return w
}

var graphFormat = format{"de", german, time.Time{}}

// TestDraw: applications stand by organisation and name in the box of their organisation,
// each side has its own, and every way goes from its sender to its receiver.
func TestDraw(t *testing.T) {
	t.Parallel()
	ways := []wayRow{
		testWay("b.y", "Bad Beispiel", "c.z", "Cham", 1234),
		testWay("a.x", "Aach", "b.y", "Bad Beispiel", 7),
		testWay("b.a", "Bad Beispiel", "a.x", "Aach", 99),
		testWay("a-b.u", "", "c.w", "Cham", 1),
		testWay("a.c", "Aach", "c.z", "Cham", 0),
	}
	g := draw(ways, graphFormat)
	var left, right []string
	for _, b := range g.Boxes {
		side := &left
		if !b.Right {
			side = &right
		}
		for _, n := range b.Nodes {
			*side = append(*side, strings.Join([]string{b.Heading[0].Text, n.Of, n.Name}, " "))
		}
	}
	if want := []string{"Aach a. c", "Aach a. x", "a-b a-b. u", "Bad Beispiel b. a", "Bad Beispiel b. y"}; !slices.Equal(left, want) {
		t.Errorf("on the left stand %q", left)
	}
	if want := []string{"Aach a. x", "Bad Beispiel b. y", "Cham c. w", "Cham c. z"}; !slices.Equal(right, want) {
		t.Errorf("on the right stand %q", right)
	}
	whole(t, g, ways)
	if g.Lines[0].Weight != 4 || g.Lines[4].Weight != 1 {
		t.Errorf("%+v", g.Lines)
	}
	if g := draw(nil, graphFormat); g.Height <= 0 || len(g.Boxes)+len(g.Lines) > 0 {
		t.Errorf("the picture of nothing: %+v", g)
	}
}

// whole tells that boxes lie in the picture, over no other one, around what is theirs;
// that each line joins its two; and that figures lie between the boxes, over no others.
func whole(t *testing.T, g graph, ways []wayRow) {
	t.Helper()
	type place struct {
		id     string
		sender bool
	}
	at := map[place][2]int{}
	for i, b := range g.Boxes {
		if b.X < 0 || b.Y < 0 || b.X+b.Width > g.Width || b.Y+b.Height > g.Height {
			t.Errorf("%s lies outside the picture: %+v", b.ID, b)
		}
		for _, o := range g.Boxes[:i] {
			if b.X < o.X+o.Width && o.X < b.X+b.Width && b.Y < o.Y+o.Height && o.Y < b.Y+b.Height {
				t.Errorf("%s lies over %s", b.ID, o.ID)
			}
		}
		last := b.Y
		for _, h := range b.Heading {
			if h.Y-headHeight/2 < last {
				t.Errorf("the name of %s stands over something: %+v", b.ID, b)
			}
			last = h.Y + headHeight/2
		}
		for _, n := range b.Nodes {
			if n.Y-rowHeight/2 < last || n.Y+rowHeight/2 > b.Y+b.Height || b.NodeX-nodeRadius < b.X || b.NodeX+nodeRadius > b.X+b.Width || b.TextX < b.X || b.TextX > b.X+b.Width {
				t.Errorf("%s does not lie in its box: %+v", n.ID, b)
			}
			last = n.Y + rowHeight/2
			at[place{n.ID, b.Right}] = [2]int{b.NodeX, n.Y}
		}
	}
	if len(g.Lines) != len(ways) {
		t.Fatalf("%d lines for %d ways", len(g.Lines), len(ways))
	}
	var labels []*label
	for i, l := range g.Lines {
		from, to := at[place{ways[i].From, true}], at[place{ways[i].To, false}]
		if want := [4]int{from[0] + nodeRadius, from[1], to[0] - nodeRadius, to[1]}; [4]int{l.X1, l.Y1, l.X2, l.Y2} != want {
			t.Errorf("the line from %s to %s is %+v, want %v", ways[i].From, ways[i].To, l, want)
		}
		n := l.Label
		if n == nil {
			continue
		}
		if n.Y != l.at(n.X) || n.Left() < freeLeft || n.Left()+n.Width() > freeRight {
			t.Errorf("the figures from %s to %s are not on their line: %+v", ways[i].From, ways[i].To, n)
		}
		if slices.ContainsFunc(labels, n.covers) {
			t.Errorf("the figures from %s to %s cover others", ways[i].From, ways[i].To)
		}
		labels = append(labels, n)
	}
}

// TestDrawMany: a picture of as many ways as there can be is whole, and has the figures
// of what is wrong, whatever else finds no room.
func TestDrawMany(t *testing.T) {
	t.Parallel()
	for organisations := 1; organisations <= maxWays; organisations++ {
		var ways []wayRow
		for i := range maxWays {
			w := testWay(fmt.Sprintf("org%d.register%d", i%organisations, i*3%maxWays), "Zweckverband", fmt.Sprintf("org%d.ziel%d", i*7%organisations, i*11%maxWays), "", uint64(1000-i))
			if i == maxWays-1 {
				w.Errors, w.Waits = 3, 1200
			}
			ways = append(ways, w)
		}
		g := draw(ways, graphFormat)
		whole(t, g, ways)
		if n := g.Lines[maxWays-1].Label; n == nil || n.Rate != "961 heute" || n.Errors != " · Fehler: 3" || n.Waits != " · wartend: 1.200" {
			t.Errorf("%d organisations: %+v", organisations, n)
		}
	}
}

// TestDrawCrowded: where there is no room for the figures of all, lines have none.
func TestDrawCrowded(t *testing.T) {
	t.Parallel()
	var ways []wayRow
	for i := range maxWays {
		ways = append(ways, testWay("a.x", "", "b.y", "", uint64(i)))
	}
	g := draw(ways, graphFormat)
	whole(t, g, ways)
	if g.Lines[0].Label == nil || g.Lines[maxWays-1].Label != nil {
		t.Errorf("%+v", g.Lines)
	}
}

// TestDrawLong: what is too long for a box is cut, what its tooltip says is whole, and
// what turns the direction of a text is named.
func TestDrawLong(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"Behörde für Inneres und Sport der Freien und Hansestadt Hamburg": {"Behörde für Inneres und", "Sport der Freien und Hanse…"},
		"Datenstelle der Rentenversicherung":                              {"Datenstelle der", "Rentenversicherung"},
		"Abwasserzweckverbandsverwaltungsgemeinschaft":                    {"Abwasserzweckverbandsverwa…"},
		"Bad\u202eBeispiel": {"Bad⟨U+202E⟩Beispiel"},
		"":                  {"b"},
	} {
		long := "b." + strings.Repeat("fachverfahren-", 4)
		b := draw([]wayRow{testWay("a.x", "", long, name, 1)}, graphFormat).Boxes[1]
		var got []string
		for _, h := range b.Heading {
			got = append(got, h.Text)
		}
		n := b.Nodes[0]
		if !slices.Equal(got, want) || n.ID != long || utf8.RuneCountInString(n.Of+n.Name) > mostName || !strings.HasSuffix(n.Name, "…") {
			t.Errorf("%q: %q, %+v", name, got, n)
		}
	}
}

// TestPicture: the page has the organisation and the application of either side, in the
// picture as in the table, and the figures of each way in the language.
func TestPicture(t *testing.T) {
	t.Parallel()
	all, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	w := testWay("akdb.okewo", "AKDB & Töchter", "lhm.kfz", "", 1234)
	w.Minute, w.Errors, w.Waits = 2.4, 3, 17
	for _, f := range []format{graphFormat, {"en", english, time.Time{}}} {
		p := &page{format: f, T: f.t, Data: &overviewPage{Ways: []wayRow{w}, Graph: draw([]wayRow{w}, f)}}
		for part, says := range map[string]map[string][]string{
			"picture": {
				"de": {
					`<title>AKDB &amp; Töchter (akdb)</title>`, `>AKDB &amp; Töchter</text>`, `<tspan class="of">akdb.</tspan>okewo</text>`, `>lhm</text>`, `<tspan class="of">lhm.</tspan>kfz</text>`,
					"<title>akdb.okewo → lhm.kfz\nEreignisse heute: 1.234\nje Minute: 2,4\nFehler heute: 3\nwartend: 17</title>", `class="way w4 active waits fails"`, `>2,4/min<tspan class="wrong"> · Fehler: 3</tspan><tspan class="late"> · wartend: 17</tspan></text>`,
				},
				"en": {"Events today: 1,234\na minute: 2.4\nErrors today: 3\nwaiting: 17</title>", `>2.4/min<tspan class="wrong"> · errors: 3</tspan>`},
			},
			"ways": {
				"de": {`<th scope="row">akdb.okewo<br><span class="small">AKDB &amp; Töchter</span></th><td>lhm.kfz</td><td class="n">1.234</td>`},
				"en": {`<th scope="row">akdb.okewo<br><span class="small">AKDB &amp; Töchter</span></th><td>lhm.kfz</td><td class="n">1,234</td>`},
			},
		} {
			var out bytes.Buffer
			if err := all.part(&out, "overview", part, p); err != nil {
				t.Fatal(err)
			}
			for _, s := range says[f.Lang] {
				if !strings.Contains(out.String(), s) {
					t.Errorf("%s in %s does not say %q:\n%s", part, f.Lang, s, out.String())
				}
			}
		}
	}
}
