package flow

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// angemeldet is a wohnung-angemeldet of the register; person and rest are put
// into its data.
func angemeldet(person, rest string) *event.Message {
	return &event.Message{
		Stream: "IN_akdb", Seq: 1, Subject: "in.akdb.okewo.de.meldewesen.wohnung-angemeldet.v1", Time: time.Now(),
		Header: map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"urn:de:dvdv:ags:09162000"},
			"ce-type": {"de.meldewesen.wohnung-angemeldet.v1"}, "ce-ags": {"09162000"}, "Content-Type": {"application/json"},
		},
		Data: []byte(`{"person":{"name":{"familienname":"Muster"},"geburtsdatum":null,` + person + `},
			"anschrift":{"ags":"09162000","strasse":"Isarstraße","plz":"80469","ort":"München"},"einzug":"2026-11-01"` + rest + `}`),
	}
}

// TestWhoMayKnow asks the story's agreements: conditions, validity and blocks.
func TestWhoMayKnow(t *testing.T) {
	fed := hubtest.Story(t, filepath.Join("..", "..", "..", "examples", "wohnsitzanmeldung"))
	const german, foreign = `"staatsangehoerigkeiten":["000"],"deutsch":true`, `"staatsangehoerigkeiten":["137"],"deutsch":false`
	in2026 := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		m    *event.Message
		now  time.Time
		want string
	}{
		"a German is no business of the Ausländerbehörde": {angemeldet(german, ""), in2026, "lhm.abfall lhm.kfz"},
		"a foreigner is":                   {angemeldet(foreign, ""), in2026, "lhm.abfall lhm.auslaenderbehoerde lhm.kfz"},
		"the last day counts":              {angemeldet(german, ""), time.Date(2027, 12, 31, 22, 59, 0, 0, time.UTC), "lhm.abfall lhm.kfz"},
		"the day ends in Berlin":           {angemeldet(german, ""), time.Date(2027, 12, 31, 23, 1, 0, 0, time.UTC), ""},
		"not before the first day":         {angemeldet(german, ""), time.Date(2025, 12, 31, 12, 0, 0, 0, time.UTC), ""},
		"an Auskunftssperre stops it":      {angemeldet(german, `,"sperren":{"auskunftssperre":true}`), in2026, ""},
		"a Sperrvermerk stops it":          {angemeldet(foreign, `,"sperren":{"bedingterSperrvermerk":true}`), in2026, ""},
		"a block that is not set does not": {angemeldet(german, `,"sperren":{"auskunftssperre":false,"uebermittlungssperren":[]}`), in2026, "lhm.abfall lhm.kfz"},
	} {
		t.Run(name, func(t *testing.T) {
			decider := &Decider{
				Federation: fed, Now: func() time.Time { return c.now },
				Seen: func(event.Identity) (index.Seen, bool) { return index.Seen{}, false },
			}
			d := decider.Decide("akdb", c.m)
			var got []string
			for _, r := range d.Receivers {
				got = append(got, r.Application)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("receivers %q (%s %s %s), want %q", s, d.Outcome, d.Code, d.At, c.want)
			}
			if c.want == "" && d.Outcome != hub.Unrouted {
				t.Errorf("outcome %s (%s at %s), want unrouted: nobody may see that a block was the reason", d.Outcome, d.Code, d.At)
			}
		})
	}
}

// TestAPoisonEventCostsItself: a fault of the hub in the middle of a decision
// is a decision too.
func TestAPoisonEventCostsItself(t *testing.T) {
	fed := hubtest.Federation(t)
	decider := &Decider{Federation: fed, Now: time.Now, Seen: func(event.Identity) (index.Seen, bool) { panic("a fault of the hub") }}
	m := hubtest.Event("1", hubtest.Ding, "k", `{"n":1}`)
	m.Stream, m.Seq, m.Time = inAlpha, 1, time.Now()
	if d := decider.Decide("alpha", &m); d.Outcome != hub.Quarantined || d.Code != "INTERNAL" || d.ID != "1" {
		t.Errorf("the decision is %s %s for %q", d.Outcome, d.Code, d.ID)
	}
}
