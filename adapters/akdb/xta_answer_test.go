package akdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// answering are the settings of a register that has switched Rückweisungen on.
func (b *broker) answering(further string) adaptertest.Settings {
	s := string(b.settings(registerKey, ", rueckweisung: {senden: true}"+further))
	return adaptertest.Settings(replace(s, "autor: {kennung: 'mbp:020000019999'", "autor: {kennung: 'ags:09162000'"))
}

func (b *broker) answeringSource(t testing.TB, further string) hub.Source {
	t.Helper()
	s, err := akdb.XTA().Source(adaptertest.Env(b.dir), b.answering(further))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// faulty is an application with a code that there is not (S011).
func faulty(t testing.TB, n int) string {
	t.Helper()
	return replace(application(t, n), "<code>w<", "<code>f<")
}

// quiet says whether the box is empty and every Rückweisung has come to its end.
func (b *broker) quiet(t testing.TB) bool {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(b.dir, "rueckweisung", "*.0"))
	if err != nil {
		t.Fatal(err)
	}
	return len(left) == 0 && len(b.Waiting(registerKey)) == 0
}

// TestXTASentBack: what the sender can do something about goes back to it, when
// that is switched on; the message is kept and closed all the same.
func TestXTASentBack(t *testing.T) {
	t.Parallel()
	rejection := replace(sampleText(t, "xinneres/messages/rueckweisung.asynchron.0010.xml"), "ags:09162000", "ags:09999999")
	for name, c := range map[string]struct{ further, content, sent string }{
		"bad code":            {"", faulty(t, 1), "S011"},
		"wrong reader":        {"", replace(application(t, 1), registerKey, "ags:09999999"), "T080"},
		"not for this code":   {"codes", faulty(t, 1), ""},
		"switched off":        {"off", faulty(t, 1), ""},
		"no XML":              {"", "Guten Tag", ""},
		"no message":          {"", "<brief/>", ""},
		"a Rückweisung":       {"", rejection, ""},
		"a returned message":  {"", replace(replace(application(t, 1), "onlinedienste.anmeldung.meldeschein.1704", "administration.returntosender.0900"), registerKey, "ags:09999999"), ""},
		"no author to answer": {"", replace(faulty(t, 1), portalKey, "x"), ""},
		"too large to return": {"", faulty(t, 1) + "\n<!-- " + strings.Repeat("x", 9<<20) + " -->", ""},
		"accepted":            {"", application(t, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t, xtasim.Options{MTOM: true})
			settings := string(b.answering(""))
			switch c.further {
			case "codes":
				settings = replace(settings, "senden: true", "senden: true, codes: [X001]")
			case "off":
				settings = replace(settings, "senden: true", "senden: false")
			}
			s, err := akdb.XTA().Source(adaptertest.Env(b.dir), adaptertest.Settings(settings))
			if err != nil {
				t.Fatal(err)
			}
			b.Put(to(c.content))
			in := adaptertest.NewIntake()
			until(t, s, in, func() bool { return b.quiet(t) && b.Calls("getStatusList") > 4 })
			aside, err := reports(b.dir)
			if err != nil || len(aside)+len(in.Events()) != 1 {
				t.Error(aside, err, in.Events())
			}
			if c.sent != "" {
				b.sentBack(t, c.sent)
			} else if sent := b.Sent(); len(sent) != 0 {
				t.Error("was sent back:", string(sent[0].Message.Bytes))
			}
		})
	}
}

// sentBack looks at the one Rückweisung that was sent.
func (b *broker) sentBack(t *testing.T, code string) {
	t.Helper()
	sent := b.Sent()
	if len(sent) != 1 {
		t.Fatal(len(sent), "were sent")
	}
	m, content := sent[0].Meta(), sent[0].Message.Bytes
	if m.Author.Kennung != registerKey || m.Reader.Kennung != portalKey || m.Type.Code != "0010" || m.Service != "urn:dienst" ||
		m.Type.ListURI != "urn:de:xinneres:codeliste:nachrichtentyp" || len(m.InReplyTo) != 1 || !strings.Contains(string(content), m.InReplyTo[0]) {
		t.Errorf("%+v", m)
	}
	if complaint := interop.Lint(t, content, "data", "xoev", "xinneres", "schema", "xinneres-rueckweisung.xsd"); complaint != "" {
		t.Errorf("%s\n%s", complaint, content)
	}
	back := only(t, string(content))
	if back.Type() != "de.nachricht.zurueckgewiesen.v1" || back.Extensions()["correlationid"] != uuidOf(1) ||
		!strings.Contains(string(back.Data()), `"code":"`+code+`"`) {
		t.Errorf("comes back as %s", back)
	}
}

// TestXTASentBackRetries: whatever goes wrong on the way, a Rückweisung is sent
// once, under one message id, also when the hub is started anew in between.
func TestXTASentBackRetries(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"createMessageId", "sendMessage", "getTransportReport"} {
		for _, do := range []xtasim.Effect{"9030", xtasim.Timeout, xtasim.Drop, xtasim.Lost, "9014"} {
			t.Run(fmt.Sprint(on, " ", do), func(t *testing.T) {
				b := newBroker(t, xtasim.Options{})
				b.Order(xtasim.Order{On: on, Do: do, Times: 2})
				b.Put(to(faulty(t, 1)))
				in := adaptertest.NewIntake()
				for range 2 { // the first two starts end with the first failure
					before := b.Calls(on)
					until(t, b.answeringSource(t, patience(do)), in, func() bool { return b.Calls(on) > before || b.quiet(t) })
				}
				until(t, b.answeringSource(t, ""), in, func() bool { return b.quiet(t) })
				// who waits for a short time only asks for another id on a busy machine
				again := b.Calls("createMessageId") != 1 && on != "createMessageId" && do != xtasim.Timeout
				if sent := b.Sent(); len(sent) != 1 || again {
					t.Error(len(sent), "sent,", b.Calls("createMessageId"), "ids")
				}
				if aside, err := reports(b.dir); err != nil || len(aside) != 1 {
					t.Error(aside, err)
				}
			})
		}
	}
}

