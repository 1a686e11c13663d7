package flow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/check"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// BenchmarkRoutingBySize compares what an event costs in a federation of the size
// of Germany and in one of ten organisations, side by side: the ratio is what
// counts. Events come from all authorities at random. "route" is the stage alone,
// "decide" all that a decision needs.
func BenchmarkRoutingBySize(b *testing.B) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	large, ten := newSized(b, hubtest.Large, now), newSized(b, hubtest.Ten, now)
	for _, what := range []struct {
		name string
		run  func(s *sized, i int)
	}{
		{"route", func(s *sized, i int) { route.Route(s.decider.Federation, s.questions[i%len(s.questions)]) }},
		{"decide", func(s *sized, i int) {
			m := s.messages[i%len(s.messages)]
			if d := s.decider.Decide(m.org, &m.Message); d.Outcome != hub.Routed && d.Outcome != hub.Unrouted {
				b.Fatalf("%s %s at %s", d.Outcome, d.Code, d.At)
			}
		}},
	} {
		b.Run(what.name, func(b *testing.B) {
			var took [2][]time.Duration
			for b.Loop() {
				for which, s := range []*sized{ten, large} {
					began := time.Now()
					for i := range rounds {
						what.run(s, i)
					}
					took[which] = append(took[which], time.Since(began))
				}
			}
			small, big := median(took[0]), median(took[1])
			b.ReportMetric(float64(small.Nanoseconds())/rounds, "ns/event-ten")
			b.ReportMetric(float64(big.Nanoseconds())/rounds, "ns/event-large")
			b.ReportMetric(float64(big)/float64(small), "ratio")
		})
	}
}

const rounds = 2000

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// sized is a federation with events of its authorities.
type sized struct {
	decider   *Decider
	messages  []sent
	questions []route.Question
}

type sent struct {
	event.Message
	org string
}

type noKinds struct{}

func (noKinds) Has(string) (source, sink, ok bool) { return false, false, false }
func (noKinds) HasSimulator(string) bool           { return false }

func newSized(b *testing.B, size hubtest.Size, now time.Time) *sized {
	b.Helper()
	dir := b.TempDir()
	hubtest.WriteLarge(b, dir, size)
	fed, found := federation.Load(dir, noKinds{})
	if fed == nil {
		b.Fatal(found)
	}
	s := &sized{decider: &Decider{
		Federation: fed, Now: func() time.Time { return now },
		Seen: func(event.Identity) (index.Seen, bool) { return index.Seen{}, false },
	}}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		org := r.IntN(size.Organisations)
		first := size.Authorities * org / size.Organisations
		n := size.Authorities*(org+1)/size.Organisations - first
		authority := fmt.Sprintf("ags:%08d", 1+first+r.IntN(n))
		m := angemeldet(`"staatsangehoerigkeiten":["000"],"deutsch":true`, "")
		m.Stream, m.Subject = fmt.Sprintf("IN_org%d", org), fmt.Sprintf("in.org%d.ewo.%s", org, hubtest.LargeType)
		m.Header["ce-id"], m.Header["ce-source"] = []string{fmt.Sprint(i)}, []string{"urn:de:dvdv:" + authority}
		m.Time = now
		s.messages = append(s.messages, sent{*m, fmt.Sprintf("org%d", org)})
		s.questions = append(s.questions, question(b, fed, fmt.Sprintf("org%d", org), m, now))
	}
	return s
}

func question(b *testing.B, fed *federation.Federation, org string, m *event.Message, now time.Time) route.Question {
	b.Helper()
	e, sender, r := accept.Accept(fed, org, m)
	if r != nil {
		b.Fatal(r)
	}
	checked, r := check.Check(fed.Schemas, e)
	if r != nil {
		b.Fatal(r)
	}
	app, _ := fed.Application(sender.ID())
	authority, _ := app.Authority(e.Source())
	return route.Question{Application: app, Authority: authority, Event: e, Schema: checked.Schema, Marked: checked.Marked, At: now}
}
