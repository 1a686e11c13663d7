package zms_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/zms"
)

func TestSettings(t *testing.T) {
	const good = "source: 'urn:x', zms: {url: 'https://zms.example.org/terminvereinbarung/api/2'}"
	const scopes = ", scopes: [{id: '58', dienststelle: '1'}]"
	for _, c := range []struct{ yaml, want string }{
		{"{zms: {url: 'https://x'}}", "source"},
		{"{source: 'urn:x'}", "zms.url"},
		{"{" + good + "}", "scopes"},
		{"{" + good + ", scopes: [{id: 58a, dienststelle: '1'}]}", "scopes.0.id"},
		{"{" + good + ", scopes: [{id: '58', dienststelle: '1'}, {id: '58', dienststelle: '1'}]}", "scopes.1.id"},
		{"{" + good + ", scopes: [{id: '58'}]}", "scopes.0.dienststelle"},
		{"{" + good + scopes + ", tage: {zurueck: -1}}", "tage"},
		{"{" + good + scopes + ", tage: {voraus: 1000}}", "tage"},
		{"{" + good + scopes + ", status: [abgesagt]}", "status"},
		{"{" + good + scopes + ", poll: 0s}", "poll"},
		{"{" + good + scopes + ", abstand: -1s}", "abstand"},
		{"{" + good + scopes + ", ags: '0916'}", "ags"},
		{"{" + good + scopes + ", konto: {name: a}}", "konto"},
		{"{" + good + scopes + ", unbekannt: 1}", "unbekannt"},
	} {
		if _, err := zms.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(c.yaml)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("source %s: %v", c.yaml, err)
		}
	}
	for _, c := range []struct{ yaml, want string }{
		{"dienste: [{leika: '1', leistung: '1', scope: '1', dienststelle: '1'}]", "buchung.dienste.0.leika"},
		{"dienste: [{leika: '99115005070000', leistung: '1'}]", "buchung.dienste.0"},
		{"dienste: [{leika: '99115005070000', leistung: '1', scope: '1', dienststelle: '1', quelle: 'A B'}]", "quelle"},
		{"kunde: {name: ''}", "buchung.kunde.name"},
		{"vorlauf: -1h", "buchung.vorlauf"},
		{"voraus: 0", "buchung.voraus"},
		{"reservierung: 1s", "buchung.reservierung"},
	} {
		yaml := "{" + good + ", buchung: {" + c.yaml + "}}"
		if _, err := zms.Kind().Sink(adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("sink %s: %v", c.yaml, err)
		}
	}
}
