package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Screen draws a Progress. On a terminal it draws over what it drew before;
// elsewhere it writes a line for each step once it is complete.
type Screen struct {
	Out      io.Writer
	Terminal bool
	lines    int
	said     map[string]bool
}

// Draw shows how far p is.
func (s *Screen) Draw(p *Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Terminal {
		s.redraw(p)
		return
	}
	if s.said == nil {
		s.said = map[string]bool{}
	}
	for i := range p.cases {
		c := &p.cases[i]
		for _, st := range p.states(c) {
			key := c.Title + st.step.Type + st.step.From
			if st.complete() && !s.said[key] {
				s.said[key] = true
				fmt.Fprintf(s.Out, "%s\n  %s\n", c.Title, strings.TrimLeft(row(st), " +"))
			}
		}
	}
}

func (s *Screen) redraw(p *Progress) {
	var b strings.Builder
	if s.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.lines)
	}
	s.lines = 0
	line := func(text string) {
		fmt.Fprintf(&b, "\x1b[2K%s\n", text)
		s.lines++
	}
	for i := range p.cases {
		c := &p.cases[i]
		line(c.Title)
		for _, st := range p.states(c) {
			line(row(st))
		}
		line("")
	}
	_, _ = io.WriteString(s.Out, b.String())
}

// row is one step: "  + 12:00:01.234 wohnung-angemeldet      akdb.okewo -> lhm.kfz +".
func row(st *state) string {
	name := short(st.step.Type)
	if st.decision == nil {
		return fmt.Sprintf("  .              %-28s waiting", name)
	}
	mark := "."
	if st.complete() {
		mark = "+"
	}
	receivers := make([]string, 0, len(st.step.Receivers))
	for _, r := range st.step.Receivers {
		sign := "…"
		switch st.delivered[r] {
		case decision.Done:
			sign = "✓"
		case decision.Refused:
			sign = "✗"
		}
		receivers = append(receivers, r+" "+sign)
	}
	return fmt.Sprintf("  %s %s %-28s %s -> %s", mark, st.decision.Stored.In(time.Local).Format("15:04:05.000"),
		name, st.decision.Application, strings.Join(receivers, "  "))
}

func short(typ string) string {
	parts := strings.Split(typ, ".")
	if len(parts) < 2 {
		return typ
	}
	return parts[len(parts)-2]
}
