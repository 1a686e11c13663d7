package phoenix_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	goodMatrix    = `{url: 'https://m.example.org', raeume: ['!a:m.example.org'], token: geheim}`
	goodNextcloud = `{url: 'https://n.example.org/nc', admin: amtsbote, passwort: geheim, benutzer: [kfz]}`
	goodMail      = `{server: 'mail.example.org:587', von: bote@example.org, an: [kfz@example.org], benutzer: bote, passwort: geheim}`
	goodWebDAV    = `{url: 'https://n.example.org/dav', benutzer: bote, passwort: geheim, ordner: eingang/bote}`
)

// TestSettings: what is wrong is named with its key, by the check as by the start.
func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "geheim", "x")
	production := env(dir)
	production.Production = true
	for _, c := range []struct {
		kind           hub.Kind
		good, old, new string
		want           string // "": it is good
	}{
		{phoenix.Matrix(), goodMatrix, "", "", ""},
		{phoenix.Nextcloud(), goodNextcloud, "", "", ""},
		{phoenix.Mail(), goodMail, "", "", ""},
		{phoenix.WebDAV(), goodWebDAV, "", "", ""},
		{phoenix.Matrix(), goodMatrix, "https://m", "http://m", "url: "},
		{phoenix.Matrix(), goodMatrix, "!a:m", "#a:m", "raeume: "},
		{phoenix.Matrix(), goodMatrix, "['!a:m.example.org']", "[]", "raeume: "},
		{phoenix.Matrix(), goodMatrix, "token: geheim", "benutzer: bote", "passwort: "},
		{phoenix.Matrix(), goodMatrix, "token: geheim", "token: geheim, benutzer: bote, passwort: geheim", "token: "},
		{phoenix.Matrix(), goodMatrix, "token: geheim", "benutzer: 'a b', passwort: geheim", "benutzer: "},
		{phoenix.Matrix(), goodMatrix, "token", "art: m.image, token", "art: "},
		{phoenix.Matrix(), goodMatrix, "token", "farbe: rot, token", "farbe"},
		{phoenix.Nextcloud(), goodNextcloud, "example.org/nc", "u:p@example.org", "url: "},
		{phoenix.Nextcloud(), goodNextcloud, "[kfz]", "['../kfz']", "benutzer: "},
		{phoenix.Nextcloud(), goodNextcloud, "[kfz]", "[..]", "benutzer: "},
		{phoenix.Nextcloud(), goodNextcloud, "admin: amtsbote", "admin: 'a:b'", "admin: "},
		{phoenix.Mail(), goodMail, ":587", "", "server: "},
		{phoenix.Mail(), goodMail, "{", "{sicherheit: keine, ", "sicherheit: "},
		{phoenix.Mail(), goodMail, "{", "{sicherheit: ssl, ", "sicherheit: "},
		{phoenix.Mail(), goodMail, "[kfz@example.org]", `["kfz@example.org\r\nBcc: x@example.org"]`, "an: "},
		{phoenix.Mail(), goodMail, "[kfz@example.org]", "['a@example.org, b@example.org']", "an: "},
		{phoenix.Mail(), goodMail, "bote@example.org", "'Bote <bote@example.org>'", "von: "},
		{phoenix.Mail(), goodMail, ", passwort: geheim", "", "passwort: "},
		{phoenix.WebDAV(), goodWebDAV, "eingang/bote", "../bote", "ordner: "},
		{phoenix.WebDAV(), goodWebDAV, "eingang/bote", "a//b", "ordner: "},
		{phoenix.WebDAV(), goodWebDAV, "benutzer: bote", "benutzer: 'b:o'", "benutzer: "},
		{phoenix.WebDAV(), goodWebDAV, "{", "{max-bytes: 0, ", "max-bytes: "},
		{phoenix.WebDAV(), goodWebDAV, "{", "{merken: 1h, ", "merken: "},
		{phoenix.Matrix(), goodMatrix, "{", "{sprache: fr, ", "sprache: "},
		{phoenix.Matrix(), goodMatrix, "{", `{name: "a\nb", `, "name: "},
		{phoenix.Matrix(), goodMatrix, "{", "{konsole: 'https://k.example.org/?x=1', ", "konsole: "},
		{phoenix.Matrix(), goodMatrix, "{", "{vorgang: 'v/{referenz}', ", "vorgang: "},
		{phoenix.Matrix(), goodMatrix, "{", "{konsole: 'https://k', vorgang: 'v/{person}', ", "vorgang: "},
		{phoenix.Matrix(), goodMatrix, "{", "{sammeln: -1s, ", "sammeln: "},
		{phoenix.Matrix(), goodMatrix, "{", "{frist: 0s, ", "frist: "},
		{phoenix.Matrix(), goodMatrix, "{", `{titel: {a: {de: "b\nc"}}, `, "titel: "},
		{phoenix.Matrix(), goodMatrix, "{", "{texte: {fr: {text: x}}, ", "texte.fr: "},
		{phoenix.Matrix(), goodMatrix, "{", "{texte: {de: {text: 'Für {data.person.name}'}}, ", "texte.de.text: "},
		{phoenix.Matrix(), goodMatrix, "{", "{texte: {de: {text: 'Für {{.Person}}'}}, ", "texte.de.text: "},
		{phoenix.Matrix(), goodMatrix, "{", "{texte: {de: {betreff: '{subject}'}}, ", "texte.de.betreff: "},
		{phoenix.Matrix(), goodMatrix, "{", "{texte: {en: {sammel-text: '{titel}'}}, ", "texte.en.sammel-text: "},
		{phoenix.Matrix(), goodMatrix, "{", `{texte: {de: {betreff: "a\nBcc: b"}}, `, "texte.de.betreff: "},
		{phoenix.Matrix(), goodMatrix, "{", "{texte: {de: {text: '" + strings.Repeat("x", 2001) + "'}}, ", "texte.de.text: "},
	} {
		text := adaptertest.Settings(strings.Replace(c.good, c.old, c.new, 1))
		_, checked := c.kind.Check(production, text)
		_, opened := c.kind.Sink(production, text)
		for _, err := range []error{checked, opened} {
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s: %v, want %q", c.kind.Name, text, err, c.want)
			}
		}
	}
}

// A secret that is missing is told at the start, without its path or content; the
// check, which opens nothing, does not need it.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "zwei", "eins\nzwei")
	for kind, good := range map[string]string{"matrix": goodMatrix, "nextcloud": goodNextcloud, "mail": goodMail, "webdav": goodWebDAV} {
		for _, k := range []hub.Kind{phoenix.Matrix(), phoenix.Nextcloud(), phoenix.Mail(), phoenix.WebDAV()} {
			if k.Name != kind {
				continue
			}
			for _, text := range []string{good, strings.Replace(good, ": geheim", ": zwei", 1), strings.Replace(good, "{", "{ca: fehlt, ", 1)} {
				_, err := k.Sink(env(dir), adaptertest.Settings(text))
				if err == nil || strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "eins") {
					t.Errorf("%s %s: %v", kind, text, err)
				}
				if _, err := k.Check(env(dir), adaptertest.Settings(text)); err != nil {
					t.Errorf("%s %s: check: %v", kind, text, err)
				}
			}
		}
	}
}
