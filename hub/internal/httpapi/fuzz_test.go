package httpapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// judgeAll gives the verdict on a request: a code for each event, or for the whole.
func judgeAll(t *testing.T, d *Door, p *Principal, h http.Header, body []byte) string {
	t.Helper()
	m, r := modeOf(h)
	if r != nil {
		return string(r.Code)
	}
	msgs, r := messages(m, h, body)
	if r != nil {
		return string(r.Code)
	}
	req := &request{batch: m == batched, events: d.judge(p, msgs)}
	if problem := foreign(req); problem != nil {
		return string(problem.Code)
	}
	out := ""
	for _, o := range req.events {
		if o.verdict.Event == nil && o.code() == "" {
			t.Error("what is no event may pass")
		}
		if problem := o.problem(); problem != nil {
			if len(problem.Violations) == 0 || problem.body("de").Title == problem.body("en").Title {
				t.Errorf("%s says nothing", problem.Code)
			}
		}
		out += fmt.Sprint(o.code(), o.duplicate(), o.kept(false), statusOf(o.code()), ";")
	}
	return out
}

func fuzzDoor(tb testing.TB) (*Door, *Principal) {
	fed := hubtest.Federation(tb)
	app, _ := fed.Application("alpha.app")
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	return &Door{Index: index.New(), Now: func() time.Time { return at }}, &Principal{Application: app, Federation: fed}
}

// stable: the verdict on a request is the same each time, and comes.
func stable(t *testing.T, d *Door, p *Principal, h http.Header, body []byte) {
	t.Helper()
	first := judgeAll(t, d, p, h, body)
	for range 2 {
		if again := judgeAll(t, d, p, h, body); again != first {
			t.Errorf("%s, then %s", first, again)
		}
	}
}

// FuzzStructured: whatever the body of a structured or a batched request is.
func FuzzStructured(f *testing.F) {
	d, p := fuzzDoor(f)
	for _, s := range []string{
		`{"specversion":"1.0","id":"1","source":"urn:test:alpha:1","type":"de.test.ding.v1","data":{"n":1}}`, `[{"id":"1"},{}]`, `[]`, `[[{}]]`,
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	for _, s := range corpus.Seeds(f, "ce", "batch") {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, body []byte, batch bool) {
		h := http.Header{"Content-Type": {typeEvent}}
		if batch {
			h = http.Header{"Content-Type": {typeBatch}}
		}
		stable(t, d, p, h, body)
	})
}

// FuzzBinary: whatever the headers of a binary request are.
func FuzzBinary(f *testing.F) {
	d, p := fuzzDoor(f)
	f.Add("1", "de.test.ding.v1", "application/json", "Ce-Subject", `"a\"b"`, []byte(`{"n":1}`))
	f.Add(`"`, "*", "text/plain", "ce-ID", "%zz", []byte(nil))
	f.Add("1", "de.test.ding.v1", "application/cloudevents+json; charset=latin1", "Ce-Ä", "\x00", []byte(`{}`))
	for _, s := range corpus.Seeds(f, "payload") {
		f.Add("1", "de.test.ding.v1", "application/json", "Ce-Subject", "x", s)
	}
	f.Fuzz(func(t *testing.T, id, typ, contentType, name, value string, body []byte) {
		h := http.Header{
			"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {hubtest.Source}, "Ce-Type": {typ}, "Content-Type": {contentType},
		}
		h[name] = append(h[name], value)
		stable(t, d, p, h, body)
	})
}

// FuzzQuarantinePath: whatever stands in a link, and what it names is named by it.
func FuzzQuarantinePath(f *testing.F) {
	f.Add("AAAA")
	f.Add(QuarantinePath("urn:x", "1", decision.Ref{In: "EDGE_a", Seq: 1})[len("/quarantine/"):])
	f.Fuzz(func(t *testing.T, segment string) {
		source, id, at, ok := named(segment)
		if !ok {
			return
		}
		s2, id2, at2, ok := named(QuarantinePath(source, id, at)[len("/quarantine/"):])
		if !ok || s2 != source || id2 != id || at2 != at {
			t.Errorf("%q, %q, %v became %q, %q, %v", source, id, at, s2, id2, at2)
		}
	})
}
