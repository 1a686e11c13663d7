package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
)

// remembers is a hub that remembers attempts.
type remembers struct {
	Hub
	attempts []decision.Attempt
}

func (r remembers) Attempts(*decision.Decision, string) []decision.Attempt { return r.attempts }

// TestAttempts: attempts in the trail and those that the hub remembers are shown once each;
// when the next is due is shown while that lies ahead and the mailbox is not paused; of what
// is known by its number alone the page says so.
func TestAttempts(t *testing.T) {
	t.Parallel()
	all, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	one := decision.Attempt{N: 1, At: at.Add(-time.Minute), Code: "no-file"}
	two := decision.Attempt{N: 2, At: at, Code: "busy", Next: at.Add(time.Minute)}
	outcome := func(r decision.Result, attempt int, attempts ...decision.Attempt) *decision.Delivery {
		for i := range attempts {
			attempts[i].Next = time.Time{} // as in the trail
		}
		return &decision.Delivery{Mailbox: "a.b", Result: r, Attempt: attempt, At: at, Attempts: attempts}
	}
	shown := func(v receiverView, known ...decision.Attempt) string {
		t.Helper()
		e := &explain.Event{Decision: &decision.Decision{ID: "e", Outcome: hub.Routed}}
		v.Application = "a.b"
		if v.Delivery != nil {
			e.Deliveries = append(e.Deliveries, v.Delivery)
		}
		if v.Parked != nil {
			e.Parked = append(e.Parked, v.Parked)
		}
		q := &request{Server: &Server{cfg: Config{Hub: remembers{attempts: known}, Now: func() time.Time { return at }}}}
		v.Attempts = q.attempts(e, &v)
		var out bytes.Buffer
		view := eventView{Event: e, Payload: &payload{Why: "-"}, Receivers: []receiverView{v}}
		if err := all.write(&out, "event", &page{format: format{"de", german, at}, T: german, Name: "event", Data: &eventPage{ID: "e", Events: []eventView{view}}}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const next, more = "Nächster Versuch frühestens", "ist nur die Zahl bekannt"
	due := decision.Attempt{N: 1, At: one.At, Code: "no-file", Next: at}
	for name, c := range map[string]struct {
		page  string
		says  []string
		lacks []string
	}{
		"open":             {shown(receiverView{}, one, two), []string{"Versuche des Amtsboten (2)", "(no-file)", "(busy)", next, "28.11.2026, 13:01:00"}, []string{more}},
		"due":              {shown(receiverView{}, due), []string{"Versuche des Amtsboten (1)"}, []string{next, more}},
		"paused":           {shown(receiverView{Paused: &Pause{At: at}}, one, two), []string{"Versuche des Amtsboten (2)"}, []string{next}},
		"in both":          {shown(receiverView{Delivery: outcome(decision.Refused, 2, one, two)}, one, two), []string{"Versuche des Amtsboten (2)"}, []string{next, more}},
		"in the trail":     {shown(receiverView{Parked: outcome(decision.Parked, 2, one, two)}), []string{"Versuche des Amtsboten (2)"}, []string{next, more}},
		"the last ones":    {shown(receiverView{Delivery: outcome(decision.Done, 2, two)}), []string{"Versuche des Amtsboten (1)", more}, []string{next}},
		"an older record":  {shown(receiverView{Delivery: outcome(decision.Done, 7)}), []string{"Versuch 7", more}, []string{"Versuche des"}},
		"taken at once":    {shown(receiverView{Delivery: outcome(decision.Done, 1)}), []string{"Versuch 1"}, []string{"Versuche des", more}},
		"not tried so far": {shown(receiverView{}), nil, []string{"Versuche des", next, more}},
	} {
		for _, s := range c.says {
			if !strings.Contains(c.page, s) {
				t.Errorf("%s: it does not say %q:\n%s", name, s, c.page)
			}
		}
		for _, s := range c.lacks {
			if strings.Contains(c.page, s) {
				t.Errorf("%s: it says %q", name, s)
			}
		}
	}
}
