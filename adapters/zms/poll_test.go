package zms_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

func (o *office) put(t *testing.T, raw []byte) {
	t.Helper()
	if err := o.sim.Put(raw); err != nil {
		t.Fatal(err)
	}
}

func told(t *testing.T, in *adaptertest.Intake, want ...string) {
	t.Helper()
	until(t, fmt.Sprintf("%v are told", want), func() bool { return len(in.Events()) >= len(want) })
	if got := types(t, in); !slices.Equal(got, want) {
		t.Fatalf("told %v, want %v", got, want)
	}
}

// A process goes through the status of schema-process.json; each restart tells nothing
// twice and misses nothing that happened meanwhile.
func TestLifeOfAnAppointment(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	var want []string
	for i, c := range []struct{ status, told string }{
		{"reserved", ""}, {"confirmed", "gebucht"}, {"queued", ""}, {"called", "aufgerufen"}, {"processing", "erschienen"}, {"finished", "abgeschlossen"},
	} {
		o.put(t, process(1, c.status, 1727855000+i, begin))
		stop := o.running(t, in, nil)
		if c.told != "" {
			want = append(want, c.told)
		}
		o.rounds(t, 2)
		told(t, in, want...)
		stop()
	}
	first := in.Events()[0]
	var data struct {
		Termin struct {
			ID, Dienststelle, Leika, Beginn string
			Leistungen                      []string
			Dauer                           int
		}
		Gebucht string
	}
	if err := json.Unmarshal(first.Data(), &data); err != nil {
		t.Fatal(err)
	}
	if d := data.Termin; d.ID != first.Subject() || d.Dienststelle != "10546" || d.Leika != leika || d.Dauer != 15 || !slices.Equal(d.Leistungen, []string{"1063475"}) ||
		!sameMoment(t, d.Beginn, begin) || !sameMoment(t, data.Gebucht, 1727855001) || first.Extensions()["ags"] != "09162000" || first.Time().Unix() != 1727855001 {
		t.Errorf("%s", first)
	}
	for _, e := range in.Events() {
		if e.Subject() != first.Subject() || strings.Contains(e.String(), "100001") {
			t.Errorf("the process number is told, or another subject: %s", e)
		}
	}
}

func sameMoment(t *testing.T, text string, unix int64) bool {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Error(err)
	}
	return at.Unix() == unix
}

// Moved to another day and scope: one change, told once, and no cancellation.
func TestMoved(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	o.running(t, in, nil)
	told(t, in, "gebucht")
	o.put(t, fmt.Appendf(nil, `{"id":"100001","lastChange":2,"appointments":[{"date":%d,"scope":{"id":"228"},"availability":{"slotTimeInMinutes":5},"slotCount":3}]}`, begin+86400/2))
	told(t, in, "gebucht", "geaendert")
	o.rounds(t, 4)
	told(t, in, "gebucht", "geaendert")
	if data := string(in.Events()[1].Data()); !strings.Contains(data, `"dienststelle":"10489"`) || !strings.Contains(data, `"bisher":{"dienststelle":"10546"`) {
		t.Error(data)
	}
}

// Gone from complete lists, and ZMS itself knows it no more: cancelled, told once, also
// after a restart; booked again under the same number it is told anew.
func TestDisappeared(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	o.put(t, process(2, "confirmed", 1, begin+60))
	stop := o.running(t, in, nil)
	told(t, in, "gebucht", "gebucht")
	if err := o.sim.Remove("100001"); err != nil {
		t.Fatal(err)
	}
	told(t, in, "gebucht", "gebucht", "abgesagt")
	if e := in.Events(); e[2].Subject() != e[0].Subject() {
		t.Error("another appointment is told as cancelled")
	}
	stop()
	o.running(t, in, nil)
	o.rounds(t, 4)
	told(t, in, "gebucht", "gebucht", "abgesagt")
	o.put(t, process(1, "confirmed", 1, begin))
	told(t, in, "gebucht", "gebucht", "abgesagt", "gebucht")
}

