package personensuche_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/personensuche"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

const whole = `"person":{"name":{"familienname":"Zaunkönig1","vornamen":"Ottilie"},"geburtsdatum":"1985-08-12"},` +
	`"anschrift":{"ags":"09162000","strasse":"Nußbaumweg","hausnummer":"12","plz":"80331","ort":"München"}`

// From the event that asks to the event that answers, on both ways, through each
// fault of the register and a crash between answer and publish.
func TestQuestionAndAnswer(t *testing.T) {
	faults := map[string][]string{"okkomm": {"frist", "soap-server", "unlesbar"}, "okewo": {"frist", "500", "503", "unlesbar"}}
	for _, way := range ways {
		o, in := newOffice(t, way), adaptertest.NewIntake()
		o.enter(t, 1, familyName(1), false)
		d := delivery(1, sought(1, ""))
		for _, art := range faults[way] {
			o.order(t, way, art)
			patient := o.way
			if art == "frist" {
				o.way = strings.Replace(patient, "20s", "500ms", 1)
			}
			if err := o.deliver(t, d); err == nil || hub.FaultOf(err).Permanent || strings.Contains(err.Error(), "Zaunk") {
				t.Errorf("%s, %s: %v", way, art, err)
			}
			o.way = patient
		}
		before := o.calls.Load()
		for range 2 { // the process died after the answer was kept, and the delivery comes again
			if err := o.deliver(t, d); err != nil {
				t.Fatal(way, err)
			}
		}
		if n := o.calls.Load() - before; n != 1 {
			t.Errorf("%s: asked %d times", way, n)
		}
		o.enter(t, 2, familyName(1), false) // the register changes meanwhile
		o.dieAtPublish(t, in)
		e := o.answers(t, in, 1)[0]
		if e.ID() != auskunft.ID(d) || e.Source() != eventSource || e.Type() != personensuche.TypeErmittelt || e.Subject() != "vorgang-1" ||
			e.Extensions()["correlationid"] != "fall-1" || e.Extensions()["causationid"] != d.Event.ID() || e.Extensions()["ags"] != "09162000" {
			t.Errorf("%s: %v", way, e)
		}
		if diff := cmp.Diff(`{"ergebnis":"gefunden",`+whole+`}`, valid(t, e)); diff != "" {
			t.Errorf("%s: %s", way, diff)
		}
		if err := in.Breaches(); err != nil {
			t.Error(way, err)
		}
	}
}

func (o *office) deliver(t *testing.T, d hub.Delivery) error {
	t.Helper()
	sink, err := o.sink()
	if err != nil {
		t.Fatal(err)
	}
	return sink.Deliver(t.Context(), d)
}

