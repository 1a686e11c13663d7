package phoenix

import (
	"net/http"
	netmail "net/mail"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
)

// words are settings that say what is wrong by the key alone.
type words struct{ hub.Settings }

func (words) Errorf(key, _ string, _ ...any) error { return hub.Retryable(key, "wrong") }

// FuzzTexts: a text that is let pass names nothing that is not allowed, and whatever
// is filled in, a subject stays one line and no brace is left.
func FuzzTexts(f *testing.F) {
	f.Add("{name}: {titel}", "Ein Vorgang: {referenz}\n{link}", "a\r\nBcc: b")
	f.Add("{", "{{.Data}}", "{titel}")
	f.Add("{person}", "{}", "")
	f.Fuzz(func(t *testing.T, subject, text, title string) {
		n := noticeDefaults()
		n.Konsole = "https://k.example.org"
		n.Texte = map[string]Texte{german: {Betreff: subject, Text: text}}
		if checkTexts(n.Texte, words{}) != nil {
			return
		}
		m := n.one(note{Name: "0123", Type: "de.a." + title + ".v1", Referenz: "r"})
		if strings.ContainsFunc(m.Subject, unicode.IsControl) {
			t.Errorf("%q", m.Subject)
		}
		if left := placeholder.ReplaceAllString(text, ""); strings.ContainsAny(left, "{}") {
			t.Errorf("%q was let pass", text)
		}
		for _, name := range placeholder.FindAllStringSubmatch(text, -1) {
			if name[1] != phName && name[1] != phTitle && name[1] != phReference && name[1] != phLink {
				t.Errorf("%q was let pass", name[1])
			}
		}
	})
}

// FuzzAnswer: whatever a server says, it becomes a fault without its text, and no wait
// longer than an hour.
func FuzzAnswer(f *testing.F) {
	f.Add(429, "7", `{"retry_after_ms": 2000}`)
	f.Add(503, "Sat, 28 Nov 2026 12:00:00 GMT", ``)
	f.Add(413, "", `<d:error xmlns:d="DAV:"/>`)
	f.Add(200, "", `{"chunk": [{"sender": "@a:b", "content": {"de.amtsbote.hinweis": "x"}}]}`)
	f.Add(200, "-1", `{"errcode": 7}`)
	f.Add(429, "99999999999999999999", `{"retry_after_ms": -1e999}`)
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		a := &answer{status: status, header: http.Header{"Retry-After": {after}}, body: []byte(body)}
		if f := a.refused("call"); f.Permanent {
			t.Errorf("%+v", f)
		}
		fault := a.refusedOf("call", a.errcode() != "" || a.davError() || ocsCode(a.body) != 0)
		if fault.After < 0 || fault.After > time.Hour || fault.Permanent && status != 400 && status != 413 {
			t.Errorf("%+v", fault)
		}
		_ = a.encrypted()
		_, _ = a.senders("x")
		_ = ocsDone(a.body)
	})
}

// A reference that could tell something is not shown.
func TestReference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ vorgang, id, want string }{
		{"7d3f0c4e-0000-4000-8000-000000000001", "x", "7d3f0c4e-0000-4000-8000-000000000001"},
		{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
		{"mustermann-erika", "7d3f0c4e-0000-4000-8000-000000000002", "7d3f0c4e-0000-4000-8000-000000000002"},
		{"zaunkoenig", "zaunkoenig-1", "d1"},
		{"", "123456789012", "d1"},
	} {
		e := event.New()
		e.SetID(c.id)
		e.SetSource("urn:test")
		e.SetType("de.test.geschehen.v1")
		if c.vorgang != "" {
			e.SetExtension("correlationid", c.vorgang)
		}
		n, err := admit(hub.Delivery{ID: "d1", Event: e}, true)
		if err != nil || n.Referenz != c.want {
			t.Errorf("%q %q: %q, %v", c.vorgang, c.id, n.Referenz, err)
		}
	}
}

func TestDigestText(t *testing.T) {
	t.Parallel()
	n := noticeDefaults()
	n.Konsole, n.Vorgang = "https://k.example.org/", "v/{referenz}"
	n.Titel = map[string]Titel{"de.b.v1": {DE: "Bescheid", EN: "Notice"}}
	all := []note{{Type: "de.b.v1", Referenz: "1"}, {Type: "de.b.v1", Referenz: "2"}, {Type: "de.termin.abgesagt.v1", Referenz: "2"}}
	if m := n.digest("i", all); m.Subject != "Amtsbote: 2 Vorgänge warten" ||
		m.Text != "2 Vorgänge warten:\n2 × Bescheid\n1 × abgesagt (termin)\nhttps://k.example.org/" {
		t.Errorf("%+v", m)
	}
	n.Sprache, n.Konsole = english, ""
	n.Texte = map[string]Texte{english: {SammelText: "{ereignisse} events of {anzahl} cases\n{link}\nBye"}}
	if m := n.digest("i", all[2:]); m.Subject != "Amtsbote: 1 case is waiting" || m.Text != "1 events of 1 cases\nBye" {
		t.Errorf("%+v", m)
	}
	many := []note{}
	for i := range maxList + 5 {
		many = append(many, note{Type: "de.t" + strings.Repeat("x", i) + ".v1", Referenz: "1"})
	}
	if m := n.digest("i", many); strings.Count(n.list(map[string]int{"a": 1}, german), "\n") != 0 || len(m.Text) > maxText {
		t.Errorf("%+v", m)
	}
}

// FuzzMail: whatever stands in a notice, it makes one mail with the headers that are
// meant, and one recipient.
func FuzzMail(f *testing.F) {
	f.Add("kfz@example.org", "0123", "Amtsbote: Umzug", "Ein Vorgang wartet\n.\nhttps://k")
	f.Add("kfz@example.org", "a\r\nBcc: x@example.org", "a\r\n\r\nText", "\r\n.\r\nQUIT")
	f.Add("kfz@example.org", "", "=?utf-8?q?=0AX:y?=", "ä\x00")
	m := &mailer{set: mailSettings{Von: "amtsbote@example.org"}}
	f.Fuzz(func(t *testing.T, to, id, subject, text string) {
		if !goodAddress(to) {
			return
		}
		msg, err := m.write(to, message{ID: id, Subject: subject, Text: text})
		if err != nil {
			return
		}
		var raw strings.Builder
		if _, err := msg.WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		read, err := netmail.ReadMessage(strings.NewReader(raw.String()))
		if err != nil {
			t.Fatalf("%v:\n%q", err, raw.String())
		}
		for name, values := range read.Header {
			switch name {
			case "From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Mime-Version", "Content-Type", "Content-Transfer-Encoding":
			default:
				t.Errorf("a header %s: %q", name, values)
			}
			if len(values) != 1 {
				t.Errorf("%s: %q", name, values)
			}
		}
		if rcpts, err := msg.GetRecipients(); err != nil || len(rcpts) != 1 || rcpts[0] != "<"+to+">" {
			t.Errorf("recipients %q, %v", rcpts, err)
		}
	})
}