// TestXTASentBackApart: a Rückweisung that cannot be sent holds up nothing, whether
// the server never answers, fails, or refuses the account to send.
func TestXTASentBackApart(t *testing.T) {
	t.Parallel()
	for _, do := range []xtasim.Effect{xtasim.Timeout, "9030", "9013", "9014", xtasim.Unavailable} {
		t.Run(string(do), func(t *testing.T) {
			b := newBroker(t, xtasim.Options{})
			b.Order(xtasim.Order{On: "sendMessage", Do: do, Times: -1})
			b.Put(to(faulty(t, 1)))
			in := adaptertest.NewIntake()
			source := b.answeringSource(t, "")
			put := false
			until(t, source, in, func() bool {
				if !put && b.Calls("sendMessage") > 0 {
					b.Put(to(application(t, 2)))
					put = true
				}
				return put && len(in.Events()) == 1 && len(b.Waiting(registerKey)) == 0
			})
			waiting, err := filepath.Glob(filepath.Join(b.dir, "rueckweisung", uuidOf(1)+"*.0"))
			if err != nil || len(waiting) != 1 || len(b.Sent()) != 0 {
				t.Error("the Rückweisung does not wait:", waiting, err)
			}
			if (do == "9013" || do == "9014") && b.Calls("sendMessage") != 1 {
				t.Error(b.Calls("sendMessage"), "calls after the refusal")
			}
		})
	}
}

// TestXTASentBackRefused: one that is refused for good lies where people look, and
// is not sent again when its message comes again.
func TestXTASentBackRefused(t *testing.T) {
	t.Parallel()
	for code, order := range map[string]xtasim.Order{
		"xta-9050": {On: "sendMessage", Do: "9050"}, "xta-9060": {On: "sendMessage", Do: "9060"}, "xta-red": {On: "getTransportReport", Do: xtasim.Red},
	} {
		b := newBroker(t, xtasim.Options{})
		b.Order(order)
		b.Order(xtasim.Order{On: "close", Do: xtasim.Duplicate})
		b.Put(to(faulty(t, 1)))
		until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.quiet(t) && b.Calls("close") == 2 })
		b.lies(t, code)
		if b.Calls("sendMessage") != 1 {
			t.Error(b.Calls("sendMessage"), "times sent")
		}
	}
}

// TestXTASentBackGivenUp: one that has been tried for a week is laid where people
// look, however often the hub was started anew.
func TestXTASentBackGivenUp(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	b.Order(xtasim.Order{On: "sendMessage", Do: "9032", Times: -1})
	b.Put(to(faulty(t, 1)))
	until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.Calls("sendMessage") > 1 })
	records, err := filepath.Glob(filepath.Join(b.dir, "rueckweisung", "*.json"))
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	record, err := os.ReadFile(records[0])
	if err != nil {
		t.Fatal(err)
	}
	old := regexp.MustCompile(`"begun":"[^"]*"`).ReplaceAll(record, []byte(`"begun":"2026-01-01T00:00:00Z"`))
	if err := os.WriteFile(records[0], old, 0o600); err != nil || string(old) == string(record) {
		t.Fatal(string(record), err)
	}
	before := b.Calls("sendMessage")
	until(t, b.answeringSource(t, ""), adaptertest.NewIntake(), func() bool { return b.quiet(t) })
	b.lies(t, "xta-given-up")
	if b.Calls("sendMessage") != before {
		t.Error("it was sent after that time")
	}
}

// lies finds the Rückweisung that was set aside, with its reason.
func (b *broker) lies(t *testing.T, code string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "error", "rueckweisung_*.xml"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(content), "rueckweisung.asynchron.0010") {
		t.Error(string(content), err)
	}
	if report, err := os.ReadFile(files[0] + ".fehler.json"); err != nil || !strings.Contains(string(report), `"`+code+`"`) {
		t.Error(string(report), err)
	}
}

// TestXTASentBackOnce: the message comes again, with a new message id or other
// bytes, and has its answer already.
func TestXTASentBackOnce(t *testing.T) {
	t.Parallel()
	for _, do := range []xtasim.Effect{xtasim.Duplicate, xtasim.OtherBytes, xtasim.Forget, xtasim.Lost} {
		b := newBroker(t, xtasim.Options{MTOM: true})
		b.Order(xtasim.Order{On: "close", Do: do, Times: 3})
		b.Put(to(faulty(t, 1)))
		until(t, b.answeringSource(t, ", recover: 5ms"), adaptertest.NewIntake(), func() bool { return b.quiet(t) && len(b.Sent()) > 0 })
		if len(b.Sent()) != 1 {
			t.Error(do, len(b.Sent()), "sent")
		}
	}
}

func TestXTASentBackSettings(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	for key, change := range map[string][2]string{
		"kopf.autor.kennung": {"autor: {kennung: 'ags:09162000'", "autor: {kennung: 'ags:09184119'"},
		"services":           {"services: {'*': 'urn:dienst'}", "services: {'0201': 'urn:dienst'}"},
		"rueckweisung.codes": {"senden: true", "senden: true, codes: [T020]"},
	} {
		yaml := replace(string(b.answering("")), change[0], change[1])
		_, err := akdb.XTA().Source(adaptertest.Env(b.dir), adaptertest.Settings(yaml))
		if got, _, _ := strings.Cut(fmt.Sprint(err), ":"); got != key {
			t.Errorf("%s: %v", key, err)
		}
	}
}
