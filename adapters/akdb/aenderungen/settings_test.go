package aenderungen_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/aenderungen"
)

func TestSettings(t *testing.T) {
	const good = `{source: 'urn:x', geheimnis: g, kafka: {broker: ['b:1']}}`
	const read = `{source: 'urn:x', geheimnis: g, anreichern: gruppen, kafka: {broker: ['b:1']}, register: {url: 'https://e/r', benutzerid: '8'}}`
	for _, ok := range []string{good, read} {
		if _, err := aenderungen.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(ok)); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct{ from, old, new, want string }{
		{good, `source: 'urn:x', `, ``, "source"},
		{good, `geheimnis: g, `, ``, "geheimnis"},
		{good, `broker: ['b:1']`, ``, "kafka.broker"},
		{good, `['b:1']`, `['b:1'], topics: '('`, "kafka.topics"},
		{good, `['b:1']`, `['b:1'], beginn: morgen`, "kafka.beginn"},
		{good, `['b:1']`, `['b:1'], gruppe: ''`, "kafka.gruppe"},
		{good, `['b:1']`, `['b:1'], zertifikat: z`, "kafka.schluessel"},
		{good, `['b:1']`, `['b:1'], klartext: true`, "kafka.klartext"},
		{good, `geheimnis: g`, `geheimnis: g, ags: '1'`, "ags"},
		{good, `geheimnis: g`, `geheimnis: g, dataref: 'https://x/'`, "dataref"},
		{good, `geheimnis: g`, `geheimnis: g, einstufung: geheim`, "einstufung"},
		{good, `geheimnis: g`, `geheimnis: g, vorgang-dauer: 0s`, "vorgang-dauer"},
		{good, `geheimnis: g`, `geheimnis: g, ordnungsmerkmal: '('`, "ordnungsmerkmal"},
		{good, `geheimnis: g`, `geheimnis: g, anreichern: alles`, "anreichern"},
		{good, `geheimnis: g`, `geheimnis: g, versuche: 0`, "versuche"},
		{good, `geheimnis: g`, `geheimnis: g, warten: 2m`, "hoechstens"},
		{good, `geheimnis: g`, `geheimnis: g, abgelegt: ''`, "abgelegt"},
		{good, `geheimnis: g`, `geheimnis: g, geheim: h`, "geheim"},
		{read, `geheimnis: g`, `geheimnis: g, auskunft: {listen: x}`, "auskunft.listen"},
		{read, `geheimnis: g`, `geheimnis: g, auskunft: {listen: '0.0.0.0:1'}`, "auskunft.zertifikat"},
		{read, `geheimnis: g`, `geheimnis: g, auskunft: {listen: '127.0.0.1:1', zertifikat: z}`, "auskunft.schluessel"},
		{good, `geheimnis: g`, `geheimnis: g, auskunft: {listen: '127.0.0.1:1'}`, "register.url"},
		{read, `, benutzerid: '8'`, ``, "register.benutzerid"},
		{read, `url: 'https://e/r', `, ``, "register.url"},
		{read, `https://e/r`, `https://u:p@e/r`, "register.url"},
		{read, `https://e/r`, `http://e/r`, "register.url"},
		{read, `benutzerid: '8'`, `benutzerid: '8', benutzer: b`, "register.passwort"},
		{read, `benutzerid: '8'`, `benutzerid: '8', zertifikat: b`, "register.schluessel"},
		{read, `benutzerid: '8'`, `benutzerid: '8', frist: 0s`, "register.frist"},
		{read, `benutzerid: '8'`, `benutzerid: '8', protokoll: ftp`, "register.protokoll"},
		{read, `benutzerid: '8'`, `benutzerid: '8', protokoll: soap}, auskunft: {listen: '127.0.0.1:1'`, "register.protokoll"},
	} {
		env := adaptertest.Env(t.TempDir())
		env.Production = true
		text := strings.Replace(c.from, c.old, c.new, 1)
		_, err := aenderungen.Kind().Source(env, adaptertest.Settings(text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error at %s", text, err, c.want)
		}
	}
}

// What only a start can find out is an error of Run.
func TestStart(t *testing.T) {
	c := newCity(t, true)
	c.write(t, "geheimnis", "kurz")
	src, err := c.source(c.settings("keine"))
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Run(t.Context(), adaptertest.NewIntake()); err == nil || !strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "kurz") {
		t.Errorf("a short secret: %v", err)
	}
	src, err = c.source(strings.Replace(c.settings("keine"), "geheimnis: geheimnis", "geheimnis: fehlt", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Run(t.Context(), adaptertest.NewIntake()); err == nil {
		t.Error("a missing secret is no error")
	}
}
