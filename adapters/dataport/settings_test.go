package dataport_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/dataport"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newService(t)
	good := string(s.settings(""))
	if _, err := dataportSource(s, good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, with, key string }{
		{"zustellpunkt: " + destination, "zustellpunkt: x", "zustellpunkt"},
		{"client-id: amtsbote, ", "", "client-id"},
		{"client-secret: client, ", "", "client-secret"},
		{"schluessel: [neu.jwk, alt.jwk], ", "", "schluessel"},
		{"[neu.jwk, alt.jwk]", "[neu.jwk, fehlt.jwk]", "schluessel.1"},
		{"[neu.jwk, alt.jwk]", "[signatur]", "schluessel.0"},
		{"signaturschluessel: signatur", "signaturschluessel: neu.jwk", "signaturschluessel"},
		{"token-url: 'http:", "token-url: 'ftp:", "token-url"},
		{"/submission-api'", "'", ""},
		{"poll: 1ms", "poll: 0s", "poll"},
		{"poll: 1ms", "umgebung: dev", "umgebung"},
		{"poll: 1ms", "version: v3", "version"},
		{"poll: 1ms", "seite: 0", "seite"},
		{"poll: 1ms", "ags: '1'", "ags"},
		{"poll: 1ms", "accept: immer", "accept"},
		{"poll: 1ms", "eskalieren: 1h", "eskalieren"},
		{"poll: 1ms", "leistungen: ['1']", "leistungen"},
		{"poll: 1ms", "fachdaten: [{typ: a.b.v1}]", "fachdaten"},
		{"poll: 1ms", "fachdaten: [{schema: x, typ: de.antrag.eingereicht.v1}]", "fachdaten"},
		{"poll: 1ms", "nur-bekannte: true", "nur-bekannte"},
		{"poll: 1ms", "max-daten: 0", "max-daten"},
		{"poll: 1ms", "max-anlage: 0", "max-anlage"},
		{"poll: 1ms", "callback: {listen: '127.0.0.1:0'}", "callback.geheimnis"},
		{"poll: 1ms", "callback: {listen: '0.0.0.0:80', geheimnis: client}", "callback.zertifikat"},
		{"poll: 1ms", "ca: client", "ca"},
		{"poll: 1ms", "unbekannt: 1", "unbekannt"},
	} {
		changed := strings.Replace(good, c.old, c.with, 1)
		if changed == good {
			t.Fatal("nothing to change: ", c.old)
		}
		_, err := dataportSource(s, changed)
		if c.key == "" {
			if err != nil {
				t.Errorf("%s: %v", c.with, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: %v", c.with, err)
		}
	}
	env := s.env()
	env.Production = true
	if _, err := dataport.Kind().Source(env, s.settings("")); err == nil {
		t.Error("production takes plain HTTP")
	}
	if _, err := dataport.Kind().Source(s.env(), s.settings(", umgebung: test")); err != nil {
		t.Error(err)
	}
}
