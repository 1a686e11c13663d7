package okverkehr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehr"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehrsim"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func ask(t *testing.T, h http.Handler, kennzeichen string) (okverkehr.Auskunft, error) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := eai.Config{URL: server.URL + okverkehrsim.BasePath, Frist: 200 * time.Millisecond}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	client := &okverkehr.Client{EAI: c, Benutzer: "probe", Verfahren: "VES"}
	return client.Halter(t.Context(), uuid.NewString(), kennzeichen, day)
}

func answering(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func vehicle(marks string) string {
	return `{"meldung":{"typ":"OK","text":""},"zulassung":{"kennzeichen":"M AA1000",` + marks + `},
 "halter":{"nachname":"Zaunkönig","vorname":"Ottilie","strasse":"Nußbaumweg","hausnummer":"12","postleitzahl":"80331","wohnort":"München","berufschluessel":"1"},
 "vertreter":{"nachname":"Specht"},"technik":{"fin":"WDB9999"}}`
}

const free = `"auskunftsperreMerkmal":false,"tarnkennzeichenMerkmal":false`

func TestHalter(t *testing.T) {
	a, err := ask(t, answering(vehicle(free)), "m-aa 1000")
	if err != nil {
		t.Fatal(err)
	}
	want := &okverkehr.Halter{Nachname: "Zaunkönig", Vorname: "Ottilie", Strasse: "Nußbaumweg", Hausnummer: "12", Postleitzahl: "80331", Wohnort: "München"}
	if d := cmp.Diff(want, a.Halter); d != "" {
		t.Error(d)
	}
}

// city.md 2.5: records with a block are never forwarded; nor is one that does
// not say plainly that it has none. What goes on is the same as for nobody.
func TestBlockedIsNeverForwarded(t *testing.T) {
	for _, marks := range []string{
		`"auskunftsperreMerkmal":true,"tarnkennzeichenMerkmal":false`,
		`"auskunftsperreMerkmal":false,"tarnkennzeichenMerkmal":true`,
		`"auskunftsperreMerkmal":"true","tarnkennzeichenMerkmal":"false"`,
		`"auskunftsperreMerkmal":"J","tarnkennzeichenMerkmal":false`,
		`"auskunftsperreMerkmal":null,"tarnkennzeichenMerkmal":false`,
		`"auskunftsperreMerkmal":1,"tarnkennzeichenMerkmal":false`,
		`"auskunftsperreMerkmal":false`,
		`"tarnkennzeichenMerkmal":false`,
		free + `,"auskunftssperreMerkmal":true`,
		`"x":1`,
	} {
		a, err := ask(t, answering(vehicle(marks)), "M AA1000")
		if err != nil || a.Halter != nil || !a.Blocked() {
			t.Errorf("%s: %+v, %v", marks, a, err)
		}
		raw, err := json.Marshal(a)
		if want := fmt.Sprintf(`{"anfrageid":"%s"}`, a.AnfrageID); err != nil || string(raw) != want {
			t.Errorf("%s: %s, %v", marks, raw, err)
		}
	}
	a, err := ask(t, answering(strings.Replace(vehicle(free), `"zulassung":{`, `"andere":{`, 1)), "M AA1000")
	if err != nil || a.Halter != nil || !a.Blocked() {
		t.Errorf("without zulassung: %+v, %v", a, err)
	}
}

// An answer about another vehicle than the one asked for is the gateway's fault; a
// blocked record without a number plate is like none.
func TestAnotherVehicle(t *testing.T) {
	const set = `"auskunftsperreMerkmal":true,"tarnkennzeichenMerkmal":false`
	for plate, marks := range map[string]string{
		`"M AA1001"`: free, `"MA A1000"`: free, `"Zaunkönig"`: free, `""`: free, `null`: free, `1`: free, ` "M BB1000"`: set,
	} {
		a, err := ask(t, answering(strings.Replace(vehicle(marks), `"M AA1000"`, plate, 1)), "M AA1000")
		if e, ok := errors.AsType[*eai.Error](err); !ok || e.Code != "wrong-answer" || !e.Blocking || a.Halter != nil || strings.Contains(err.Error(), "AA") {
			t.Errorf("%s: %+v, %v", plate, a, err)
		}
	}
	for plate, marks := range map[string]string{`"m-aa 1000"`: free, `""`: set, `null`: set} {
		a, err := ask(t, answering(strings.Replace(vehicle(marks), `"M AA1000"`, plate, 1)), "M AA1000")
		if err != nil || (a.Halter != nil) != (marks == free) {
			t.Errorf("%s: %+v, %v", plate, a, err)
		}
	}
}

// city.md says nothing of who keeps a vehicle where a changed or a provisional keeper
// stands: then nobody is told. The Swagger requires both, so empty ones are none.
func TestOtherKeepers(t *testing.T) {
	for part, told := range map[string]bool{
		`"geaenderterHalter":{"nachname":"Specht"}`:                         false,
		`"vorlaeufigerHalter":{"ags":"09162000"}`:                           false,
		`"vorlaeufigerHalter":"Specht"`:                                     false,
		`"geaenderterHalter":[{"x":1}]`:                                     false,
		`"geaenderterHalter":null,"vorlaeufigerHalter":{"nachname":" "}`:    true,
		`"geaenderterHalter":{},"vorlaeufigerHalter":{"nachname":null}`:     true,
		`"geaenderterHalter":{"a":[]},"vorlaeufigerHalter":{"gesperrt":[]}`: true,
	} {
		a, err := ask(t, answering(strings.Replace(vehicle(free), `"vertreter"`, part+`,"vertreter"`, 1)), "M AA1000")
		if err != nil || (a.Halter != nil) != told || a.Blocked() {
			t.Errorf("%s: %+v, %v", part, a, err)
		}
	}
}

// The example of documentation.md has both marks set; the question has the five
// fields that kfzhalterpersonen-swagger.json requires.
func TestAsRecorded(t *testing.T) {
	doc, err := os.ReadFile(interop.Path(t, "data", "city", "okverkehr", "documentation.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "The response is as follows.")
	_, rest, _ = strings.Cut(rest, "```json")
	example, _, _ := strings.Cut(rest, "```")
	example = strings.Replace(example, `"kennzeichen": "dolore laborum"`, `"kennzeichen": "M AA1000"`, 1) // that of the example's question
	var question map[string]string
	a, err := ask(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != okverkehrsim.BasePath+"/businessActions/kfzhalterpersonen" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte(example))
	}), "M AA1000")
	if err != nil || a.Halter != nil || !a.Blocked() {
		t.Errorf("%+v, %v", a, err)
	}
	want := map[string]string{
		"kennzeichen": "M AA1000", "suchzeitpunkt": "2026-03-02", "benutzer": "probe", "verfahren": "VES", "anfrageid": a.AnfrageID,
	}
	if d := cmp.Diff(want, question); d != "" {
		t.Error(d)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal([]byte(example), &parts); err != nil {
		t.Fatal(err)
	}
	delete(parts, "geaenderterHalter")
	delete(parts, "vorlaeufigerHalter")
	alone, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	a, err = ask(t, answering(strings.NewReplacer(`"auskunftsperreMerkmal":true`, `"auskunftsperreMerkmal":false`,
		`"tarnkennzeichenMerkmal":true`, `"tarnkennzeichenMerkmal":false`).Replace(string(alone))), "M AA1000")
	if err != nil || a.Halter == nil || a.Halter.Nachname != "nulla sit in" {
		t.Errorf("unblocked: %+v, %v", a, err)
	}
}

// The statuses of kfzhalterpersonen-swagger.json.
func TestStatuses(t *testing.T) {
	for status, want := range map[int]struct {
		code     string
		blocking bool
	}{
		401: {eai.Unauthorised, true}, 403: {eai.Forbidden, true}, 500: {eai.Failed, true},
		502: {eai.Failed, true}, 504: {eai.Timeout, true}, 400: {eai.Refused, false},
	} {
		_, err := ask(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"message":"Zaunkönig"}`, status)
		}), "M AA1000")
		e, ok := errors.AsType[*eai.Error](err)
		if !ok || e.Code != want.code || e.Blocking != want.blocking || strings.Contains(err.Error(), "Zaunk") {
			t.Errorf("%d: %v", status, err)
		}
	}
	a, err := ask(t, http.NotFoundHandler(), "M AA1000")
	if err != nil || a.Halter != nil || a.AnfrageID == "" {
		t.Errorf("404: %+v, %v", a, err)
	}
}

func TestKennzeichen(t *testing.T) {
	for in, want := range map[string]string{
		"M AA1000": "M AA1000", "m-aa 1000": "M AA1000", " M  NT1234 ": "M NT1234", "TÖL-A 1E": "TÖL A1E", "M-AA-1000": "M AA1000",
		"M": "", "": "", "MAA1000": "", "M AA1000;": "", "MUENCHEN A1": "", "M A A 1": "",
	} {
		if got, err := okverkehr.Kennzeichen(in); got != want || (err == nil) != (want != "") {
			t.Errorf("Kennzeichen(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	if _, err := ask(t, answering("{}"), "kein Kennzeichen!"); err == nil || strings.Contains(err.Error(), "kein") {
		t.Errorf("asked: %v", err)
	}
}

func TestSimulated(t *testing.T) {
	s := okverkehrsim.New()
	for plate, marks := range map[string]string{"M AA1000": free, "M BB2000": strings.Replace(free, "false", "true", 1)} {
		if err := s.Put([]byte(strings.Replace(vehicle(marks), "M AA1000", plate, 1))); err != nil {
			t.Fatal(err)
		}
	}
	known, err := ask(t, s.Handler(), "M AA1000")
	if err != nil || known.Halter == nil || s.Asked()[0] != known.AnfrageID {
		t.Errorf("%+v, %v, asked %v", known, err, s.Asked())
	}
	for _, plate := range []string{"M BB2000", "M CC3000"} {
		if a, err := ask(t, s.Handler(), plate); err != nil || a.Halter != nil {
			t.Errorf("%s: %+v, %v", plate, a, err)
		}
	}
	for art, code := range map[string]string{"frist": eai.Timeout, "502": eai.Failed, "unlesbar": eai.Unreadable, "verwechselt": okverkehr.WrongAnswer} {
		if err := s.Order(okverkehrsim.Fault{Art: art}); err != nil {
			t.Fatal(err)
		}
		if _, err := ask(t, s.Handler(), "M AA1000"); eai.Code(err) != code {
			t.Errorf("%s: %v", art, err)
		}
	}
}

func FuzzHalter(f *testing.F) {
	f.Add([]byte(vehicle(free)))
	f.Add([]byte(vehicle(`"auskunftsperreMerkmal":true,"tarnkennzeichenMerkmal":false`)))
	f.Fuzz(func(t *testing.T, answer []byte) {
		a, err := okverkehr.Read(answer)
		if a.Halter != nil && (err != nil || a.Blocked()) {
			t.Error("a holder in an answer that is blocked or unreadable")
		}
	})
}
