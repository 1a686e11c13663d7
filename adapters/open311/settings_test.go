package open311_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311"
)

func TestSettings(t *testing.T) {
	const good = "url: https://e.example/georeport/v2\nsource: urn:x\n"
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	check := open311.Kind().Check
	if _, err := check(env, adaptertest.Settings(good)); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ more, want string }{
		{"dialect: fixmeinestadt", "dialect"},
		{"url: ''", "url"},
		{"url: http://e.example", "url"},
		{"url: https://a:b@e.example", "url"},
		{"url: https://e.example?x=1", "url"},
		{"format: csv", "format"},
		{"timeout: 1ms", "timeout"},
		{"max-bytes: 1", "max-bytes"},
		{"source: ''", "source"},
		{"ags: '9162'", "ags"},
		{"dir: ''", "dir"},
		{"poll: 0s", "poll"},
		{"overlap: 0s", "overlap"},
		{"sweep: 1s", "sweep"},
		{"lookback: 1m", "lookback"},
		{"since: 9000h", "since"},
		{"zone: Mond/Krater", "zone"},
		{"notes: laut", "notes"},
		{"visible-after: -1s", "visible-after"},
		{"mode: beides", "mode"},
		{"email: a@b.example", "email"},
		{"mode: forward\ndialect: klarschiff", "email"},
		{"mode: forward\nmedia: {hosts: [a.example]}", "media"},
		{"media: {}", "media.hosts"},
		{"media: {hosts: ['https://a.example']}", "media.hosts"},
		{"media: {hosts: [a.example], max-bytes: -1}", "media.max-bytes"},
		{"details: {limit: 1}", "details.limit"},
		{"details: {offset-parameter: offset}", "details.limit-parameter"},
		{"details: {updated-from: seit}", "details.updated-to"},
		{"details: {per-minute: -1}", "details.per-minute"},
		{"details: {open: []}", "details.open"},
		{"details: {write: mail}", "details.write"},
		{"details: {write: update}", "details.updates"},
		{"details: {lookup: raten}", "details.lookup"},
		{"details: {rejected: {NEIN: keine-lust}}", "details.rejected"},
		{"unbekannt: 1", "yaml"},
	} {
		text := good
		for line := range strings.SplitSeq(c.more, "\n") {
			key, _, _ := strings.Cut(line, ":")
			if _, rest, ok := strings.Cut(text, key+": "); ok && !strings.Contains(key, " ") {
				old, _, _ := strings.Cut(rest, "\n")
				text = strings.Replace(text, key+": "+old+"\n", "", 1)
			}
			text += line + "\n"
		}
		if _, err := check(env, adaptertest.Settings(text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error at %s", c.more, err, c.want)
		}
	}
	for _, c := range []struct{ more, want string }{{"api-key-file: fehlt", "api-key-file"}, {"ca: fehlt", "ca"}} {
		if _, err := open311.Kind().Source(env, adaptertest.Settings(good+c.more)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.more, err)
		}
	}
	if _, err := open311.Kind().Sink(env, adaptertest.Settings(good)); err == nil || !strings.HasPrefix(err.Error(), "details.write") {
		t.Errorf("a portal that takes no status: %v", err)
	}
}
