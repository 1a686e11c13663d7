package zms_test

import (
	"fmt"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/zms"
	"github.com/amtsbote/amtsbote/hub"
)

// The suite plays the lists of zms/zmsbackend-swagger.json in the form of
// zms/fixture-GET_appointments.json. Bad inputs are processes whose fields are not
// those of zms/schema-process.json.
func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: origin, PerKey: true, Patience: patience})
}

func origin(t testing.TB) adaptertest.Origin {
	t.Helper()
	o := newOffice(t)
	begin := tomorrow()
	bad := func(name, fields string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error {
			return o.sim.Put(fmt.Appendf(nil, `{"appointments":[{"date":%d,"scope":{"id":"58"},"slotCount":1}],%s}`, begin, fields))
		}}
	}
	return adaptertest.Origin{
		Source: o.source,
		Input: func(n int) adaptertest.Input {
			raw := process(n, "confirmed", 1727855000, begin+int64(n*60))
			return adaptertest.Input{
				Want: []adaptertest.Want{{EventRef: hub.EventRef{Source: eventSource, ID: zms.EventID(key, "gebucht", raw, 1), Type: zms.Type("gebucht")}}},
				Put:  func() error { return o.sim.Put(raw) },
			}
		},
		Bad: []adaptertest.Input{
			bad("an unknown status", `"id":"200001","status":"vielleicht"`),
			bad("a time that is none", `"id":"200002","status":"confirmed","lastChange":"gestern"`),
			bad("no number", `"id":"A-1","status":"confirmed"`),
			bad("requests of another type", `"id":"200003","status":"confirmed","requests":"keine"`),
		},
		SetAside: o.reports,
	}
}

// The sink of the suite reserves: each effect is a process that ZMS has.
func TestSink(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: destination, Patience: patience})
}

func destination(t testing.TB) adaptertest.Destination {
	t.Helper()
	o := newOffice(t)
	o.offer(60)
	return adaptertest.Destination{
		Sink:  o.sink,
		Event: needed,
		Unmappable: []hub.Event{
			{},
			ordered(900, "gebucht", `{}`),
			ordered(901, "erforderlich", `{"antrag":{"id":"Zaunkönig-4711"},"leika":"99115005070001"}`),
			ordered(902, "erforderlich", `{"antrag":{"id":"Zaunkönig-4711"},"leika":"Zaunkönig-4711"}`),
			ordered(903, "buchung-beantragt", `{"termin":{"id":"Zaunkönig-4711"}}`),
			ordered(904, "absage-beantragt", `"Zaunkönig-4711"`),
		},
		Effects: func() (all []string, err error) {
			for _, p := range o.sim.Processes() {
				all = append(all, fmt.Sprint(p["externalUserId"]))
			}
			return all, nil
		},
		Down: func() (func() error, error) {
			o.away.Store(true)
			return func() error { o.away.Store(false); return nil }, nil
		},
	}
}
