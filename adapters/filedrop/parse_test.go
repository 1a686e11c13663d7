package filedrop

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/hub"
)

func TestParseKeepsDataAsItStands(t *testing.T) {
	cases := map[string]struct{ members, data string }{
		"number":         {`"data":12.50`, `12.50`},
		"long number":    {`"data":{"n":123456789012345678901234567890.10e-3}`, `{"n":123456789012345678901234567890.10e-3}`},
		"order, spaces":  {"\"data\" : { \"b\" :1,\n\t\"a\": [ ] } ", "{ \"b\" :1,\n\t\"a\": [ ] }"},
		"escapes":        {`"data":"\u00fc\/ü"`, `"\u00fc\/ü"`},
		"null":           {`"data":null`, `null`},
		"none":           {`"subject":"x"`, ``},
		"vnd+json":       {`"datacontenttype":"application/x+JSON; charset=utf-8","data":{"a":1.0}`, `{"a":1.0}`},
		"text":           {`"datacontenttype":"text/plain","data":"\u00fc\n"`, "ü\n"},
		"xml":            {`"data":"<a>1</a>","datacontenttype":"application/xml"`, "<a>1</a>"},
		"base64":         {`"datacontenttype":"application/pdf","data_base64":"JVBERg=="`, "%PDF"},
		"escaped base64": {`"data_base64":"\u004aVBERg==","datacontenttype":"application/pdf"`, "%PDF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, err := parse([]byte(eventWith(c.members)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.data, string(e.Data())); diff != "" {
				t.Error(diff)
			}
			again := reparse(t, e)
			if diff := cmp.Diff(c.data, string(again.Data())); diff != "" {
				t.Errorf("after format and parse: %s", diff)
			}
		})
	}
}

func TestParseAttributes(t *testing.T) {
	e, err := parse([]byte(eventWith(`"subject":"vorgang 7","time":"2026-11-03T08:15:00.5+01:00","dataschema":"urn:a:b",
		"xoevtest":true,"sequence":42,"ags":"09162000","dataref":null`)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"id": e.ID(), "source": e.Source(), "type": e.Type(), "subject": e.Subject(), "dataschema": e.DataSchema(),
		"time": e.Time().UTC().Format("15:04:05.0"), "extensions": e.Extensions(),
	}
	want := map[string]any{
		"id": "1", "source": "urn:test:a", "type": "de.test.v1", "subject": "vorgang 7", "dataschema": "urn:a:b",
		"time":       "07:15:00.5",
		"extensions": map[string]any{"xoevtest": true, "sequence": int32(42), "ags": "09162000"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	const geheim = "geheim"
	cases := map[string]struct{ content, code, text string }{
		"empty":            {"", "not-json", "ends too early"},
		"cut off":          {`{"id":"` + geheim, "not-json", ""},
		"byte order mark":  {"\uFEFF" + eventWith(`"data":1`), "not-json", "byte 0"},
		"no JSON":          {"<" + geheim + ">", "not-json", "byte 0"},
		"trailing":         {eventWith(`"data":1`) + geheim, "not-json", "something follows"},
		"second event":     {eventWith(`"data":1`) + eventWith(`"data":1`), "not-json", "something follows"},
		"duplicate":        {eventWith(`"data":1,"data":2`), "not-json", "stands twice"},
		"duplicate, deep":  {eventWith(`"data":[{"` + geheim + `":1,"` + geheim + `":2}]`), "not-json", "stands twice"},
		"duplicate, hid":   {eventWith(`"data":1,"d\u0061ta":2`), "not-json", "stands twice"},
		"not UTF-8":        {eventWith("\"data\":\"\xfc\""), "not-json", "byte"},
		"lone surrogate":   {eventWith(`"data":"\ud800"`), "not-json", "byte"},
		"array":            {`[` + eventWith(`"data":1`) + `]`, "not-an-event", "no JSON object"},
		"string":           {`"` + geheim + `"`, "not-an-event", "no JSON object"},
		"no specversion":   {`{"id":"1","source":"a","type":"b"}`, "not-an-event", "specversion"},
		"old specversion":  {`{"specversion":"0.3","id":"1","source":"a","type":"b"}`, "not-an-event", "specversion"},
		"specversion 1.0":  {`{"specversion":1.0,"id":"1","source":"a","type":"b"}`, "not-an-event", "specversion"},
		"nothing else":     {`{"specversion":"1.0"}`, "not-an-event", "missing or malformed: id, source, type"},
		"id no string":     {`{"specversion":"1.0","id":1,"source":"a","type":"b"}`, "not-an-event", "id must be a string"},
		"id with margin":   {`{"specversion":"1.0","id":" 1","source":"a","type":"b"}`, "not-an-event", "attribute id"},
		"source no URI":    {`{"specversion":"1.0","id":"1","source":"a:\u007f","type":"b"}`, "not-an-event", "source"},
		"source abnormal":  {`{"specversion":"1.0","id":"1","source":"URN:x:a","type":"b"}`, "not-an-event", "source"},
		"relative schema":  {eventWith(`"dataschema":"` + geheim + `"`), "not-an-event", "dataschema"},
		"media type":       {eventWith(`"datacontenttype":";` + geheim + `"`), "not-an-event", "datacontenttype"},
		"time":             {eventWith(`"time":"3.11.2026"`), "not-an-event", "time"},
		"time no string":   {eventWith(`"time":1`), "not-an-event", "time"},
		"attribute name":   {eventWith(`"Geheim":"1"`), "not-an-event", "[a-z0-9]"},
		"attribute umlaut": {eventWith(`"größe":"1"`), "not-an-event", "[a-z0-9]"},
		"attribute object": {eventWith(`"extra":{"a":"` + geheim + `"}`), "not-an-event", "attribute extra"},
		"fraction":         {eventWith(`"extra":1.0`), "not-an-event", "attribute extra"},
		"large integer":    {eventWith(`"extra":2147483648`), "not-an-event", "attribute extra"},
		"both data":        {eventWith(`"data":1,"data_base64":""`), "not-an-event", "both"},
		"base64 number":    {eventWith(`"data_base64":1`), "not-an-event", "data_base64"},
		"no base64":        {eventWith(`"data_base64":"?"`), "not-an-event", "data_base64"},
		"xml as object":    {eventWith(`"datacontenttype":"application/xml","data":{}`), "not-an-event", "must be a string"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(c.content))
			fault := hub.FaultOf(err)
			if fault == nil || !fault.Permanent || fault.Code != c.code {
				t.Fatalf("%v, want a Permanent Fault %s", err, c.code)
			}
			if text := err.Error(); !strings.Contains(text, c.text) || strings.Contains(text, geheim) {
				t.Errorf("text: %s\nwant %q in it, and nothing of the file", text, c.text)
			}
		})
	}
}

func eventWith(members string) string {
	return `{"specversion":"1.0","id":"1","source":"urn:test:a","type":"de.test.v1",` + members + `}`
}

func reparse(t *testing.T, e hub.Event) hub.Event {
	t.Helper()
	content, err := format(e)
	if err != nil {
		t.Fatalf("format what parse took: %v", err)
	}
	again, err := parse(content)
	if err != nil {
		t.Fatalf("parse what format wrote: %v\n%s", err, content)
	}
	return again
}

// FuzzParse: no file brings the parser down, what it refuses is refused for
// good, and what it takes travels to another folder and back unchanged.
func FuzzParse(f *testing.F) {
	for _, members := range []string{
		`"data":12.50`, `"data":{"a":[1,{"b":null}]}`, `"data_base64":"AA=="`, `"time":"2026-11-03T08:15:00Z"`,
		`"datacontenttype":"text/plain","data":"\u00fc"`, `"extra":-0`, `"subject":""`, `"xoevtest":false`,
		`"dataschema":"urn:x:%41"`, `"datacontenttype":"text/plain","data_base64":"/w=="`,
	} {
		f.Add([]byte(eventWith(members)))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := parse(content)
		if err != nil {
			if !hub.FaultOf(err).Permanent {
				t.Fatalf("not refused for good: %v", err)
			}
			return
		}
		again := reparse(t, e)
		if !bytes.Equal(e.Data(), again.Data()) {
			t.Errorf("data changed: %q, was %q", again.Data(), e.Data())
		}
		for _, pair := range [][2]string{
			{e.ID(), again.ID()},
			{e.Source(), again.Source()},
			{e.Type(), again.Type()},
			{e.Subject(), again.Subject()},
			{e.DataSchema(), again.DataSchema()},
			{e.DataContentType(), again.DataContentType()},
		} {
			if pair[0] != pair[1] {
				t.Errorf("an attribute changed: %q, was %q", pair[1], pair[0])
			}
		}
		if diff := cmp.Diff(e.Extensions(), again.Extensions()); diff != "" {
			t.Error(diff)
		}
		if !e.Time().Equal(again.Time()) {
			t.Errorf("time changed: %v, was %v", again.Time(), e.Time())
		}
	})
}

