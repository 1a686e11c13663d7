package search

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Names of counts of a day beyond the outcomes of events (hub.Outcome) and of copies
// (decision.Result).
const (
	CountAccepted = "accepted" // events that were acknowledged
	CountDoor     = "door"     // refused at a door, never acknowledged
	countCopies   = "copies"
	countErrors   = "errors"
)

var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the federation package embeds the zones
	}
	return l
}()

// dayOf is the day in Berlin, as 20261128.
func dayOf(t time.Time) string { return t.In(berlin).Format("20060102") }

// sep stands between the parts of a count's name; no name of an organisation or
// application holds it.
const sep = "\x00"

func (x *Index) countEvent(e *Event, d *decision.Decision) {
	if e.Code.ByPerson() { // it was counted when it came
		return
	}
	day, org := dayOf(e.Decided), Sender(e.In)
	x.count(day, org, CountAccepted, 1)
	x.count(day, org, string(e.Outcome), 1)
	x.set("last"+sep+e.Application, uint64(max(e.Stored.Unix(), 0)))
	x.hour(e.Decided, HourAccepted, org)
	x.see(e)
	if d.HasReceipt() {
		x.hour(e.Decided, HourCopies, d.Receipt)
	}
	for _, r := range e.Receivers {
		x.hour(e.Decided, HourCopies, r)
		x.edge(day, e.Application, r, countCopies)
		x.rates.add(e.Application+sep+r, e.Decided)
	}
}

func (x *Index) countCopy(d *decision.Delivery) {
	day := dayOf(d.At)
	if !d.OfReceipt() {
		x.count(day, Organisation(d.Mailbox), string(d.Result), 1)
	}
	for _, told := range []*decision.Told{d.Handed, expiryTold(d)} { // which brings its sender a receipt
		if told != nil && told.Receipt != "" {
			x.hour(d.At, HourCopies, told.Receipt)
		}
	}
	if d.Result != decision.Parked {
		x.hour(d.At, HourSettled, d.Mailbox)
	}
	x.set("got"+sep+d.Mailbox, uint64(max(d.At.Unix(), 0)))
}

func expiryTold(d *decision.Delivery) *decision.Told {
	if d.Expiry == nil {
		return nil
	}
	return &d.Expiry.Told
}

func (x *Index) edge(day, from, to, what string) {
	name := strings.Join([]string{day, "edge", from, to, what}, sep)
	x.set(name, x.value(name)+1)
}

// count adds to a count of an organisation, and of all.
func (x *Index) count(day, org, what string, n uint64) {
	for _, o := range []string{org, ""} {
		name := strings.Join([]string{day, "org", o, what}, sep)
		x.set(name, x.value(name)+n)
	}
}

func (x *Index) set(name string, n uint64) {
	x.counts[name] = n
	x.changed[name] = true
}

func (x *Index) value(name string) uint64 { return x.counts[name] }

// loadCounts reads all counts: some of each organisation, application and way a day.
func (x *Index) loadCounts() (err error) {
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyCount}, UpperBound: []byte{keyCount + 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if v := it.Value(); len(v) == 8 {
			name := string(it.Key()[1:])
			x.counts[name] = binary.BigEndian.Uint64(v)
			if parts := strings.Split(name, sep); len(parts) == 5 && parts[1] == "edge" {
				x.rates.restore(parts[0], parts[2]+sep+parts[3])
			}
		}
	}
	return it.Error()
}

// Today gives the counts of today (Europe/Berlin) of an organisation, "" for all.
func (x *Index) Today(organisation string) map[string]uint64 {
	prefix := strings.Join([]string{dayOf(x.opts.Now()), "org", organisation, ""}, sep)
	x.mu.Lock()
	defer x.mu.Unlock()
	out := map[string]uint64{}
	for _, what := range append([]string{CountAccepted, CountDoor}, outcomes...) {
		if n := x.counts[prefix+what]; n > 0 {
			out[what] = n
		}
	}
	return out
}

var outcomes = []string{"routed", "unrouted", "quarantined", "suppressed", "parked", "done", "refused", "expired"}

// Way is what went from one application to another.
type Way struct {
	From, To string
	Today    uint64
	// Errors are copies of today that the receiver refused, that expired, or whose key was
	// parked.
	Errors uint64
	// Minute is how many a minute on average of the last five.
	Minute float64
}

// Ways gives the ways of today that concern an organisation ("": all), the busiest
// first.
func (x *Index) Ways(organisation string) []Way {
	now := x.opts.Now()
	prefix := dayOf(now) + sep + "edge" + sep
	x.mu.Lock()
	var out []Way
	for name := range x.rates.today(dayOf(now)) {
		from, to, _ := strings.Cut(name, sep)
		if organisation != "" && Organisation(from) != organisation && Organisation(to) != organisation {
			continue
		}
		out = append(out, Way{From: from, To: to, Today: x.counts[prefix+name+sep+countCopies], Errors: x.counts[prefix+name+sep+countErrors], Minute: x.rates.minute(name, now)})
	}
	x.mu.Unlock()
	slices.SortFunc(out, func(a, b Way) int {
		return cmp.Or(-cmp.Compare(a.Today, b.Today), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out
}

// Last tells when an application's last event was accepted; zero: never.
func (x *Index) Last(application string) time.Time { return x.at("last" + sep + application) }

// see notes who sends and gets a type. Only events that fitted their schema count: any
// other one may name what type it likes.
func (x *Index) see(e *Event) {
	if e.Outcome != hub.Routed && e.Outcome != hub.Unrouted {
		return
	}
	at := uint64(max(e.Decided.Unix(), 0))
	x.set(strings.Join([]string{seenSent, e.Type, e.Application}, sep), at)
	for _, r := range e.Receivers {
		x.set(strings.Join([]string{seenTook, e.Type, r}, sep), at)
	}
}

// Sent tells when an event of a type that an application sent was last decided; zero:
// not within the horizon.
func (x *Index) Sent(typ, application string) time.Time {
	return x.lately(strings.Join([]string{seenSent, typ, application}, sep))
}

// Took tells when an application was last given an event of a type; zero: not within the
// horizon.
func (x *Index) Took(typ, application string) time.Time {
	return x.lately(strings.Join([]string{seenTook, typ, application}, sep))
}

// Got tells when a mailbox's last copy was settled; zero: never.
func (x *Index) Got(mailbox string) time.Time { return x.at("got" + sep + mailbox) }

// Beginnings of the names of who sent and got a type.
const (
	seenSent = "sent"
	seenTook = "took"
)

func (x *Index) lately(name string) time.Time {
	at := x.at(name)
	if at.Before(x.opts.Now().Add(-x.opts.Horizon)) {
		return time.Time{}
	}
	return at
}

func (x *Index) at(name string) time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := x.counts[name]; n > 0 {
		return time.Unix(int64(n), 0) //nolint:gosec // written from one
	}
	return time.Time{}
}
