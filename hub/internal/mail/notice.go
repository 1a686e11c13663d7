package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Notice is what a contact has to hear of a webhook.
type Notice struct {
	// To is the contact's e-mail address, as address.Parse gives it.
	To          string `json:"to"`
	Application string `json:"application"`
	// Host of the webhook's URL, and nothing else of it: the rest may hold secrets.
	Host string `json:"host"`
	// Hub is the name by which receivers know the hub (origin).
	Hub string `json:"hub,omitempty"`
	// What has happened, a key of says.
	What string `json:"what"`
	Code string `json:"code,omitempty"` // of the fault or answer
	// Since when it is so, At when it was told.
	Since time.Time `json:"since"`
	At    time.Time `json:"at"`
}

// both is a text in the two languages of a mail.
type both struct{ de, en string }

type saying struct{ subject, what, todo both }

// says is what each kind of notice says; %s is the application.
var says = map[string]saying{
	"no-consent": {
		both{"keine Zustimmung", "no consent"},
		both{"Der Empfänger hat den Zustellungen nicht zugestimmt. Ohne Zustimmung wird nichts gesendet; die Ereignisse warten im Eingangsfach.", "The receiver has not consented to deliveries. Without consent nothing is sent; the events wait in the mailbox."},
		both{"Der Empfänger muss die Anfrage OPTIONS mit WebHook-Allowed-Origin und WebHook-Allowed-Rate beantworten. Der Amtsbote fragt von selbst wieder; wer ihn betreibt, lässt sofort fragen mit: amtsbote webhook resume %s", "The receiver has to answer the request OPTIONS with WebHook-Allowed-Origin and WebHook-Allowed-Rate. The hub asks again by itself; who runs it has it ask at once by: amtsbote webhook resume %s"},
	},
	"gone": {
		both{"angehalten (410)", "halted (410)"},
		both{"Der Empfänger hat mit 410 (Gone) geantwortet. Es wird nichts mehr gesendet; die Ereignisse warten im Eingangsfach.", "The receiver has answered 410 (Gone). Nothing more is sent; the events wait in the mailbox."},
		both{"Ist der Empfänger wieder da, setzt fort, wer den Amtsboten betreibt: amtsbote webhook resume %s (eine neue URL im Verzeichnis beginnt von selbst neu)", "When the receiver is back, who runs the hub goes on by: amtsbote webhook resume %s (another URL in the directory begins anew by itself)"},
	},
	"put-off": {
		both{"Empfänger bittet zu warten", "receiver asks to wait"},
		both{"Der Empfänger bittet zu warten (429 oder 503), und seit langem kommt nichts an. Die Ereignisse warten im Eingangsfach.", "The receiver asks to wait (429 or 503), and nothing has got through for long. The events wait in the mailbox."},
		both{"Ist das gewollt, ist nichts zu tun: es geht von selbst weiter. Sofort versucht es, wer den Amtsboten betreibt, mit: amtsbote webhook resume %s", "If that is meant, nothing is to be done: it goes on by itself. Who runs the hub has it try at once by: amtsbote webhook resume %s"},
	},
	"failing": {
		both{"nichts kommt an", "nothing gets through"},
		both{"Beim Empfänger kommt nichts an. Zustellungen pausieren, nur einzelne gehen zur Probe hinaus; die Ereignisse warten im Eingangsfach.", "Nothing gets through to the receiver. Deliveries pause, only single ones go out as probes; the events wait in the mailbox."},
		both{"Beheben Sie den Fehler beim Empfänger: dann geht es von selbst weiter, spätestens nach einer Stunde. Sofort versucht es, wer den Amtsboten betreibt, mit: amtsbote webhook resume %s", "Mend the fault at the receiver: then it goes on by itself, within an hour. Who runs the hub has it try at once by: amtsbote webhook resume %s"},
	},
	"parked": {
		both{"Ereignisse geparkt", "events parked"},
		both{"Ein Ereignis kam auch nach vielen Versuchen nicht an, während andere ankamen. Es ist geparkt, mit allen späteren seines Schlüssels.", "An event did not get through in many attempts while others did. It is parked, with all later ones of its key."},
		both{"Beheben Sie den Fehler beim Empfänger. Danach gibt frei, wer den Amtsboten betreibt: amtsbote parked list nennt die Schlüssel, amtsbote parked release KEY gibt einen frei. Wie der Webhook steht, sagt: amtsbote webhook list", "Mend the fault at the receiver. Then who runs the hub releases: amtsbote parked list names the keys, amtsbote parked release KEY releases one. How the webhook stands is told by: amtsbote webhook list"},
	},
	"recovered": {
		both{"nimmt wieder an", "takes events again"},
		both{"Der Empfänger nimmt wieder Ereignisse an.", "The receiver takes events again."},
		both{"Nichts. Ob noch etwas geparkt ist, zeigt wer den Amtsboten betreibt mit: amtsbote parked list", "Nothing. Whether something is still parked, who runs the hub sees by: amtsbote parked list"},
	},
}