// The process is deleted where it can still be read by its number
// (fixture-POST_cancel_appointment.json): lists of days have it no more.
func TestDeleted(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	o.running(t, in, nil)
	told(t, in, "gebucht")
	o.put(t, []byte(`{"id":"100001","status":"deleted","lastChange":1727856000}`))
	told(t, in, "gebucht", "abgesagt")
	if at := in.Events()[1].Time().Unix(); at != 1727856000 {
		t.Errorf("cancelled at %d", at)
	}
}

// By status too: what a list of a status has is taken as what a day's has.
func TestListsByStatus(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.more = ", status: [deleted]"
	o.put(t, process(1, "confirmed", 1, begin))
	o.running(t, in, nil)
	told(t, in, "gebucht")
	o.order(t, `{"art":"500","mal":100000,"pfad":"/process/100001/"}`) // only the list can tell it
	o.put(t, []byte(`{"id":"100001","status":"deleted","lastChange":1727856000}`))
	told(t, in, "gebucht", "abgesagt")
}

// None of these is certain: no cancellation is told.
func TestNotCertain(t *testing.T) {
	for name, befall := range map[string]string{
		"the list is cut off":               `{"art":"abgeschnitten","mal":100000,"pfad":"/scope/58/"}`,
		"the list has another type":         `{"art":"typen","mal":100000,"pfad":"/scope/58/"}`,
		"ZMS is away":                       `{"art":"503","mal":100000,"pfad":"/scope/58/"}`,
		"the process cannot be asked for":   `{"art":"500","mal":100000,"pfad":"/process/100001/"}`,
		"a proxy says that it is not there": `{"art":"404","mal":100000,"pfad":"/process/100001/"}`,
		"the process's answer is too long":  `{"art":"riesig","mal":3,"pfad":"/process/100001/"}`,
	} {
		t.Run(name, func(t *testing.T) {
			o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
			o.put(t, process(1, "confirmed", 1, begin))
			stop := o.running(t, in, nil)
			told(t, in, "gebucht")
			stop()
			o.order(t, befall)
			if err := o.sim.Remove("100001"); err != nil {
				t.Fatal(err)
			}
			first := o.logs.FilterMessage("zms: not everything could be asked").Len()
			stop = o.running(t, in, nil)
			until(t, "three rounds are not complete", func() bool { return o.logs.FilterMessage("zms: not everything could be asked").Len() >= first+3 })
			if !strings.Contains(befall, "riesig") { // that one passes
				told(t, in, "gebucht")
			}
			stop()
			o.discreet(t, in)
		})
	}
}

// A scope that is there no more, or one list that cannot be read, stops no other scope.
func TestOneScopeFails(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.order(t, `{"art":"404","mal":1000000,"pfad":"/scope/58/"}`)
	o.put(t, fmt.Appendf(nil, `{"id":"100009","status":"confirmed","lastChange":5,"appointments":[{"date":%d,"scope":{"id":"228"}}]}`, begin))
	o.running(t, in, nil)
	told(t, in, "gebucht")
}

// One list in a row that lacks it is not enough; a time that has come is not either.
func TestNotMissed(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	stop := o.running(t, in, nil)
	told(t, in, "gebucht")
	stop()
	if err := o.sim.Remove("100001"); err != nil {
		t.Fatal(err)
	}
	late := func() time.Time { return time.Unix(begin+1, 0) }
	stop = o.running(t, in, late)
	o.rounds(t, 5)
	stop()
	told(t, in, "gebucht")
	// Days later it is forgotten, still without a word.
	for range 2 {
		stop = o.running(t, in, func() time.Time { return time.Unix(begin+3*86400, 0) })
		o.rounds(t, 2)
		stop()
	}
	if strings.Contains(o.journal(t), "100001") {
		t.Error("it is not forgotten")
	}
	told(t, in, "gebucht")
}
