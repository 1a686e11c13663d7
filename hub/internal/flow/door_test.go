package flow

import (
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// TestDoorForetells: what is said at the door is what is decided once the event is
// stored, whatever is known of its identity by then.
func TestDoorForetells(t *testing.T) {
	fed := hubtest.Federation(t)
	app, _ := fed.Application("alpha.app")
	known := index.New()
	f := &Decider{Federation: fed, Seen: known.Lookup, Now: func() time.Time { return time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC) }}
	seq := uint64(0)
	for _, step := range []struct {
		what, typ, data string
		outcome         hub.Outcome
		code            refusal.Code
		waits           bool
	}{
		{"a number too large", hubtest.Ding, `{"n":1e999}`, hub.Quarantined, refusal.NumberLimit, false},
		{"the same", hubtest.Ding, `{"n":1e999}`, hub.Suppressed, "", true},
		{"a name twice", hubtest.Ding, `{"n":1,"n":1}`, hub.Quarantined, refusal.DuplicateKey, false},
		{"a broken payload", hubtest.Ding, `{}`, hub.Quarantined, refusal.SchemaInvalid, false},
		{"corrected", hubtest.Ding, `{"n":1}`, hub.Routed, "", false},
		{"the same", hubtest.Ding, `{"n":1}`, hub.Suppressed, "", false},
		{"another number", hubtest.Ding, `{"n":1e999}`, hub.Quarantined, refusal.Conflict, false},
		{"another type", hubtest.Niemand, `{"n":1}`, hub.Quarantined, refusal.Conflict, false},
		{"the first again", hubtest.Ding, `{"n":1}`, hub.Suppressed, "", false},
		{"that other again", hubtest.Niemand, `{"n":1}`, hub.Suppressed, "", false},
	} {
		seq++
		m := hubtest.Event("1", step.typ, "k", step.data)
		m.Subject = ""
		v := f.Door(app, &m)
		if v.Outcome != step.outcome || v.Code != step.code || v.Waits() != step.waits {
			t.Errorf("%s: foretold %s %s, waits %v", step.what, v.Outcome, v.Code, v.Waits())
		}
		m.Stream, m.Seq, m.Read = "EDGE_alpha", seq, nil
		d := f.Decide("alpha", &m)
		if d.Outcome != v.Outcome || d.Code != v.Code || d.Digest != v.Digest || d.Application != "alpha.app" || d.ID != "1" {
			t.Errorf("%s: decided %+v, foretold %+v", step.what, d, v.Decision)
		}
		known.Decided(seq, d)
	}
}

// TestDoorReadsWhatHasNoSubject: types that cannot stand in a subject do, encoded, and
// come back.
func TestDoorReadsWhatHasNoSubject(t *testing.T) {
	fed := hubtest.Federation(t)
	app, _ := fed.Application("alpha.app")
	f := &Decider{Federation: fed, Seen: index.New().Lookup, Now: time.Now}
	for _, typ := range []string{"a", "de.a.v1", "*", "de.>", ".", "a..b", "%41", "Ä", "a.%"} {
		m := event.Message{Header: map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {hubtest.Source}, "ce-type": {event.PercentEncode(typ)},
		}, Data: []byte(`{}`)}
		f.Door(app, &m)
		d := f.Decide("alpha", &m)
		if d.Type != typ || d.Code != refusal.TypeUnknown || d.Outcome != hub.Quarantined {
			t.Errorf("%q at %s is decided %s %s as %q", typ, m.Subject, d.Outcome, d.Code, d.Type)
		}
	}
}