// letter is one mail.
type letter struct {
	to, subject, text string
	id                string // Message-ID, without brackets
	date              time.Time
}

// write makes the mail of an entry: the same one again, with the same Message-ID, until
// there is more to tell.
func write(e *entry, domain string) *letter {
	n := &e.Notice
	s := says[n.What]
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%d", n.Hub, n.Application, n.What, e.First.UnixNano(), e.Count))
	var b strings.Builder
	b.WriteString("(English below)\n\n")
	german.part(&b, e, s)
	b.WriteString("\n----------\n\n")
	english.part(&b, e, s)
	return &letter{
		to: n.To, date: n.At, text: b.String(),
		id:      hex.EncodeToString(sum[:16]) + "@" + domain,
		subject: oneLine(fmt.Sprintf("[Amtsbote] %s: %s / %s", n.Application, s.subject.de, s.subject.en)),
	}
}

// language is how one of the two parts of a mail is written.
type language struct {
	begin, end                                             string
	hub, application, host, what, code, since, count, todo string
	of                                                     func(both) string
	counted                                                string // how often, since when
}

var (
	german = language{
		begin: "Sie sind als Kontakt dieses Webhooks eingetragen.", end: "Diese Nachricht ist automatisch erzeugt. Je Fachverfahren und Anlass kommt höchstens eine in der Stunde.",
		hub: "Amtsbote", application: "Fachverfahren", host: "Rechner des Webhooks", what: "Was", code: "Code", since: "Seit", count: "Anzahl", todo: "Zu tun",
		of: func(b both) string { return b.de }, counted: "%d-mal seit %s, dies ist das letzte",
	}
	english = language{
		begin: "You are on file as the contact of this webhook.", end: "This message was made automatically. At most one an hour comes for each application and occasion.",
		hub: "Hub", application: "Application", host: "Host of the webhook", what: "What", code: "Code", since: "Since", count: "Count", todo: "To do",
		of: func(b both) string { return b.en }, counted: "%d times since %s, this is the last",
	}
)

func (l *language) part(b *strings.Builder, e *entry, s saying) {
	n := &e.Notice
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "%s: %s\n", name, oneLine(value))
		}
	}
	fmt.Fprintf(b, "%s\n\n", l.begin)
	line(l.hub, n.Hub)
	line(l.application, n.Application)
	line(l.host, n.Host)
	line(l.what, l.of(s.what))
	line(l.code, n.Code)
	line(l.since, moment(n.Since))
	if e.Count > 1 {
		line(l.count, fmt.Sprintf(l.counted, e.Count, moment(e.First)))
	}
	todo := l.of(s.todo)
	if strings.Contains(todo, "%s") {
		todo = fmt.Sprintf(todo, n.Application)
	}
	b.WriteString("\n")
	line(l.todo, todo)
	fmt.Fprintf(b, "\n%s\n", l.end)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// oneLine keeps what is put into a line from ending it.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
