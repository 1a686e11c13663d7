package who_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

var story = filepath.Join("..", "..", "..", "examples", "wohnsitzanmeldung")

var inForce = time.Date(2026, 11, 5, 13, 0, 0, 0, time.UTC)

// storyEvents are the events of the story, by file.
func storyEvents(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(story, "ereignisse"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[filepath.Base(path)], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(out) < 5 {
		t.Fatalf("%d events: %v", len(out), err)
	}
	return out
}

// TestSaysWhatTheHubDoes: for each event of the story, Ask names the receivers
// and fields of the decision that the hub takes, and Recall says the same of that
// decision; of all others Recall gives Ask's reason, or that it lies in the content.
func TestSaysWhatTheHubDoes(t *testing.T) {
	fed := hubtest.Story(t, story)
	for name, raw := range storyEvents(t) {
		d := decide(t, fed, raw)
		asked, recalled := who.Ask(fed, raw, inForce), who.Recall(fed, d)
		if len(asked.Receivers) == 0 || len(asked.Receivers) != len(d.Receivers) || len(recalled.Receivers) != len(d.Receivers) {
			t.Errorf("%s: asked %d, decided %d, recalled %d receivers", name, len(asked.Receivers), len(d.Receivers), len(recalled.Receivers))
			continue
		}
		for i, r := range d.Receivers {
			a, b := asked.Receivers[i], recalled.Receivers[i]
			if a.Application.ID != r.Application || a.Clause.Agreement.ID != r.Agreement || a.Authority != r.Authority || b.Clause != a.Clause || b.Application != a.Application {
				t.Errorf("%s: decided %+v, asked %s by %s, recalled %s", name, r, a.Application.ID, a.Clause.Agreement.ID, b.Application.ID)
			}
		}
		for i, o := range asked.Others {
			r := recalled.Others[i]
			if r.Application != o.Application || !r.Content && r.Verdict != o.Verdict {
				t.Errorf("%s: asked %s %s, recalled %s %s", name, o.Application.ID, o.Verdict, r.Application.ID, r.Verdict)
			}
		}
	}
}

func decide(t *testing.T, fed *federation.Federation, raw []byte) *decision.Decision {
	t.Helper()
	var e struct{ Source, Type string }
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	app, _, ok := fed.Owner(e.Source)
	if !ok {
		t.Fatalf("nobody owns %s", e.Source)
	}
	decider := &flow.Decider{
		Federation: fed, Now: func() time.Time { return inForce },
		Seen: func(event.Identity) (index.Seen, bool) { return index.Seen{}, false },
	}
	return decider.Decide(app.Organisation, &event.Message{
		Stream: "IN_" + app.Organisation, Seq: 1, Subject: "in." + app.ID + "." + e.Type, Data: raw, Time: inForce,
		Header: map[string][]string{"Content-Type": {"application/cloudevents+json"}},
	})
}

// TestReasons: each application gets its first reason.
func TestReasons(t *testing.T) {
	fed := hubtest.Story(t, story)
	events := storyEvents(t)
	moved, gone := string(events["wohnung-angemeldet.json"]), string(events["person-weggezogen.json"])
	for name, c := range map[string]struct {
		raw, application string
		at               time.Time
		want             route.Verdict
	}{
		"the condition does not hold": {moved, "lhm.auslaenderbehoerde", inForce, route.WhereFalse},
		"not in force any more":       {moved, "lhm.kfz", inForce.AddDate(3, 0, 0), route.NotInForce},
		"no agreement names it":       {moved, "drv.dsrv", inForce, who.NoClause},
		"another member is addressed": {gone, "lhm.kfz", inForce, who.Another},
		"a block": {
			strings.Replace(moved, `"einzug"`, `"sperren": {"auskunftssperre": true}, "einzug"`, 1), "lhm.kfz", inForce, route.Blocked,
		},
		"classified higher": {
			strings.Replace(moved, `"ags": "09162000",`, `"ags": "09162000", "dataclassification": "restricted",`, 1), "lhm.kfz", inForce, route.Classified,
		},
		"an address that names nobody": {
			strings.Replace(string(events["rueckmeldung-gesandt.json"]), `"kennung": "ags:02000000"`, `"kennung": "ags:05315000"`, 1), "dataport.osci", inForce, route.NoAddressee,
		},
		"an address within the same city, where the law asks for another": {
			strings.Replace(string(events["rueckmeldung-gesandt.json"]), `"kennung": "ags:02000000"`, `"kennung": "ags:09162000"`, 1), "akdb.osci", inForce, route.NoAddressee,
		},
	} {
		answer := who.Ask(fed, []byte(c.raw), c.at)
		if answer.Refusal != nil {
			t.Errorf("%s: refused: %v", name, answer.Refusal)
			continue
		}
		found := false
		for _, o := range answer.Others {
			if o.Application.ID == c.application {
				found = true
				if reason := o.Reason(); o.Verdict != c.want || reason.De == "" || reason.En == "" {
					t.Errorf("%s: %s (%s), want %s", name, o.Verdict, reason.En, c.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: %s gets it", name, c.application)
		}
		if n := len(answer.Receivers) + len(answer.Others); n != len(fed.Applications()) {
			t.Errorf("%s: %d of %d applications have an answer", name, n, len(fed.Applications()))
		}
	}
}

// TestRefused: what the gate or the schema refuses is said, with its code.
func TestRefused(t *testing.T) {
	fed := hubtest.Story(t, story)
	moved := string(storyEvents(t)["wohnung-angemeldet.json"])
	for raw, want := range map[string]refusal.Code{
		"":    refusal.ModeMismatch,
		"{":   refusal.JSONSyntax,
		"{}":  refusal.CERequired,
		moved: "",
		strings.Replace(moved, "urn:de:dvdv:ags:09162000", "urn:de:dvdv:ags:05315000", 1): refusal.SourceNotAllowed,
		strings.Replace(moved, "wohnung-angemeldet.v1", "wohnung-vermessen.v1", 1):        refusal.TypeUnknown,
		strings.Replace(moved, `"einzug": "2026-11-01"`, `"einzug": "gestern"`, 1):        refusal.SchemaInvalid,
	} {
		answer := who.Ask(fed, []byte(raw), inForce)
		var got refusal.Code
		if answer.Refusal != nil {
			got = answer.Refusal.Code
		}
		if got != want {
			t.Errorf("%.60s: %q, want %q", raw, got, want)
		}
	}
}

// TestExamples: an example that says what the agreements do is silent, one that
// does not has a finding at the line that is wrong.
func TestExamples(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(story)); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "agreements", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	event := string(storyEvents(t)["wohnung-angemeldet.json"])
	write("umzug.json", event)
	write("richtig.example.yaml", `title: Eine Deutsche zieht um
at: 2026-11-05T13:00:00+01:00
event: umzug.json
expect:
  lhm.kfz: [/person/name, /person/geburtsdatum, /anschrift, /einzug]
  lhm.abfall: [/anschrift, /einzug]
  lhm.auslaenderbehoerde: nothing
`)
	write("falsch.example.yaml", `title: Was nicht stimmt
at: 2026-11-05T13:00:00+01:00
event: umzug.json
expect:
  lhm.kfz: [/person/name, /person/geburtsdatum, /anschrift]
  lhm.auslaenderbehoerde: all
`)
	write("ungueltig.example.yaml", `title: Ein Ereignis, das abgelehnt wird
at: 2026-11-05T13:00:00+01:00
event: {specversion: "1.0", id: "1", source: "urn:de:dvdv:ags:09162000", type: de.meldewesen.wohnung-angemeldet.v1, data: {}}
expect: {lhm.kfz: nothing}
`)
	fed := hubtest.Story(t, dir)
	var got []string
	for _, f := range who.Try(fed, inForce) {
		got = append(got, f.String())
	}
	want := []string{
		"agreements/falsch.example.yaml:1:1: VB-EXM-002 error: lhm.abfall gets /anschrift /einzug, but nothing was expected.",
		"agreements/falsch.example.yaml:5:12: VB-EXM-002 error: lhm.kfz gets /person/name /person/geburtsdatum /anschrift /einzug, but /person/name /person/geburtsdatum /anschrift was expected.",
		"agreements/falsch.example.yaml:6:27: VB-EXM-002 error: lhm.auslaenderbehoerde gets nothing, but all fields was expected.",
		"agreements/ungueltig.example.yaml:3:8: VB-EXM-001 error: The event of the example is refused: SCHEMA_INVALID /data. The payload breaks its event schema. The sender must correct it.",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f := who.Try(fed, inForce); len(f) > 0 && f[0].Severity != finding.Error {
		t.Error("an example that fails is no error")
	}
}
