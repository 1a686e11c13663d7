package eakte_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// DmsErrorResponse of 1.2.5: whose fault it is decides whether trying again can help.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		status    int
		body      string
		permanent bool
		code      string
	}{
		{400, `{"fehlerQuelle":"INTERN","status":400,"text":"Zaunkönig"}`, true, "abgelehnt-eai"},
		{400, `{"fehlerQuelle":"INTERN","status":503}`, true, "abgelehnt-eai"},
		{400, `{"fehlerQuelle":"DMS","status":404,"text":"Zaunkönig"}`, true, "abgelehnt-dms"},
		{400, `{"fehlerQuelle":"DMS","status":500}`, false, "abgelehnt-dms"},
		{400, `{"fehlerQuelle":"DMS","status":-1}`, false, "abgelehnt-dms"},
		{400, `{"fehlerQuelle":"DMS"}`, false, "abgelehnt-dms"},
		{400, `{"fehlerQuelle":"ZAUNKÖNIG","status":1}`, false, "abgelehnt"},
		{400, `{"fehlerQuelle":7}`, false, "abgelehnt"},
		{400, `<html>Zaunkönig</html>`, false, "abgelehnt"},
		{400, ``, false, "abgelehnt"},
		{405, ``, false, "abgelehnt"},
		{413, `{"fehlerQuelle":"INTERN","status":400}`, false, "abgelehnt"},
		{500, `{"fehlerQuelle":"INTERN","status":500}`, false, "abgelehnt"},
	} {
		f := eakte.Judge(c.status, c.body)
		if f.Permanent != c.permanent || f.Code != c.code || strings.Contains(strings.ToUpper(f.Error()), "ZAUN") {
			t.Errorf("%d %s: %+v", c.status, c.body, f)
		}
	}
}

