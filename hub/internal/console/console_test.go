package console

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// TestMessages: every text is there in both languages, and they differ unless the words
// are the same in both.
func TestMessages(t *testing.T) {
	t.Parallel()
	same := map[string]bool{
		"Adapter": true, "Adapters": false, "Name": true, "Organisation": true, "Agreement": false, "RoleLocal": false,
	}
	de, en := reflect.ValueOf(german).Elem(), reflect.ValueOf(english).Elem()
	for i := range de.NumField() {
		name := de.Type().Field(i).Name
		d, e := de.Field(i).String(), en.Field(i).String()
		if d == "" || e == "" {
			t.Errorf("%s is missing: %q, %q", name, d, e)
		}
		if d == e && !same[name] {
			t.Errorf("%s is the same in both languages: %q", name, d)
		}
	}
}

// TestTemplatesParse: templates parse, and hold no script, style or handler of their own,
// no other address, and nothing that lets text pass as markup.
func TestTemplatesParse(t *testing.T) {
	t.Parallel()
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	inline := regexp.MustCompile(`(?i)<script>|<style|style="|\son[a-z]+=|https?://|\{\{[^}]*(safe|HTML|JS)\b`)
	for name := range p.of {
		raw, err := files.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.Find(raw); found != nil {
			t.Errorf("template %s holds %q", name, found)
		}
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Müller":         "Müller",
		"\x1b[31mFEHLER": "⟨U+001B⟩[31mFEHLER",
		"a\nb":           "a⟨U+000A⟩b",
		"a\x00b":         "a⟨U+0000⟩b",
		"\u202egnp.exe":  "⟨U+202E⟩gnp.exe",
		"\u2066x\u2069":  "⟨U+2066⟩x⟨U+2069⟩",
		"👨\u200d👩":       "👨\u200d👩",
		"\u2028":         "⟨U+2028⟩",
		"\xff":           "\uFFFD",
		"<b>&\"'":        "<b>&\"'",
	} {
		if got := visible(in, 100); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := visible("0123456789ABCDEF", 10); got != "0123456789… (+6)" {
		t.Errorf("a long text: %q", got)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 22, 30, 5, 0, time.UTC)
	de, en := format{"de", german, at.Add(3 * time.Hour)}, format{"en", english, at.Add(3 * time.Hour)}
	for got, want := range map[string]string{
		de.Time(at): "02.07.2026, 00:30:05", en.Time(at): "2 Jul 2026, 00:30:05", de.Time(time.Time{}): "–",
		de.Number(1234567): "1.234.567", en.Number(uint64(1234567)): "1,234,567", de.Number(-1000): "-1.000", de.Number(7): "7",
		de.Decimal(0.25): "0,2", en.Decimal(12.34): "12.3", de.Bytes(1536): "1,5 KiB", en.Bytes(int64(12)): "12 B",
		de.Ago(at): "vor 3 Stunden", en.Ago(at): "3 hours ago", en.Ago(time.Time{}): "never", de.Ago(at.Add(4 * time.Hour)): "gerade eben",
		en.Ago(at.Add(3*time.Hour - 2*time.Second)): "2 seconds ago", de.Decimal(285240.04): "285.240,0", en.Decimal(-1234.5): "-1,234.5",
		de.Lasting(47 * time.Millisecond): "47 ms", de.Lasting(1260 * time.Millisecond): "1,3 s", en.Lasting(200 * time.Second): "3 min 20 s", de.Lasting(1000*time.Hour + 7*time.Minute): "1.000 h 7 min",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if p := de.Percent(5, 0); p != 0 {
		t.Error(p)
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/search?q=a": "/search?q=a", "": "/", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example`: "/", "javascript:x": "/", "/a\r\nb": "/", "search": "/",
	} {
		if got := local(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestSessions: a session ends when nobody uses it, after its time, and when it is ended.
func TestSessions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	s := &sessions{now: func() time.Time { return now }}
	one, name := s.begin("a", nil, true)
	if s.find(name, true) != one || s.find("x", true) != nil {
		t.Fatal("not found, or found under another name")
	}
	now = now.Add(sessionIdle)
	if s.find(name, false) == nil {
		t.Error("it ended too soon")
	}
	now = now.Add(time.Second)
	if s.find(name, true) != nil {
		t.Error("nobody used it, and it goes on")
	}
	_, name = s.begin("a", nil, true)
	for range 20 {
		now = now.Add(sessionIdle - time.Second)
		s.find(name, true)
	}
	if now = now.Add(sessionMost - 20*(sessionIdle-time.Second) + time.Second); s.find(name, true) != nil {
		t.Error("it goes on beyond its time")
	}
	one, name = s.begin("a", nil, true)
	one.look("IN_a 1", now.Add(lookFor))
	if one.looking("IN_a 1", now).IsZero() || !one.looking("IN_a 2", now).IsZero() || !one.looking("IN_a 1", now.Add(lookFor)).IsZero() {
		t.Error("what is shown in full, and for how long")
	}
	if !one.fits(one.token) || one.fits("") {
		t.Error("the token of forms")
	}
	if s.end(name); s.find(name, true) != nil {
		t.Error("it was ended and goes on")
	}
	for range maxSessions + 10 {
		s.begin("b", nil, true)
	}
	if len(s.of) > maxSessions {
		t.Error("there are too many:", len(s.of))
	}
}

// TestPerson: what grants let a person see and do.
func TestPerson(t *testing.T) {
	t.Parallel()
	steward := &federation.ConsoleGrant{Role: federation.ConsoleSteward, Organisation: "alpha", Sight: federation.SightFull}
	auditor := &federation.ConsoleGrant{Role: federation.ConsoleAuditor, Sight: federation.SightMetadata}
	p := &person{grants: []*federation.ConsoleGrant{steward}}
	if p.sight("alpha") != federation.SightFull || p.sight("beta") != federation.SightNothing || p.all() != federation.SightNothing || !p.acts("alpha") || p.acts("beta") {
		t.Error("a steward")
	}
	if p.sightOf("IN_beta", []string{"alpha.app"}) != federation.SightFull || p.sightOf("EDGE_beta", []string{"gamma.app"}) != federation.SightNothing {
		t.Error("a steward and an event")
	}
	p.grants = append(p.grants, auditor)
	if p.sight("beta") != federation.SightMetadata || p.all() != federation.SightMetadata || p.acts("beta") {
		t.Error("a steward who is auditor too")
	}
}

// shown gives the lines of a payload as text.
func shown(t *testing.T, full bool, data, pointer, keyword string) *payload {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	const typ = "de.meldewesen.wohnung-angemeldet.v1"
	p := &payload{}
	if full {
		p.Until = time.Now().Add(time.Hour)
	}
	q := &request{Server: &Server{cfg: Config{Hub: known{fed: &federation.Federation{Schemas: registry}}}}, lang: "de", t: german}
	p.show(q, &event.Message{Header: map[string][]string{}, Data: []byte(data)}, typ, pointer, keyword)
	return p
}

// known is a hub that has a directory and nothing else.
type known struct {
	Hub
	fed *federation.Federation
}

func (k known) Federation() *federation.Federation { return k.fed }

func lines(p *payload) string {
	var b strings.Builder
	for _, l := range p.Lines {
		b.WriteString(strings.Repeat(" ", l.Depth) + l.Name)
		switch {
		case l.Hidden:
			b.WriteString(" #")
		case !l.Opens:
			b.WriteString(" " + l.Value)
		}
		if l.Wrong != "" {
			b.WriteString(" !")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestPayload: fields with a category are hidden, and what no schema knows is, with its
// name; what is wrong is marked.
func TestPayload(t *testing.T) {
	t.Parallel()
	const data = `{"person":{"name":{"familienname":"Geheim"},"staatsangehoerigkeiten":["000"]},"Geheimname":{"Geheim":"Geheim"},"einzug":7}`
	masked := lines(shown(t, false, data, "/data/einzug", "type"))
	if strings.Contains(masked, "Geheim") || strings.Contains(masked, "000") || !strings.Contains(masked, "familienname #") || !strings.Contains(masked, "einzug # !") {
		t.Errorf("masked:\n%s", masked)
	}
	full := lines(shown(t, true, data, "", ""))
	for _, want := range []string{"familienname Geheim", "   1. 000", "einzug 7", "Geheimname"} {
		if !strings.Contains(full, want) {
			t.Errorf("full lacks %q:\n%s", want, full)
		}
	}
	if p := shown(t, false, `{"a":`, "", ""); p.Why == "" || p.Text != "" {
		t.Errorf("what cannot be read is shown masked: %+v", p)
	}
	if p := shown(t, true, "a\x1b\nb", "", ""); p.Text != "a⟨U+001B⟩\nb" {
		t.Errorf("what cannot be read, in full: %q", p.Text)
	}
	if p := shown(t, true, `{"a":"`+strings.Repeat("x", 1<<20)+`"}`, "", ""); len(lines(p)) > 2*maxValue {
		t.Error("a long value is shown whole")
	}
	many := shown(t, true, "["+strings.TrimSuffix(strings.Repeat("1,", 100_000), ",")+"]", "", "")
	if len(many.Lines) > maxLines || !many.Cut {
		t.Errorf("%d lines, cut: %v", len(many.Lines), many.Cut)
	}
	if p := shown(t, true, strings.Repeat("[", 10_000), "", ""); p.Text == "" {
		t.Error("what is nested too deep is not shown as text")
	}
}

// FuzzPayload: whatever an event holds, masked it shows no value of a personal field, and
// nothing that is not bounded.
func FuzzPayload(f *testing.F) {
	f.Add(`{"person":{"name":{"familienname":"Geheim"}}}`, "/data/person", "required")
	f.Add(`[[[]]]`, "", "")
	f.Add(`{"a":1,"a":{"b":"\u202e"}}`, "/data/a", "type")
	f.Fuzz(func(t *testing.T, data, pointer, keyword string) {
		for _, full := range []bool{true, false} {
			p := shown2(data, pointer, keyword, full)
			if len(p.Lines) > maxLines {
				t.Fatal(len(p.Lines))
			}
			for _, l := range p.Lines {
				if !full && !l.Hidden && l.Value != "" {
					t.Fatalf("%q is shown without a schema", l.Value)
				}
				if strings.ContainsAny(l.Value+l.Name, "\x00\x1b\n\u202e") {
					t.Fatalf("%+v", l)
				}
			}
		}
	})
}

// shown2 shows data of a type that nobody knows.
func shown2(data, pointer, keyword string, full bool) *payload {
	p := &payload{}
	if full {
		p.Until = time.Now().Add(time.Hour)
	}
	registry, _ := schemas.Embedded()
	q := &request{Server: &Server{cfg: Config{Hub: known{fed: &federation.Federation{Schemas: registry}}}}, lang: "de", t: german}
	p.show(q, &event.Message{Header: map[string][]string{}, Data: []byte(data)}, "de.niemand.v1", pointer, keyword)
	return p
}

// TestOriginal: a quarantined message is read as it came, also out of an envelope.
func TestOriginal(t *testing.T) {
	t.Parallel()
	m := &event.Message{Header: map[string][]string{event.HeaderCode: {"X"}, event.HeaderSubject: {"in.a.b.c"}, "Original-ce-id": {"7"}}, Data: []byte("d")}
	if o := send.Refused(m); o.Header["ce-id"][0] != "7" || len(o.Header) != 1 || o.Subject != "in.a.b.c" || string(o.Data) != "d" {
		t.Errorf("%+v", o)
	}
	m = &event.Message{Header: map[string][]string{event.HeaderEnvelope: {"json"}}, Data: []byte(`{"header":[{"name":"Y2UtaWQ=","value":"Nw=="}],"data":"ZA=="}`)}
	if o := send.Refused(m); o.Header["ce-id"][0] != "7" || string(o.Data) != "d" {
		t.Errorf("%+v", o)
	}
	m.Data = []byte("{")
	if o := send.Refused(m); string(o.Data) != "{" {
		t.Errorf("%+v", o)
	}
}

func TestGroupOf(t *testing.T) {
	t.Parallel()
	if g, ok := groupOf("quarantine.a.b.schema-invalid"); !ok || g.Application != "a.b" || g.Code != refusal.SchemaInvalid || g.refuser {
		t.Errorf("%+v", g)
	}
	if g, ok := groupOf("quarantine.a.b.receiver-refused.17"); !ok || !g.refuser {
		t.Errorf("%+v", g)
	}
	for _, s := range []string{"quarantine.cursor.IN_a", "quarantine.a.b.x", "out.a.b.schema-invalid", ""} {
		if _, ok := groupOf(s); ok {
			t.Error(s)
		}
	}
}
