package search

import (
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// What is counted by the hour, for charts of a day.
const (
	HourAccepted = "accepted" // events of an organisation
	HourCopies   = "copies"   // copies to a mailbox
	HourSettled  = "settled"  // copies of a mailbox that have their outcome
)

// Hour is how many there were in the hour that began at Start.
type Hour struct {
	Start time.Time
	N     uint64
}

// hoursKept are those of a chart, and those that are underway when it is drawn.
const hoursKept = 24

const kindHour = "hour"

// hourName is a count's name: hours are those of the clock, since no day has 24 of them
// always.
func hourName(at time.Time, what, name string) string {
	hour := at.Unix() / 3600
	return strings.Join([]string{dayOf(time.Unix(hour*3600, 0)), kindHour, strconv.FormatInt(hour, 10), what, name}, sep)
}

// hour adds to a count of an hour, unless it is over for every chart.
func (x *Index) hour(at time.Time, what, name string) {
	if x.opts.Now().Sub(at) > (hoursKept+1)*time.Hour {
		return
	}
	key := hourName(at, what, name)
	x.set(key, x.value(key)+1)
}

// hoursOver tells whether a count is of an hour that no chart shows any more.
func (x *Index) hoursOver(name string) bool {
	parts := strings.SplitN(name, sep, 4)
	if len(parts) < 4 || parts[1] != kindHour {
		return false
	}
	hour, err := strconv.ParseInt(parts[2], 10, 64)
	return err != nil || hour < x.opts.Now().Unix()/3600-hoursKept
}

// Hours gives the last 24 hours of an organisation or a mailbox, the one that is underway
// last.
func (x *Index) Hours(what, name string) []Hour {
	now := x.opts.Now().Unix() / 3600
	out := make([]Hour, hoursKept)
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range out {
		start := time.Unix((now-int64(hoursKept-1-i))*3600, 0)
		out[i] = Hour{start, x.counts[hourName(start, what, name)]}
	}
	return out
}

// Minute is how many events a minute went into a mailbox or came from an application, on
// average of the last five.
func (x *Index) Minute(application string) (to, from float64) {
	now := x.opts.Now()
	x.mu.Lock()
	defer x.mu.Unlock()
	for way := range x.rates.today(dayOf(now)) {
		sender, receiver, _ := strings.Cut(way, sep)
		if receiver == application {
			to += x.rates.minute(way, now)
		}
		if sender == application {
			from += x.rates.minute(way, now)
		}
	}
	return to, from
}

// countDoor notes what was refused at a door.
func (x *Index) countDoor(d *decision.DoorRefusal) {
	day := dayOf(d.Last)
	x.count(day, Organisation(d.Application), CountDoor, d.Count)
	name := day + sep + "door" + sep + d.Application
	x.set(name, x.value(name)+d.Count)
	x.set("door"+sep+d.Application, uint64(max(d.Last.Unix(), 0)))
}

// Door tells how many events of an application were refused at a door today, and when one
// was last; zero: never.
func (x *Index) Door(application string) (today uint64, last time.Time) {
	x.mu.Lock()
	today = x.counts[dayOf(x.opts.Now())+sep+"door"+sep+application]
	x.mu.Unlock()
	return today, x.at("door" + sep + application)
}
