package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// outcomes prints one line an outcome.
type outcomes struct {
	mu   sync.Mutex
	out  io.Writer
	lang string
}

func newOutcomes(out io.Writer, lang string) *outcomes {
	if strings.HasPrefix(lang, "de") {
		lang = "de"
	}
	return &outcomes{out: out, lang: lang}
}

var outcomeWords = map[string][2]string{
	string(hub.Routed):       {"zugestellt", "routed"},
	string(hub.Unrouted):     {"keine Regel", "unrouted"},
	string(hub.Quarantined):  {"Klärungsfach", "quarantined"},
	string(hub.Suppressed):   {"Doppel", "duplicate"},
	string(decision.Done):    {"übernommen", "done"},
	string(decision.Refused): {"abgelehnt", "refused"},
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
	case hub.Quarantined, hub.Unrouted:
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
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.out, "%s  %-12s %s  %s\n", time.Now().Format("15:04:05.000"), o.word(outcome), id, rest)
}
