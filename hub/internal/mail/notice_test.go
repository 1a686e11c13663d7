package mail

import (
	netmail "net/mail"
	"strings"
	"testing"
)

// TestWrite: each kind of notice says in both languages what is and what to do.
func TestWrite(t *testing.T) {
	t.Parallel()
	for what, s := range says {
		l := lettered(notice(what))
		for _, want := range []string{s.what.de, s.what.en, "\nZu tun: ", "\nTo do: ", "English below"} {
			if want == "" || !strings.Contains(l.text, want) {
				t.Errorf("%s: the text lacks %q", what, want)
			}
		}
		if what != "recovered" && strings.Count(l.text, "amtsbote ") < 2 || strings.Contains(l.text, "%") {
			t.Errorf("%s:\n%s", what, l.text)
		}
		if !strings.Contains(l.subject, s.subject.de) || !strings.Contains(l.subject, s.subject.en) {
			t.Errorf("%s: subject %q", what, l.subject)
		}
	}
	one, same, other := notice("gone"), notice("gone"), notice("gone")
	other.Application = "kreis.abfall"
	if id := lettered(one).id; id != lettered(same).id || id == lettered(other).id {
		t.Error("a Message-ID is not of its mail")
	}
}

// FuzzMessage: whatever stands in a notice, it makes one message with the headers that
// the hub means and one recipient, or none at all.
func FuzzMessage(f *testing.F) {
	f.Add("fach@example.de", "kreis.jugend", "hook.example", "http-410")
	f.Add("fach@example.de\r\nBcc: x@example.de", "kreis\r\n\r\nText", "hook\nX: y", "\r\n.\r\n")
	f.Add("a@example.de, b@example.de", "=?utf-8?q?=0AX:y?=", "", "ä\x00")
	server := &Server{from: "amtsbote@example.de"}
	f.Fuzz(func(t *testing.T, to, application, host, code string) {
		n := notice("gone")
		n.To, n.Application, n.Host, n.Code = to, application, host, code
		l := lettered(n)
		msg, err := server.message(l)
		if err != nil {
			return
		}
		var raw strings.Builder
		if _, err := msg.WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		m, err := netmail.ReadMessage(strings.NewReader(raw.String()))
		if err != nil {
			t.Fatalf("%v:\n%q", err, raw.String())
		}
		for name, values := range m.Header {
			switch name {
			case "From", "To", "Subject", "Date", "Message-Id", "Auto-Submitted", "Mime-Version", "Content-Type", "Content-Transfer-Encoding":
			default:
				t.Errorf("a header %s: %q", name, values)
			}
			if len(values) != 1 {
				t.Errorf("%s: %q", name, values)
			}
		}
		if rcpts, err := msg.GetRecipients(); err != nil || len(rcpts) != 1 || strings.ContainsAny(rcpts[0], "\r\n") {
			t.Errorf("recipients %q, %v", rcpts, err)
		}
	})
}