func (o *office) order(t *testing.T, way, art string) {
	t.Helper()
	err := o.bis.Order(okkommsim.Fault{Art: art})
	if way == "okewo" {
		err = o.register.Order(ewosim.Fault{Art: art})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) dieAtPublish(t *testing.T, in *adaptertest.Intake) {
	t.Helper()
	src, err := o.source()
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

// hidden enters persons of whom an asker may not know: 1 with a block, 2 of two of whom
// one has a block, 4 whom BayBIS hides itself, 5 whose data are for few. Nobody is 3.
func (o *office) hidden(t *testing.T) {
	t.Helper()
	o.enter(t, 1, familyName(1), true)
	o.enter(t, 21, familyName(2), false)
	o.enter(t, 22, familyName(2), true)
	for _, p := range []okkommsim.Person{
		{Familienname: familyName(4), Vornamen: "Ottilie", Geburtsdatum: "1985-08-12", AGS: "09162000", Auskunftssperre: true},
		{Familienname: familyName(5), Vornamen: "Ottilie", Geburtsdatum: "1985-08-12", AGS: "09162000", Verringert: true},
	} {
		if err := o.bis.Put(p); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= 5; n++ {
		if err := o.deliver(t, delivery(n, sought(n, ""))); err != nil {
			t.Fatal(err)
		}
	}
}

// A block looks like nobody: the events differ in nothing but what the question gave
// them. One that the hub held back would tell by its silence.
func TestBlockedIsLikeNobody(t *testing.T) {
	for _, way := range ways {
		o, in := newOffice(t, way), adaptertest.NewIntake()
		o.hidden(t)
		want := ""
		for _, e := range o.answers(t, in, 5) {
			if got := valid(t, e); got != `{"ergebnis":"nicht-gefunden"}` {
				t.Errorf("%s, %s: %s", way, e.Subject(), got)
			}
			of := fmt.Sprintf("%s|%s|%d", e.Type(), e.Extensions()["ags"], len(e.Extensions()))
			if want == "" {
				want = of
			}
			if of != want {
				t.Errorf("%s, %s: %s, and another has %s", way, e.Subject(), of, want)
			}
		}
	}
}

// Who may know of blocks is told of them with the person.
func TestBlocksWithTheirMark(t *testing.T) {
	for way, mark := range map[string]string{"okewo": `{"auskunftssperre":true}`, "okkomm": `{"bedingterSperrvermerk":true}`} {
		o, in := newOffice(t, way), adaptertest.NewIntake()
		o.way = "gesperrte: mit-kennzeichen, " + o.way
		o.hidden(t)
		got := map[string]string{}
		for _, e := range o.answers(t, in, 5) {
			got[e.Subject()] = valid(t, e)
		}
		want := map[string]string{
			"vorgang-1": `{"ergebnis":"gefunden",` + whole + `,"sperren":` + mark + `}`,
			"vorgang-2": `{"ergebnis":"mehrdeutig","sperren":` + mark + `}`,
			"vorgang-3": `{"ergebnis":"nicht-gefunden"}`,
			"vorgang-4": `{"ergebnis":"nicht-gefunden"}`,
			"vorgang-5": `{"ergebnis":"nicht-gefunden"}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", way, diff)
		}
	}
}

// What cannot be asked of one register alone.
func TestLimitsOfOKEWO(t *testing.T) {
	o := newOffice(t, "okewo")
	const asks = `{"name":{"familienname":"Zaunkönig1","vornamen":"Ottilie"},"geburtsdatum":"%s","ags":"%s"}`
	for n, data := range []string{fmt.Sprintf(asks, "1985-08", "09162000"), fmt.Sprintf(asks, "1985-08-12", "09184112")} {
		if err := o.deliver(t, delivery(n, sought(n, data))); err == nil || hub.FaultOf(err).Code != auskunft.Unmappable {
			t.Errorf("%s: %v", data, err)
		}
	}
	if n := o.calls.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

// A search that finds more widely than it was asked to does not tell of somebody else;
// whatever it found, the blocks of all count.
func TestWideSearch(t *testing.T) {
	const hit = `{"ordnungsmerkmal":"162015000001","geburtsdaten":{"datum":{"datum":"%s"}},"namen":{%s"familienname":{"namensbestandteil":"%s","name":"%s"}}%s}`
	const ottilie, here, there = `"vornamen":[{"vorname":"Ottilie Maria"}],`, `,"melderegisterAnschrift":{"gemeindeschluessel":"09162000"}`,
		`,"melderegisterAnschrift":{"gemeindeschluessel":"09184112"}`
	one := func(born, vornamen, bestandteil, name, more string) string {
		return fmt.Sprintf(hit, born, vornamen, bestandteil, name, more)
	}
	for _, c := range []struct{ hits, want string }{
		{one("1985-08-12", "", "von", "Specht", ""), `"gefunden"`},
		{one("1985-08-12", "", "", "von der Specht", ""), `"gefunden"`},
		{one("1985-08-12", "", "", "SPECHT", ""), `"gefunden"`},
		{one("1985-08-12", "", "", "Meier Specht", ""), `"mehrdeutig"`},
		{one("1985-08-13", "", "", "Specht", ""), `"nicht-gefunden"`},
		{one("1985-08-12", "", "", "Buntspecht", ""), `"mehrdeutig"`},
		{one("1985-08-12", ottilie, "", "Specht", here), `"gefunden"`},
		{one("1985-08-12", `"vornamen":[{"vorname":"Otto"}],`, "", "Specht", here), `"nicht-gefunden"`},
		{one("1985-08-12", ottilie, "", "Specht", there), `"nicht-gefunden"`},
		{one("1985-08-12", ottilie, "", "Specht", "") + "," + one("1985-08-12", `"vornamen":[{"vorname":"Otto"}],`, "", "Specht", ""), `"gefunden"`},
		{one("1985-08-12", "", "", "Buntspecht", `,"auskunftssperre":"J"`), `"mehrdeutig","sperren":{"auskunftssperre":true}`},
		{one("1985-08-13", "", "", "Specht", `,"auskunftssperre":"J"`), `"nicht-gefunden","sperren":{"auskunftssperre":true}`},
	} {
		got, err := personensuche.Judge("Specht", "OTTILIE", "09162000", []byte(`{"personen":[`+c.hits+`]}`))
		if err != nil || !strings.HasPrefix(got, `{"ergebnis":`+c.want) || strings.Contains(got, "162015") {
			t.Errorf("%s: %s, %v", c.hits, got, err)
		}
		if strings.Contains(got, "sperren") != strings.Contains(c.want, "sperren") {
			t.Errorf("%s: %s", c.hits, got)
		}
	}
	two := one("1985-08-12", "", "", "Specht", "") + "," + one("1985-08-13", "", "", "Specht", `,"auskunftssperre":"J"`)
	if got, err := personensuche.Judge("Specht", "", "", []byte(`{"personen":[`+two+`]}`)); err != nil || !strings.HasSuffix(got, `,"sperren":{"auskunftssperre":true}}`) {
		t.Errorf("%s, %v", got, err)
	}
}

// The question says the time of its first attempt in all, and of its own accord what the
// event says of tests; the event need not have a time.
func TestQuestion1330(t *testing.T) {
	o := newOffice(t, "okkomm")
	e := sought(1, "")
	e.SetTime(time.Time{})
	e.SetExtension("xoevtest", "true")
	o.order(t, "okkomm", "soap-server")
	if err := o.deliver(t, delivery(1, e)); err == nil {
		t.Fatal("no fault")
	}
	kept := filepath.Join(o.dir, "antworten", "gefragt", auskunft.ID(delivery(1, e))+".zeit")
	raw, err := os.ReadFile(kept)
	if at, parsed := time.Parse(time.RFC3339Nano, string(raw)); err != nil || parsed != nil || time.Since(at) > time.Minute {
		t.Fatalf("%s, %v", raw, err)
	}
	if err := os.WriteFile(kept, []byte("2026-03-02T08:15:00Z"), 0o600); err != nil { // it was a while ago
		t.Fatal(err)
	}
	for range 2 {
		o.order(t, "okkomm", "soap-server")
		if err := o.deliver(t, delivery(1, e)); err == nil {
			t.Fatal("no fault")
		}
	}
	asked := o.questions(t)
	if a, b := asked[1], asked[2]; a != b || !strings.Contains(a, "<erstellungszeitpunkt>2026-03-02T09:15:00") {
		t.Errorf("%s\n%s", a, b)
	}
	if a := asked[0]; !strings.Contains(a, ` test="true"`) || !strings.Contains(a, "<xmeld:verzichtAufMitteilung>true</xmeld:verzichtAufMitteilung>") {
		t.Error(a)
	}
	if err := o.deliver(t, delivery(1, e)); err != nil {
		t.Fatal(err)
	}
	if e := o.answers(t, adaptertest.NewIntake(), 1)[0]; e.Extensions()["xoevtest"] != "true" {
		t.Error(e)
	}
	o.way = strings.Replace(o.way, "anlass:", "verzicht-auf-mitteilung: false, anlass:", 1)
	if err := o.deliver(t, delivery(2, sought(2, ""))); err != nil {
		t.Fatal(err)
	}
	if a := o.questions(t)[len(asked)+1]; strings.Contains(a, "verzicht") || strings.Contains(a, " test=") {
		t.Error(a)
	}
}

// The log has every question before it is asked, also one without an answer, and no value.
func TestLog(t *testing.T) {
	for _, way := range ways {
		o := newOffice(t, way)
		core, logs := observer.New(zap.DebugLevel)
		env := adaptertest.Env(o.dir)
		env.Log = zap.New(core)
		sink, err := personensuche.Kind().Sink(env, o.settings())
		if err != nil {
			t.Fatal(err)
		}
		o.away.Store(true)
		d := delivery(1, sought(1, ""))
		if err := sink.Deliver(t.Context(), d); err == nil {
			t.Fatal("no fault")
		}
		lines := logs.All()
		if len(lines) != 1 {
			t.Fatalf("%s: %v", way, lines)
		}
		fields := lines[0].ContextMap()
		nachricht, has := fields["nachricht"]
		if fields["delivery"] != d.ID || fields["event"] != auskunft.ID(d) || has != (way == "okkomm") || has && !strings.Contains(o.questions(t)[0], fmt.Sprint(nachricht)) {
			t.Errorf("%s: %v", way, fields)
		}
		if strings.Contains(fmt.Sprint(lines[0].Message, fields), "Zaun") {
			t.Error("a name in the log")
		}
	}
}

// An answer that is a test has no place in production.
func TestTestAnswerInProduction(t *testing.T) {
	o := newOffice(t, "okkomm")
	env := adaptertest.Env(o.dir)
	env.Production = true
	sink, err := personensuche.Kind().Sink(env, o.settings())
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Deliver(t.Context(), delivery(1, sought(1, ""))); err == nil || hub.FaultOf(err).Code != "xoev-s999" {
		t.Error(err)
	}
	if left := o.lying(t, "in"); len(left) > 0 {
		t.Error("an answer lies there")
	}
}

// Every 1330 that is asked, and every 1331 that the simulator answers, is valid.
func TestMessagesAreValid(t *testing.T) {
	o := newOffice(t, "okkomm")
	o.way = "felder: [name, geburtsdatum, geschlecht, staatsangehoerigkeiten, verstorben, anschrift], " + o.way
	var messages [][]byte
	o.bis.Watch(func(question, answer []byte) { messages = append(messages, question, answer) })
	o.enter(t, 1, familyName(1), true)
	if err := o.bis.Put(okkommsim.Person{
		Familienname: "Specht & Söhne", Vornamen: "Ottilie", Geburtsdatum: "1985-08-12", AGS: "09162000", PLZ: "80331", Ort: "München", Strasse: "Nußbaumweg", Sperrvermerk: true, Verringert: true,
	}); err != nil {
		t.Fatal(err)
	}
	for n, data := range []string{
		"", `{"name":{"familienname":"Specht & Söhne","vornamen":"Ottilie"},"geburtsdatum":"1985","geschlecht":"w","ags":"09162000","aktenzeichen":"A-2"}`,
	} {
		if err := o.deliver(t, delivery(n+1, sought(n+1, data))); err != nil {
			t.Fatal(err)
		}
	}
	if len(messages) != 4 || !strings.Contains(string(messages[0]), "V-1") || !strings.Contains(string(messages[2]), "A-2") ||
		!strings.Contains(string(messages[0]), "<kennung>ags:09162000</kennung>") {
		t.Fatalf("%d messages: %s", len(messages), messages)
	}
	if complaint := interop.LintAll(t, messages, "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
		t.Error(complaint)
	}
}

// 20251130-163234_resp_1330.xml, an answer of AKDB's BIS: a Rückweisung (14) is the
// question's fault.
func TestRejectedAsRecorded(t *testing.T) {
	raw, err := os.ReadFile(interop.Path(t, "data", "xoev", "xmeld", "akdb-bis", "20251130-163234_resp_1330.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"14": auskunft.Unanswered, "16": "fehler-im-verfahren", "12": ""} {
		got, err := personensuche.Outcome([]byte(strings.Replace(string(raw), "<code>14</code>", "<code>"+code+"</code>", 1)))
		if fault := hub.FaultOf(err); want != "" && (fault == nil || fault.Code != want || fault.Permanent != (code == "14")) {
			t.Errorf("%s: %v", code, err)
		}
		if want == "" && got != `{"ergebnis":"mehrdeutig"}` {
			t.Errorf("%s: %s, %v", code, got, err)
		}
	}
}

func FuzzOutcome(f *testing.F) {
	const root = `<datenabruf.personensuche.antwort.1331><antwortSuchanfrage><auskunft><ergebnisstatus><code>01</code></ergebnisstatus>`
	f.Add([]byte(root + `<person><personendaten><name><vornamen><vornamen><name>O</name></vornamen></vornamen></name></personendaten></person></auskunft></antwortSuchanfrage></datenabruf.personensuche.antwort.1331>`))
	f.Add([]byte(root + `<person><personendaten><geburtsangaben><geburt><geburtsdatum><unbekannt>true</unbekannt></geburtsdatum></geburt></geburtsangaben></personendaten></person></auskunft></antwortSuchanfrage></datenabruf.personensuche.antwort.1331>`))
	f.Fuzz(func(t *testing.T, message []byte) {
		if got, err := personensuche.Outcome(message); (err == nil) == (got == "") {
			t.Errorf("%q, %v", got, err)
		}
	})
}
