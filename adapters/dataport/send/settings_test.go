package send_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newService(t)
	good := string(s.settings(""))
	if _, err := send.Kind().Check(s.env(), adaptertest.Settings(good)); err != nil {
		t.Fatal(err)
	}
	const box = "zbp: {zustellpunkt: " + mailbox + ", schluessel: zbp.pem, zertifikat: zbp.crt"
	for _, c := range []struct{ old, with, key string }{
		{"client-id: sender, ", "", "client-id"},
		{"source: '" + source + "', ", "", "source"},
		{"absender: Stadt Beispiel, ", "", "absender"},
		{"poll: 1ms", "poll: 0s", "poll"},
		{"poll: 1ms", "umgebung: dev", "umgebung"},
		{"poll: 1ms", "merken: 1h", "merken"},
		{"poll: 1ms", "warnen: 0s", "warnen"},
		{"poll: 1ms", "max-daten: 0", "max-daten"},
		{"poll: 1ms", "max-anlage: 0", "max-anlage"},
		{"poll: 1ms", "ca: client", "ca"},
		{"poll: 1ms", "zertifikate: client", "zertifikate"},
		{"poll: 1ms", "routing-schluessel: client", "routing-schluessel"},
		{"poll: 1ms", "unbekannt: 1", "unbekannt"},
		{"routing-api: 'http:", "routing-api: 'ftp:", "routing-api"},
		{"routing-api: '" + s.url + "/routing', ", "", "sendungen.0.zustellpunkt"},
		{"[" + dogs + "]", "[]", "sendungen"},
		{"typ: " + dogType, "typ: ''", "sendungen.0.typ"},
		{"typ: " + dogType, "typ: de.antrag.eingereicht.v1", "sendungen.1.typ"},
		{"daten: /hund", "daten: hund", "sendungen.0.daten"},
		{"daten: /hund", "anlagen: x", "sendungen.0.anlagen"},
		{"daten: /hund", "ars: '1'", "sendungen.0.ars"},
		{"daten: /hund", "leistung: '1'", "sendungen.0.leistung"},
		{"daten: /hund", "zustellpunkt: x", "sendungen.0.zustellpunkt"},
		{"datentyp: application/json, ", "", "sendungen.0.schema"},
		{"datentyp: application/json", "datentyp: text/plain", "sendungen.0.datentyp"},
		{"poll: 1ms", "zbp: {}", "zbp.zustellpunkt"},
		{"poll: 1ms", "zbp: {zustellpunkt: " + mailbox + "}", "zbp.schluessel"},
		{"poll: 1ms", box + ", vertrauensniveau: 5}", "zbp.vertrauensniveau"},
		{"poll: 1ms", box + ", leistungen: {'1': x}}", "zbp.leistungen"},
		{"poll: 1ms", box + ", texte: {fertig: x}}", "zbp.texte"},
		{"poll: 1ms", box + ", leistung-sonst: '" + strings.Repeat("x", 101) + "'}", "zbp.leistung-sonst"},
		{"poll: 1ms", "nicht-gefunden: []", "nicht-gefunden"},
		{"poll: 1ms", "umgebung: produktion", "zertifikate"},
		{"poll: 1ms", box + "}", "zbp.zertifikat"}, // there are no such files
	} {
		changed := strings.Replace(good, c.old, c.with, 1)
		if changed == good {
			t.Fatal("nothing to change: ", c.old)
		}
		_, err := send.Kind().Sink(s.env(), adaptertest.Settings(changed))
		if err == nil || !strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: %v", c.with, err)
		}
	}
	env := s.env()
	env.Production = true
	if _, err := send.Kind().Source(env, adaptertest.Settings(good)); err == nil {
		t.Error("production takes plain HTTP")
	}
	secure := strings.ReplaceAll(good, "http://", "https://")
	if _, err := send.Kind().Check(env, adaptertest.Settings(secure)); err == nil || !strings.Contains(err.Error(), "zertifikate") {
		t.Error("production believes any key:", err)
	}
	secure = strings.Replace(secure, "poll: 1ms", "zertifikate: keine", 1)
	if _, err := send.Kind().Check(env, adaptertest.Settings(secure)); err != nil {
		t.Error(err)
	}
	if _, err := send.Kind().Sink(env, adaptertest.Settings(secure)); err != nil || s.logs.FilterMessageSnippet("zertifikate: keine").Len() != 1 {
		t.Error("nobody is told", err)
	}
}
