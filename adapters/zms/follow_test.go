package zms_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/zms"
)

// status of schema-process.json, in the order in which a poll sees them, and what is
// told of them.
func TestFollow(t *testing.T) {
	const begin = 5000 // the clock stands at 1000
	for _, c := range []struct{ seen, want string }{
		{"free", ""},
		{"reserved preconfirmed confirmed", "gebucht"},
		{"confirmed confirmed", "gebucht"},
		{"confirmed queued called processing finished archived", "gebucht aufgerufen erschienen abgeschlossen"},
		{"confirmed called queued called missed", "gebucht aufgerufen aufgerufen versaeumt"},
		{"confirmed processing pending finished anonymized", "gebucht erschienen abgeschlossen"},
		{"confirmed parked processing", "gebucht erschienen"},
		{"finished", "gebucht abgeschlossen"},
		{"reserved deleted", ""},
		{"confirmed deleted blocked", "gebucht abgesagt"},
		{"confirmed deleted confirmed", "gebucht abgesagt gebucht"},
		{"finished deleted", "gebucht abgeschlossen"},
		{"missed deleted", "gebucht versaeumt"},
		{"confirmed conflict confirmed", "gebucht"},
	} {
		var steps []zms.Observation
		for i, status := range strings.Fields(c.seen) {
			steps = append(steps, zms.Observation{Process: "1000", Created: 1, Changed: int64(i + 1), Status: status, Begin: begin, Dienststelle: "1", Scope: "1"})
		}
		if got := strings.Join(zms.Follow(steps...), " "); got != c.want {
			t.Errorf("%s: told %q, want %q", c.seen, got, c.want)
		}
	}
}

func TestFollowChanges(t *testing.T) {
	at := func(status string, more func(*zms.Observation)) zms.Observation {
		o := zms.Observation{Process: "1000", Created: 1, Changed: 10, Status: status, Begin: 5000, Minutes: 10, Dienststelle: "1", Scope: "1", Leistungen: []string{"7"}}
		if more != nil {
			more(&o)
		}
		return o
	}
	booked := at("confirmed", nil)
	for name, c := range map[string]struct {
		then zms.Observation
		want []string
	}{
		"moved":           {at("confirmed", func(o *zms.Observation) { o.Begin, o.Changed = 6000, 11 }), []string{"gebucht", "geaendert"}},
		"another office":  {at("confirmed", func(o *zms.Observation) { o.Dienststelle, o.Changed = "2", 11 }), []string{"gebucht", "geaendert"}},
		"other services":  {at("queued", func(o *zms.Observation) { o.Leistungen, o.Changed = []string{"7", "8"}, 11 }), []string{"gebucht", "geaendert"}},
		"an older state":  {at("reserved", func(o *zms.Observation) { o.Begin, o.Changed = 6000, 9 }), []string{"gebucht"}},
		"less data":       {at("confirmed", func(o *zms.Observation) { o.Minutes, o.Leistungen, o.Dienststelle, o.Changed = 0, nil, "", 0 }), []string{"gebucht"}},
		"the number anew": {at("confirmed", func(o *zms.Observation) { o.Created, o.Changed = 2, 11 }), []string{"gebucht", "abgesagt", "gebucht"}},
		"reserved by event": {at("confirmed", func(o *zms.Observation) {
			o.Token, o.Changed = "4c5d6e7f-8091-4a2b-9c3d-4e5f60710902", 11
		}), []string{"gebucht", "abgesagt", "gebucht"}},
		"cancelled late":    {at("deleted", func(o *zms.Observation) { o.Changed = 5001 }), []string{"gebucht"}},
		"a waiting number":  {at("queued", func(o *zms.Observation) { o.WalkIn, o.Changed = true, 11 }), []string{"gebucht"}},
		"moved and called":  {at("called", func(o *zms.Observation) { o.Begin, o.Changed = 6000, 11 }), []string{"gebucht", "geaendert", "aufgerufen"}},
		"cancelled in time": {at("deleted", func(o *zms.Observation) { o.Changed = 4999 }), []string{"gebucht", "abgesagt"}},
	} {
		if got := zms.Follow(booked, c.then); !slices.Equal(got, c.want) {
			t.Errorf("%s: told %v, want %v", name, got, c.want)
		}
	}
}
