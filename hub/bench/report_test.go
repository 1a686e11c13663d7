package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// systems in the order in which they take turns.
var systems = []system{plain, hub, hubCut}

// quiet is the share of the machine that others may use without a mark.
const quiet = 0.12

// report gathers results: by load, by system, one a round.
type report struct {
	t       *testing.T
	rounds  int
	events  int
	loads   []load
	all     []map[system][]result
	inflows []inflow
	starts  starts
}

// add measures a load, the systems by turns. The latency is measured at a fifth
// of what the slower of plain and hub does, found before.
func (b *report) add(bin string, l load) {
	b.t.Helper()
	if l.paced > 0 {
		l.rate = max(10, int(min(measure(b.t, bin, plain, l).rate, measure(b.t, bin, hub, l).rate)/5))
	}
	of := map[system][]result{}
	for round := range b.rounds {
		for _, s := range systems {
			res := measure(b.t, bin, s, l)
			b.t.Logf("%v, round %d, %s: %.0f/s, CPU %.2f + %.2f s, %d batches, others %.0f %%", l, round+1, s, res.rate, res.own.Seconds(), res.server.Seconds(), res.batches, 100*res.others)
			of[s] = append(of[s], res)
		}
	}
	b.loads = append(b.loads, l)
	b.all = append(b.all, of)
}

// ratio is the median of the rounds' ratios of a system to the plain one.
func (b *report) ratio(i int, s system, of func(*result) float64) float64 {
	var all []float64
	for round := range b.all[i][s] {
		all = append(all, of(&b.all[i][s][round])/of(&b.all[i][plain][round]))
	}
	return median(all)
}

func (b *report) median(i int, s system, of func(*result) float64) float64 {
	var all []float64
	for round := range b.all[i][s] {
		all = append(all, of(&b.all[i][s][round]))
	}
	return median(all)
}

func median[T cmp.Ordered](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}

func rate(r *result) float64   { return r.rate }
func cpu(r *result) float64    { return r.cpu().Seconds() }
func own(r *result) float64    { return r.own.Seconds() }
func srv(r *result) float64    { return r.server.Seconds() }
func peak(r *result) float64   { return r.peak }
func p50(r *result) float64    { return float64(r.p50) / float64(time.Millisecond) }
func p99(r *result) float64    { return float64(r.p99) / float64(time.Millisecond) }
func others(r *result) float64 { return max(r.others, r.pacedOthers) }

// text is the report as Markdown.
func (b *report) text() string {
	var w strings.Builder
	fmt.Fprintf(&w, "## %s, commit %s\n\n", time.Now().UTC().Format(time.DateOnly), commit())
	fmt.Fprintf(&w, "%s. %d rounds; medians.\n", machine(), b.rounds)
	if most := b.mostOthers(); most > quiet {
		fmt.Fprintf(&w, "**Disturbed**: others used up to %.0f %% of the machine. Ratios of CPU seconds still count, rates and latencies hardly.\n", 100*most)
	}
	if len(b.loads) > 0 {
		b.drains(&w)
	}
	if len(b.inflows) > 0 {
		fmt.Fprintf(&w, "\nHow %d events of 1 KB come in, while the hub is at work:\n\n", b.events/2)
		w.WriteString("| load | way | events/s confirmed | events/s carried out | CPU s own + server, 100 000 events | others |\n")
		w.WriteString("|---|---|--:|--:|--:|--:|\n")
		for i := range b.inflows {
			b.inflows[i].row(&w)
		}
	}
	return w.String()
}

// drains are what was measured with events that lay in the in stream.
func (b *report) drains(w *strings.Builder) {
	fmt.Fprintf(w, "\n%d events of 1 KB (unsynced; fewer of the others) lay in the in stream; ratios within a round:\n\n", b.events)
	w.WriteString("| load | system | events/s | of plain | CPU s own + server, 100 000 events | of plain | peak MB | p50/p99 ms at events/s | of plain | others |\n")
	w.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, l := range b.loads {
		for _, s := range systems {
			b.row(w, i, l, s)
		}
	}
	w.WriteString("\n| what counts | is | must be | goal |\n|---|--:|--:|--:|\n")
	b.verdicts(w)
}