// What is sent has only fields of the OpenAPI of 1.2.5, and its examples of answers are
// understood.
func TestAsSpecified(t *testing.T) {
	raw, err := os.ReadFile(interop.Path(t, "data", "city", "eakte", "2026-02-06_REST-EAI_v1.2.5.api-doc.json"))
	if err != nil {
		t.Fatal(err)
	}
	type schema struct {
		Properties map[string]struct{ Example json.RawMessage }
		Required   []string
	}
	var spec struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	for path, method := range map[string]string{
		"/files": "post", "/files/search": "post", "/files/{objaddress}": "get", "/procedures": "post", "/procedures/search": "post",
		"/procedures/{objaddress}": "get", "/procedureObjects/{objaddress}": "get", "/documentObjects/{objaddress}": "get", "/incomings": "post",
	} {
		if spec.Paths[path][method] == nil {
			t.Errorf("no %s %s", method, path)
		}
	}
	o := newOffice(t)
	deliver(t, o.newSink(t), delivery(1, filed(1, "a", "x")))
	for kind, name := range map[string]string{"files": "CreateFileDTO", "procedures": "CreateProcedureDTO", "incomings": "CreateIncomingBasisAnfrageDTO"} {
		s := spec.Components.Schemas[name]
		sent := o.sim.Objects(kind)[0].Fields
		for field := range sent {
			if _, known := s.Properties[field]; !known {
				t.Errorf("%s has no %s", name, field)
			}
		}
		for _, field := range s.Required {
			if sent[field] == "" {
				t.Errorf("%s needs %s", name, field)
			}
		}
	}
	for _, name := range []string{"SearchFileResponseDTO", "SearchProcedureResponseDTO", "ReadProcedureObjectsAntwortDTO", "ReadDocumentObjectsAntwortDTO"} {
		example := spec.Components.Schemas[name].Properties["giobjecttype"].Example
		found, err := eakte.ReadObjects([]byte(`{"giobjecttype":` + string(example) + `}`))
		if err != nil || len(found) != 1 || found[0].COO != "COO.2150.9151.1.1206000" || found[0].Name != "Beispielname" {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	if got, err := eakte.ReadObjects([]byte(`{"giobjecttype":[{"name":"Beispielname","id":"COO.2150.9151.1.1206000"}]}`)); err != nil || len(got) != 1 {
		t.Error(got, err) // eakte-api-files_search-schemas.yaml
	}
}

// Only {} and an empty list say that there is nothing: after a page of somebody else
// nothing may be made again.
func TestNothingFound(t *testing.T) {
	for raw, ok := range map[string]bool{
		`{}`: true, `{"giobjecttype":[]}`: true, `{"giobjecttype":null,"x":1}`: true,
		`{"status":"UP"}`: false, `null`: false, `[]`: false, ``: false, `"x"`: false, `{"giobjecttype":{}}`: false,
	} {
		if got, err := eakte.ReadObjects([]byte(raw)); (err == nil) != ok || len(got) != 0 || !ok && hub.FaultOf(err).Permanent {
			t.Errorf("%s: %v, %v", raw, got, err)
		}
	}
	for raw, ok := range map[string]bool{`{"apentry":"COO.1.2.3.4"}`: true, `{"referrednumber":"x","filesubj":null}`: true, `{"filesubj":""}`: true, `{}`: false, `{"status":"UP"}`: false, `null`: false} {
		if _, err := eakte.ReadSubject([]byte(raw)); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestTitles(t *testing.T) {
	e := probe(1, "a", `{"antrag":{"id":"A/7"},"n":7,"liste":["x","y\u0000z"],"a/b":{"~":"t"},"leer":null}`)
	for title, want := range map[string]string{
		"{jahr} {monat} {tag}": "2026 2026-03 02.03.2026", "{vorgang} {typ}": "fall-a de.probe.eingereicht.v1",
		"{/antrag/id}-{/n}": "A/7-7", "{/liste/1}": "y z", "{/a~1b/~0}": "t", strings.Repeat("ä", 300): strings.Repeat("ä", 200),
	} {
		if got, err := eakte.Filled(e, title); err != nil || got != want || eakte.TitleProblem(title) != "" {
			t.Errorf("%s: %q, %v", title, got, err)
		}
	}
	for _, title := range []string{"{/fehlt}", "{/antrag}", "{/liste/9}", "{/liste/x}", "{/n/1}", "{/leer}"} {
		if _, err := eakte.Filled(e, title); err == nil || !hub.FaultOf(err).Permanent {
			t.Errorf("%s: %v", title, err)
		}
	}
	for _, title := range []string{"", " ", "{wann}", "{}"} {
		if eakte.TitleProblem(title) == "" {
			t.Errorf("%q is no problem", title)
		}
	}
	for name, want := range map[string]string{
		"Titel (0010 A20 011-4-0006)": "0010 A20 011-4-0006", "Titel (Zaunkönig)": "", "Anderer (0010 A20)": "", "Titel": "", "Titel ()": "", "Titel (0010": "",
	} {
		if got := eakte.Reference(name, "Titel"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestDocumentNames(t *testing.T) {
	e := probe(1, "a", `{"d":[{"ref":"blob:a","filename":"../../etc/passwd"},{"ref":"blob:b","filename":"C:\\x\\PASSWD"},{"ref":"blob:c","filename":"a\"b\r\nX: y.pdf"},
 {"ref":"blob:d","filename":".."},{"ref":"datei:e"},{"ref":"blob:a"},{"ref":"blob:f","filename":"`+strings.Repeat("l", 200)+`.pdf"}]}`)
	e.SetExtension("dataref", "blob:g")
	got, err := eakte.Documents(e)
	want := [][2]string{
		{"ereignis.json", ""},
		{"daten", "blob:g"},
		{"passwd", "blob:a"},
		{"4-PASSWD", "blob:b"},
		{"a_b  X_ y.pdf", "blob:c"},
		{"dokument-6", "blob:d"},
		{strings.Repeat("l", 116) + ".pdf", "blob:f"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	var many []string
	for n := range 101 {
		many = append(many, fmt.Sprintf(`{"ref":"blob:%d"}`, n))
	}
	if _, err := eakte.Documents(probe(1, "a", "["+strings.Join(many, ",")+"]")); err == nil || !hub.FaultOf(err).Permanent {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	const good = "source: 'urn:x', userlogin: a, eakte: {url: 'https://eakte.example.org/api'}"
	const where = ", ablage: [{typen: [a], akte: {coo: COO.1.2.3.4}, vorgang: {titel: v}, eingang: {titel: e}}]"
	for _, c := range []struct{ yaml, want string }{
		{"{" + good + where + "}", ""},
		{"{userlogin: a}", "source"},
		{"{source: 'urn:x'}", "userlogin"},
		{"{source: 'urn:x', userlogin: a" + where + "}", "eakte.url"},
		{"{" + good + "}", "ablage"},
		{"{" + good + where + ", joboe: x}", "joboe"},
		{"{" + good + where + ", jobposition: OpAdm}", "jobposition"},
		{"{" + good + where + ", gleichzeitig: 0}", "gleichzeitig"},
		{"{" + good + where + ", anwendung: ''}", "anwendung"},
		{"{" + good + ", ablage: [{typen: [], akte: {coo: COO.1.2.3.4}}]}", "ablage.0.typen"},
		{"{" + good + ", ablage: [{typen: [a, a], akte: {coo: COO.1.2.3.4}}]}", "ablage.0.typen"},
		{"{" + good + ", ablage: [{typen: [a], akte: {}}]}", "ablage.0.akte"},
		{"{" + good + ", ablage: [{typen: [a], akte: {coo: x}}]}", "ablage.0.akte.coo"},
		{"{" + good + ", ablage: [{typen: [a], akte: {aktenplan: x}}]}", "ablage.0.akte.aktenplan"},
		{"{" + good + ", ablage: [{typen: [a], akte: {aktenplan: COO.1.2.3.4}}]}", "ablage.0.akte.titel"},
		{"{" + good + ", ablage: [{typen: [a], akte: {coo: COO.1.2.3.4, titel: t}}]}", "ablage.0.akte.titel"},
		{"{" + good + ", ablage: [{typen: [a], akte: {coo: COO.1.2.3.4}, vorgang: {titel: '{wann}'}}]}", "ablage.0.vorgang.titel"},
	} {
		_, err := eakte.Kind().Sink(adaptertest.Env(t.TempDir()), adaptertest.Settings(c.yaml))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.yaml, err)
		}
	}
}

// FuzzAnswer: whatever the E-Akte answers, nothing panics, no error quotes, and what is
// read is a COO address.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"objid":"COO.1.2301.1.1042406","objname":"Zaunkönig","giobjecttype":[{"name":"n","id":"COO.1.2.3.4"}]}`)
	f.Add(`{"giobjecttype":[{"objname":"n","objaddress":"COO.1"},null,7]}`)
	f.Add(`{"fehlerQuelle":"DMS","status":1e3,"text":"Zaunkönig","filesubj":["Zaunkönig"]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		objects, e1 := eakte.ReadObjects([]byte(raw))
		made, e2 := eakte.ReadCreated([]byte(raw))
		_, e3 := eakte.ReadSubject([]byte(raw))
		_, e4 := eakte.ReadAnswer([]byte(raw))
		for _, err := range []error{e1, e2, e3, e4, eakte.Judge(400, raw)} {
			if err != nil && strings.Contains(err.Error(), "Zaunk") {
				t.Errorf("an error quotes: %v", err)
			}
		}
		if e2 == nil {
			objects = append(objects, append(made.Contents, eakte.Object{COO: made.COO})...)
		}
		for _, o := range objects {
			if !strings.HasPrefix(o.COO, "COO.") || strings.Trim(o.COO, "CO.0123456789") != "" {
				t.Errorf("read %q", o.COO)
			}
		}
	})
}

// FuzzEvent: whatever an event's data are, file names are plain and no error quotes.
func FuzzEvent(f *testing.F) {
	f.Add(`{"a":[{"ref":"blob:x","filename":"../Zaunkönig"}]}`, "{/a/0/filename}")
	f.Add(`{"ref":"blob:x","filename":"\"\r\n"}`, "{tag}{/ref}")
	f.Fuzz(func(t *testing.T, data, title string) {
		e := probe(1, "a", data)
		docs, err := eakte.Documents(e)
		for _, d := range docs {
			if d[0] == "" || strings.ContainsAny(d[0], "\"/\\\r\n\x00") {
				t.Errorf("a file name %q", d[0])
			}
		}
		if eakte.TitleProblem(title) == "" && !strings.Contains(title, "Zaunk") {
			_, err2 := eakte.Filled(e, title)
			if err2 != nil && strings.Contains(err2.Error(), "Zaunk") || err != nil && strings.Contains(err.Error(), "Zaunk") {
				t.Errorf("an error quotes: %v %v", err, err2)
			}
		}
	})
}
