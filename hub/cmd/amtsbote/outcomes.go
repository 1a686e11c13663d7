package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// outcomes prints one line an outcome. Printing never holds up the hub: when
// nobody reads, lines are left out and counted.
type outcomes struct {
	lang  string
	lines chan string
	done  chan struct{}

	mu   sync.Mutex
	left int // lines left out
}

// waitingLines is how many lines may wait for a slow reader.
const waitingLines = 10_000

func newOutcomes(out io.Writer, lang string) *outcomes {
	if strings.HasPrefix(lang, "de") {
		lang = "de"
	}
	o := &outcomes{lang: lang, lines: make(chan string, waitingLines), done: make(chan struct{})}
	go o.write(out)
	return o
}

// write prints what waits together: a line alone would cost a system call each.
func (o *outcomes) write(out io.Writer) {
	defer close(o.done)
	together := bufio.NewWriterSize(out, 64<<10)
	for line := range o.lines {
		_, _ = together.WriteString(line)
		_ = together.WriteByte('\n')
		if len(o.lines) == 0 {
			_ = together.Flush()
		}
	}
	_ = together.Flush()
}

// close prints what waits, for at most a second: a reader that is stuck must
// not keep the hub from ending.
func (o *outcomes) close(out io.Writer) {
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
func (o *outcomes) Decided(d *decision.Decision) {
	detail := d.Application
	switch d.Outcome {
	case hub.Routed:
		names := make([]string, len(d.Receivers))
		for i, r := range d.Receivers {
			names[i] = r.Application
		}
		detail += " -> " + strings.Join(names, ", ")
	case hub.Quarantined, hub.Unrouted, hub.Parked:
		detail += "  " + strings.TrimSpace(string(d.Code)+" "+d.At)
	case hub.Suppressed:
	}
	o.print(string(d.Outcome), d.ID, d.Type+"  "+detail)
}

// Delivered implements app.Observer.
func (o *outcomes) Delivered(d *decision.Delivery) {
	o.print(string(d.Result), d.ID, strings.TrimSpace(d.Mailbox+"  "+d.Code))
}

func (o *outcomes) print(outcome, id, rest string) {
	line := fmt.Sprintf("%s  %-12s %s  %s", time.Now().Format("15:04:05.000"), o.word(outcome), id, rest)
	select {
	case o.lines <- line:
	default:
		o.mu.Lock()
		o.left++
		o.mu.Unlock()
	}
}
