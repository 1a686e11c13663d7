package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// outcomes prints one line an outcome. Printing never holds up the hub: when
// nobody reads, lines are left out and counted.
type outcomes struct {
	lang    string
	lines   chan outcome
	many    chan struct{} // half of the room for lines is taken
	closing chan struct{}
	done    chan struct{}

	mu   sync.Mutex
	left int // lines left out
}

// outcome is what a line says: of a decision or of a delivery. Who prints makes the text, so
// that a lane need not.
type outcome struct {
	at        time.Time
	decision  *decision.Decision
	delivered *decision.Delivery
}

// waitingLines is how many lines may wait for a slow reader.
const waitingLines = 10_000

// gathers is how long lines wait for others, once one was printed.
const gathers = 50 * time.Millisecond

// newOutcomes prints to out; once a line was printed, others gather so long.
func newOutcomes(out io.Writer, lang string, gather time.Duration) *outcomes {
	if strings.HasPrefix(lang, "de") {
		lang = "de"
	}
	o := &outcomes{lang: lang, lines: make(chan outcome, waitingLines), many: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go o.write(out, gather)
	return o
}

// write prints what waits together: a line alone would cost a system call, and would make its
// lane wake this goroutine.
func (o *outcomes) write(out io.Writer, gather time.Duration) {
	defer close(o.done)
	together := bufio.NewWriterSize(out, 64<<10)
	var line []byte
	for one := range o.lines {
		line = o.line(line[:0], &one)
		_, _ = together.Write(line)
		if len(o.lines) > 0 {
			continue
		}
		_ = together.Flush()
		select {
		case <-time.After(gather):
		case <-o.many:
		case <-o.closing:
		}
	}
	_ = together.Flush()
}

// close prints what waits, for at most a second: a reader that is stuck must
// not keep the hub from ending.
func (o *outcomes) close(out io.Writer) {
	close(o.closing)
	close(o.lines)
	select {
	case <-o.done:
	case <-time.After(time.Second):
		return
	}
	if o.left > 0 {
		fmt.Fprintf(out, "%d lines were left out; the trail has them all\n", o.left)
	}
}

var outcomeWords = map[string][2]string{
	string(hub.Routed):       {"zugestellt", "routed"},
	string(hub.Unrouted):     {"keine Regel", "unrouted"},
	string(hub.Quarantined):  {"Klärungsfach", "quarantined"},
	string(hub.Suppressed):   {"Doppel", "duplicate"},
	string(hub.Parked):       {"geparkt", "parked"},
	string(decision.Done):    {"übernommen", "done"},
	string(decision.Refused): {"abgelehnt", "refused"},
	string(decision.Expired): {"verfallen", "expired"},
}

func (o *outcomes) word(key string) string {
	if o.lang == "de" {
		return outcomeWords[key][0]
	}
	return outcomeWords[key][1]
}

// Decided implements app.Observer.
func (o *outcomes) Decided(d *decision.Decision) { o.print(outcome{at: time.Now(), decision: d}) }

// Delivered implements app.Observer.
func (o *outcomes) Delivered(d *decision.Delivery) {
	o.print(outcome{at: time.Now(), delivered: d})
}

func (o *outcomes) print(one outcome) {
	select {
	case o.lines <- one:
	default:
		o.mu.Lock()
		o.left++
		o.mu.Unlock()
	}
	if len(o.lines) < waitingLines/2 {
		return
	}
	select {
	case o.many <- struct{}{}:
	default:
	}
}

// line appends the text of an outcome.
func (o *outcomes) line(b []byte, one *outcome) []byte {
	b = append(one.at.AppendFormat(b, "15:04:05.000"), "  "...)
	if d := one.delivered; d != nil {
		b = append(o.start(b, string(d.Result), d.ID), strings.TrimSpace(d.Mailbox+"  "+d.Code)...)
		return append(b, '\n')
	}
	d := one.decision
	b = append(append(append(o.start(b, string(d.Outcome), d.ID), d.Type...), "  "...), d.Application...)
	switch d.Outcome {
	case hub.Routed:
		before := " -> "
		for i := range d.Receivers {
			b = append(append(b, before...), d.Receivers[i].Application...)
			before = ", "
		}
	case hub.Quarantined, hub.Unrouted, hub.Parked:
		b = append(append(b, "  "...), strings.TrimSpace(string(d.Code)+" "+d.At)...)
	case hub.Suppressed:
	}
	return append(b, '\n')
}

// start appends what happened, as a column, and to which event.
func (o *outcomes) start(b []byte, outcome, id string) []byte {
	word := o.word(outcome)
	b = append(b, word...)
	for n := utf8.RuneCountInString(word); n <= 12; n++ {
		b = append(b, ' ')
	}
	return append(append(b, id...), "  "...)
}
