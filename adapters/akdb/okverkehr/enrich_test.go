package okverkehr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehr"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehrsim"
	"github.com/amtsbote/amtsbote/hub"
)

func lay(t *testing.T, g *garage, answers ...[]byte) {
	t.Helper()
	for _, a := range answers {
		if err := g.Put(a); err != nil {
			t.Fatal(err)
		}
	}
}

// From the event that asks to the event that answers, through each fault of
// OK.VERKEHR and a crash between answer and publish (documentation.md,
// kfzhalterpersonen-swagger.json).
func TestQuestionAndAnswer(t *testing.T) {
	g, in := newGarage(t), adaptertest.NewIntake()
	lay(t, g, withPlate(plateOf(1), free))
	d := delivery(1, offence(1, ""))
	for _, art := range []string{"frist", "500", "503", "unlesbar", "verwechselt"} {
		if err := g.Order(okverkehrsim.Fault{Art: art}); err != nil {
			t.Fatal(err)
		}
		g.frist = map[bool]string{true: "500ms", false: "20s"}[art == "frist"]
		deliverFails(t, g, d, false)
	}
	for range 2 { // the process died after the answer was kept, and the delivery comes again
		sink, err := g.sink()
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if asked := g.Asked(); len(asked) != 6 || len(slices.Compact(slices.Sorted(slices.Values(asked)))) != 6 {
		t.Errorf("asked %q, want six questions with an id each", asked)
	}
	lay(t, g, withPlate(plateOf(1), strings.Replace(free, "false", "true", 1))) // the register changes meanwhile
	failPublish(t, g, in)
	e := g.answers(t, in, 1)[0]
	if e.ID() != auskunft.ID(d) || e.Source() != eventSource || e.Type() != okverkehr.Type || e.Subject() != "vorgang-1" ||
		e.Extensions()["correlationid"] != "fall-1" || e.Extensions()["causationid"] != d.Event.ID() {
		t.Errorf("%v", e)
	}
	want := `{"anfrageid":"` + g.Asked()[5] + `","stichtag":"2026-03-02","gefunden":true,"halter":{"name":{"familienname":"Zaunkönig","vornamen":"Ottilie"},` +
		`"anschrift":{"strasse":"Nußbaumweg","hausnummer":"12","plz":"80331","ort":"München"}}}`
	if diff := cmp.Diff(want, valid(t, e)); diff != "" {
		t.Error(diff)
	}
	if err := in.Breaches(); err != nil {
		t.Error(err)
	}
	for _, sub := range []string{"in", "work", "done", "error"} {
		if left := g.lying(t, sub); len(left) > 0 {
			t.Errorf("%s: %q stays behind", sub, left)
		}
	}
}

func deliverFails(t *testing.T, g *garage, d hub.Delivery, permanent bool) {
	t.Helper()
	sink, err := g.sink()
	if err != nil {
		t.Fatal(err)
	}
	err = sink.Deliver(t.Context(), d)
	if err == nil || hub.FaultOf(err).Permanent != permanent || strings.Contains(err.Error(), "Zaunk") {
		t.Errorf("%v", err)
	}
}

// failPublish runs a source that dies when it publishes.
func failPublish(t *testing.T, g *garage, in *adaptertest.Intake) {
	t.Helper()
	src, err := g.source()
	if err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	in.Follow(func(context.Context, int, hub.Event, func() error) error {
		die()
		return context.Canceled
	})
	if err := src.Run(ctx, in); err != nil {
		t.Error(err)
	}
	in.Follow(nil)
}

// city.md 2.5: of a blocked record nothing goes on. Event and log tell it from an
// unknown vehicle by nothing but the id of the question.
func TestBlockedIsLikeNobody(t *testing.T) {
	g, in := newGarage(t), adaptertest.NewIntake()
	lay(t, g, withPlate(plateOf(1), strings.Replace(free, "false", "true", 1)), withPlate(plateOf(2), `"auskunftsperreMerkmal":false,"tarnkennzeichenMerkmal":true`))
	sink, err := g.sink()
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		if err := sink.Deliver(t.Context(), delivery(n, offence(n, ""))); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range g.answers(t, in, 3) {
		data := valid(t, e)
		id := g.Asked()[slices.IndexFunc(g.Asked(), func(id string) bool { return strings.Contains(data, id) })]
		if data != `{"anfrageid":"`+id+`","stichtag":"2026-03-02","gefunden":false}` {
			t.Errorf("event %d: %s", i, data)
		}
	}
}

// The log has the id of each question, also of one without an answer, and no value.
func TestLog(t *testing.T) {
	g := newGarage(t)
	lay(t, g, withPlate(plateOf(1), free))
	core, logs := observer.New(zap.DebugLevel)
	env := adaptertest.Env(g.dir)
	env.Log = zap.New(core)
	sink, err := okverkehr.Kind().Sink(env, adaptertest.Settings(g.settings()))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Order(okverkehrsim.Fault{Art: "502"}); err != nil {
		t.Fatal(err)
	}
	d := delivery(1, offence(1, ""))
	if sink.Deliver(t.Context(), d) == nil || sink.Deliver(t.Context(), d) != nil {
		t.Fatal("want a failure and then none")
	}
	var logged []string
	for _, line := range logs.All() {
		fields := line.ContextMap()
		logged = append(logged, fmt.Sprint(fields["anfrageid"]))
		if delete(fields, "anfrageid"); line.Message != "okverkehr: asks" || len(fields) != 2 || fields["event"] != auskunft.ID(d) || fields["delivery"] != d.ID {
			t.Errorf("%s %v", line.Message, fields)
		}
	}
	if diff := cmp.Diff(g.Asked(), logged); diff != "" {
		t.Error(diff)
	}
}

// A question that the gateway refuses (400) is not asked again.
func TestRefusedQuestion(t *testing.T) {
	g := newGarage(t)
	if err := g.Order(okverkehrsim.Fault{Art: "400"}); err != nil {
		t.Fatal(err)
	}
	deliverFails(t, g, delivery(1, offence(1, "")), true)
	if err := os.WriteFile(g.dir+"/passwort", []byte("falsch"), 0o600); err != nil {
		t.Fatal(err)
	}
	deliverFails(t, g, delivery(2, offence(2, "")), false) // 401 is the operator's matter
}

func TestOrganisation(t *testing.T) {
	a, err := okverkehr.Read([]byte(`{"zulassung":{"kennzeichen":"m-aa 1000",` + free + `},"halter":{"nameJuristischePerson":"Spechthof","nameVereinigung":"e. V.","ags":"unbekannt"}}`))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(okverkehr.DataOf(a, day))
	if want := `{"anfrage":{"source":"","id":""},"anfrageid":"","stichtag":"2026-03-02","gefunden":true,"halter":{"organisation":"Spechthof e. V."}}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
}

// The day of a moment is that in Germany; heute is the day on which is asked.
func TestStichtag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins on 2000-01-01T00:00:00Z
		time.Sleep(23*time.Hour + 30*time.Minute)
		for stichtag, want := range map[string]string{"heute": "2000-01-02", "/a": "2026-03-03", "/b": "2026-03-02", "/c/1": "2026-03-01"} {
			data := `{"k":"M AA1000","a":"2026-03-02T23:30:00Z","b":"2026-03-02T23:30:00+01:00","c":["","2026-03-01"]}`
			plate, day, err := okverkehr.QuestionOf("/k", stichtag, offence(1, data))
			if err != nil || plate != "M AA1000" || day.Format(time.DateOnly) != want {
				t.Errorf("%s: %s %v %v", stichtag, plate, day, err)
			}
		}
	})
}