func (b *report) mostOthers() (most float64) {
	most = b.starts.others
	for i := range b.inflows {
		most = max(most, b.inflows[i].others())
	}
	for i := range b.all {
		for _, s := range systems {
			most = max(most, b.median(i, s, others))
		}
	}
	return most
}

func (b *report) row(w *strings.Builder, i int, l load, s system) {
	latency, ratio := "", ""
	if l.rate > 0 {
		latency = fmt.Sprintf("%.2f/%.2f at %d", b.median(i, s, p50), b.median(i, s, p99), l.rate)
		ratio = fmt.Sprintf("%.2f/%.2f", b.ratio(i, s, p50), b.ratio(i, s, p99))
	}
	fmt.Fprintf(w, "| %v | %s | %.0f | %.2f | %.2f + %.2f | %.2f | %.0f | %s | %s | %.0f %% |\n", l, s,
		b.median(i, s, rate), b.ratio(i, s, rate), b.median(i, s, own), b.median(i, s, srv), b.ratio(i, s, cpu),
		b.median(i, s, peak), latency, ratio, 100*b.median(i, s, others))
}

// verdicts are the figures by which the hub is judged.
func (b *report) verdicts(w *strings.Builder) {
	for i, l := range b.loads {
		speed, least, goal := fmt.Sprintf("%v: events/s, hub ÷ plain", l), "", ""
		switch {
		case l.synced && l.size == 1000:
			least, goal = "≥ 4", "6"
		case l.size == 1000:
			least, goal = "≥ 0.75", "1.0"
		case !l.synced:
			least, goal = "≥ 0.65", "0.8"
		}
		fmt.Fprintf(w, "| %s | %.2f | %s | %s |\n", speed, b.ratio(i, hub, rate), least, goal)
		if !l.synced && l.size == 1000 {
			fmt.Fprintf(w, "| %v: CPU seconds, hub ÷ plain | %.2f | ≤ 1.6 | 1.15 |\n", l, b.ratio(i, hub, cpu))
		}
		if l.size == 1000 {
			// one second for 100 000 events is 10 µs for one
			fmt.Fprintf(w, "| %v: CPU µs of the hub an event more for one cut receiver | %.1f | ≤ 20 | |\n", l, 10*b.more(i))
		}
		if l.rate > 0 {
			fmt.Fprintf(w, "| %v: latency at a fifth of the load, hub ÷ plain, p50 | %.2f | ≤ 2 | |\n", l, b.ratio(i, hub, p50))
			fmt.Fprintf(w, "| %v: the same, p99 | %.2f | ≤ 3 | |\n", l, b.ratio(i, hub, p99))
		}
	}
	s := b.starts
	if s.small.idle == 0 {
		return
	}
	fmt.Fprintf(w, "| memory at rest, embedded, this small federation, MB | %.0f | ≤ 100 | |\n", s.small.idle)
	fmt.Fprintf(w, "| the same, 300 organisations, 11 000 authorities, 30 000 agreements, MB (peak) | %.0f (%.0f) | | |\n", s.large.idle, s.large.peak)
	fmt.Fprintf(w, "| start, this small federation: first, again, s | %.1f, %.1f | | |\n", s.small.first.Seconds(), s.small.again.Seconds())
	fmt.Fprintf(w, "| start, the large federation: first, again, s | %.1f, %.1f | | |\n", s.large.first.Seconds(), s.large.again.Seconds())
}

// more is the CPU that the hub takes more for 100 000 events when one receiver of
// each is cut, in seconds: the median of the rounds' differences. The server is
// left out, its figures spread by more than that.
func (b *report) more(i int) float64 {
	var all []float64
	for round := range b.all[i][hub] {
		all = append(all, own(&b.all[i][hubCut][round])-own(&b.all[i][hub][round]))
	}
	return median(all)
}
