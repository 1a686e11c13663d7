package send

import (
	"fmt"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Quarantined gives the message for QUARANTINE: the refused message whole, its
// own headers under "Original-" so that none of them can act, and the reason.
func Quarantined(d *decision.Decision, m *event.Message) event.Message {
	h := map[string][]string{
		event.HeaderCode:    {string(d.Code)},
		event.HeaderIn:      {d.In},
		event.HeaderSeq:     {fmt.Sprint(d.Seq)},
		event.HeaderSubject: {m.Subject},
		event.HeaderStored:  {m.Time.UTC().Format(time.RFC3339Nano)},
	}
	if d.At != "" {
		h[event.HeaderAt] = []string{d.At}
	}
	if d.Keyword != "" {
		h[event.HeaderKeyword] = []string{d.Keyword}
	}
	for name, values := range m.Header {
		h["Original-"+name] = values
	}
	return event.Message{Subject: QuarantineSubject(d.Application, string(d.Code)), Header: h, Data: m.Data}
}

// QuarantineSubject is quarantine.<org>.<app>.<code>; the application comes
// from a subject and may be unknown or odd, then it is "unknown".
func QuarantineSubject(application, code string) string {
	org, app, _ := strings.Cut(application, ".")
	if !plain(app) {
		app = "unknown"
	}
	return "quarantine." + org + "." + app + "." + strings.ReplaceAll(strings.ToLower(code), "_", "-")
}

func plain(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