func TestNames(t *testing.T) {
	e := func(typ, id string) hub.Event {
		e, err := parse([]byte(eventWith(`"data":1`)))
		if err != nil {
			t.Fatal(err)
		}
		e.SetType(typ)
		e.SetID(id)
		return e
	}
	long := strings.Repeat("ä", 200)
	cases := []struct {
		typ, id, delivery, want string
	}{
		{"de.a.b.v1", "0190-AF", "", "de.a.b.v1_0190-AF.json"},
		{"de.a.b.v1", "1", "d1", "de.a.b.v1_1~" + digest("d1") + ".json"},
		{"a_b", "c", "", "a%5Fb_c.json"},
		{"a", "b_c", "", "a_b_c.json"},
		{".a", `../\:`, "", `%2Ea_%2E.%2F%5C%3A.json`},
		{"a", "1~2 %", "", "a_1%7E2%20%25.json"},
		{"a", long, "", ("a_" + strings.Repeat("%C3%A4", 200))[:maxStem-17] + "~" + digest("a_"+strings.Repeat("%C3%A4", 200)) + ".json"},
	}
	seen := map[string]bool{}
	for _, c := range cases {
		got := nameFor(e(c.typ, c.id), c.delivery)
		if got != c.want {
			t.Errorf("type %q, id %q: %s, want %s", c.typ, c.id, got, c.want)
		}
		if len(got) > 200 || seen[got] {
			t.Errorf("%s is too long or stands twice", got)
		}
		seen[got] = true
	}
}

func TestFormatBinaryText(t *testing.T) {
	e, err := parse([]byte(eventWith(`"datacontenttype":"text/plain","data":"x"`)))
	if err != nil {
		t.Fatal(err)
	}
	e.DataEncoded = []byte("\xfc")
	if again := reparse(t, e); !bytes.Equal(again.Data(), e.Data()) {
		t.Errorf("data: %q", again.Data())
	}
}
