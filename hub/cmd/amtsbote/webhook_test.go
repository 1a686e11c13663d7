package main

import (
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// TestWebhookList: each state of a webhook is said in a line, in both languages.
func TestWebhookList(t *testing.T) {
	now := time.Now()
	consent := &webhook.Consent{At: now.Add(-time.Hour)}
	tests := map[string]struct {
		state  webhook.State
		de, en string
	}{
		"sending":  {webhook.State{Consent: consent}, "sendet; Zustimmung vom", "sending; consent of"},
		"none":     {webhook.State{Refusals: 3}, "ohne Zustimmung des Empfängers (3-mal gefragt)", "without the receiver's consent (asked 3 times)"},
		"old":      {webhook.State{Consent: &webhook.Consent{At: now.Add(-8 * 24 * time.Hour)}}, "ohne Zustimmung", "without the receiver's consent"},
		"gone":     {webhook.State{Consent: consent, Halt: &webhook.Halt{Why: webhook.HaltGone, At: now}}, "antwortete am", "answered 410"},
		"paused":   {webhook.State{Consent: consent, Halt: &webhook.Halt{Why: webhook.HaltPaused, At: now, Who: "mustermann", Reason: "Wartung"}}, "pausiert von mustermann", "paused by mustermann"},
		"put off":  {webhook.State{Consent: consent, Until: now.Add(time.Hour)}, "will bis", "wants nothing until"},
		"trouble":  {webhook.State{Consent: consent, Trouble: &webhook.Trouble{Since: now, Failures: 4, Code: "timeout"}}, "4 Fehler in Folge (timeout)", "4 failures in a row since"},
		"failing":  {webhook.State{Consent: consent, Trouble: &webhook.Trouble{Since: now, Failures: 12, Code: "http-500", Paused: true, Probe: now}}, "nichts kommt an seit", "nothing gets through since"},
		"put off2": {webhook.State{Consent: consent, Until: now.Add(-time.Hour)}, "sendet", "sending"},
	}
	for name, c := range tests {
		for lang, want := range map[string]string{"de": c.de, "en": c.en} {
			var out strings.Builder
			f := webhookFlags{lookFlags: lookFlags{lang: lang}}
			printWebhooks(&out, &f, []app.WebhookStatus{{Application: "beta.one", Waiting: 7, Now: now, State: &c.state}})
			if got := out.String(); !strings.Contains(got, want) || !strings.HasPrefix(got, "beta.one ") || strings.Contains(got, "%!") || strings.Count(got, "\n") != 1 {
				t.Errorf("%s in %s: %q", name, lang, got)
			}
		}
	}
}
