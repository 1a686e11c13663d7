package accept

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// secret stands in the values of all inputs here. It is in no refusal.
const secret = "GEHEIM7"

// ev is a structured event with these members, beside the required attributes.
func ev(members string) string {
	return `{"specversion":"1.0","id":"` + secret + `","source":"urn:x:` + secret + `","type":"` + secret + `",` + members + `}`
}

// core is a structured event whose attribute name is value, both as in JSON.
func core(name, value string) string {
	all := map[string]string{"specversion": `"1.0"`, "id": `"` + secret + `"`, "source": `"urn:x"`, "type": `"t"`}
	all[name] = value
	var parts []string
	for _, n := range []string{"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "sequence", "tracestate"} {
		if v, ok := all[n]; ok {
			parts = append(parts, `"`+n+`":`+v)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func deepData(n int) string {
	return ev(`"data":` + strings.Repeat("[", n) + `"` + secret + `"` + strings.Repeat("]", n))
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"x%d":"%s",`, i, secret)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// TestHostileStructured: what is right here is what RFC 8259, CloudEvents 1.0.2
// and its JSON format, RFC 3339 and RFC 3986 say; "" passes the gate.
func TestHostileStructured(t *testing.T) {
	for _, c := range []struct {
		name, body string
		code       refusal.Code
	}{
		// JSON (RFC 8259)
		{"twice through an escape, deep", ev(`"data":{"a":[{"b":{"n":"` + secret + `","\u006e":1}}]}`), refusal.DuplicateKey},
		{"twice through a surrogate pair", ev(`"data":{"😀":1,"\ud83d\ude00":"` + secret + `"}`), refusal.DuplicateKey},
		{"data twice through an escape", ev(`"data":1,"d\u0061ta":"` + secret + `"`), refusal.DuplicateKey},
		{"names in two normal forms are two", ev(`"data":{"\u00e4":1,"a\u0308":2}`), ""},
		{"empty name in data", ev(`"data":{"":"` + secret + `"}`), ""},
		{"empty name twice in data", ev(`"data":{"":1,"":"` + secret + `"}`), refusal.DuplicateKey},
		{"__proto__ in data", ev(`"data":{"__proto__":{"` + secret + `":1}}`), ""},
		{"__proto__ as an attribute", ev(`"__proto__":{"a":"` + secret + `"}`), refusal.CEAttrName},
		{"lone surrogate in a value", ev(`"data":{"a":"` + secret + `\ud800"}`), refusal.CESurrogate},
		{"lone surrogate in a name", ev(`"data":{"` + secret + `\udfff":1}`), refusal.CESurrogate},
		{"surrogates in the wrong order", ev(`"subject":"\udc00\ud800"`), refusal.CESurrogate},
		{"a name that reads like an error", ev(`"data":{"surrogate depth":tru}`), refusal.JSONSyntax},
		{"a value after a name that reads like an error", ev(`"data":{"invalid surrogate pair":{"exceeded max depth":nul}}`), refusal.JSONSyntax},
		{"NUL in data is text", ev(`"data":"a\u0000` + secret + `"`), ""},
		{"NUL in an attribute", ev(`"subject":"a\u0000` + secret + `"`), refusal.CEControlChar},
		{"raw control character", ev("\"data\":\"a\x01" + secret + "\""), refusal.JSONSyntax},
		{"raw line feed in a text", ev("\"data\":\"a\n" + secret + "\""), refusal.JSONSyntax},
		{"NUL behind the event", ev(`"data":1`) + "\x00", refusal.JSONTrailing},
		{"second event behind the event", ev(`"data":1`) + ev(`"data":2`), refusal.JSONTrailing},
		{"comma behind the event", ev(`"data":1`) + ",", refusal.JSONTrailing},
		{"white space behind the event", ev(`"data":1`) + " \r\n\t", ""},
		{"form feed behind the event", ev(`"data":1`) + "\f", refusal.JSONTrailing},
		{"byte order mark", "\xef\xbb\xbf" + ev(`"data":1`), refusal.JSONSyntax},
		{"UTF-16", "\xff\xfe{\x00}\x00", refusal.UTF8Invalid},
		{"UTF-16 without mark", "{\x00\"\x00a\x00\"\x00", refusal.JSONSyntax},
		{"overlong NUL", ev("\"data\":\"\xc0\x80\""), refusal.UTF8Invalid},
		{"surrogate in UTF-8", ev("\"data\":\"\xed\xa0\x80\""), refusal.UTF8Invalid},
		{"beyond Unicode", ev("\"data\":\"\xf4\x90\x80\x80\""), refusal.UTF8Invalid},
		{"trailing comma", ev(`"data":{"a":1,}`), refusal.JSONSyntax},
		{"comment", ev(`"data":{"a":1/*` + secret + `*/}`), refusal.JSONSyntax},
		{"line comment", ev("\"data\":{}//" + secret + "\n"), refusal.JSONSyntax},
		{"single quotes", ev(`"data":{'a':1}`), refusal.JSONSyntax},
		{"Infinity", ev(`"data":-Infinity`), refusal.JSONSyntax},
		{"hexadecimal", ev(`"data":0x1F`), refusal.JSONSyntax},
		{"leading zero", ev(`"data":01`), refusal.JSONSyntax},
		{"plus sign", ev(`"data":+1`), refusal.JSONSyntax},
		{"no digit before the point", ev(`"data":.5`), refusal.JSONSyntax},
		{"no digit behind the point", ev(`"data":5.`), refusal.JSONSyntax},
		{"True", ev(`"data":True`), refusal.JSONSyntax},
		{"unknown escape", ev(`"data":"\x41"`), refusal.JSONSyntax},
		{"-0", ev(`"data":[-0,-0.0,0e-0]`), ""},
		{"1e400", ev(`"data":1e400`), ""},
		{"1e401", ev(`"data":{"a":[1e401]}`), refusal.NumberLimit},
		{"1E-401", ev(`"data":1E-401`), refusal.NumberLimit},
		{"exponent with zeros before it", ev(`"data":1e+0000000000400`), ""},
		{"exponent beyond an int", ev(`"data":1e99999999999999999999`), refusal.NumberLimit},
		{"whole number of 64 digits", ev(`"data":` + strings.Repeat("9", 64)), ""},
		{"whole number of 65 digits", ev(`"data":` + strings.Repeat("9", 65)), refusal.NumberLimit},
		{"fraction of 70 digits", ev(`"data":0.` + strings.Repeat("3", 70)), refusal.NumberLimit},
		{"a long number in a text is no number", ev(`"data":"` + strings.Repeat("9", 900) + `"`), ""},
		{"number behind an escaped quote", ev(`"data":["\\\"",1e999]`), refusal.NumberLimit},
		{"data 64 deep", deepData(64), ""},
		{"data 65 deep", deepData(65), refusal.JSONDepth},
		{"data 100 000 deep", ev(`"data":` + strings.Repeat("[", 100_000)), refusal.JSONDepth},
		{"objects 65 deep", ev(`"data":` + strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65)), refusal.JSONDepth},
		{"extension 100 000 deep", ev(`"ext":` + strings.Repeat("[", 100_000)), refusal.CEType},
		{"10 000 names in data", ev(`"data":{` + manyNames(10_000) + `}`), ""},
		{"256 attributes", ev(manyNames(MaxAttributes - 4)), ""},
		{"257 attributes", ev(manyNames(MaxAttributes - 3)), refusal.CELimit},
		{"10 000 attributes", ev(manyNames(10_000)), refusal.CELimit},
		{"a very long name in data", ev(`"data":{"` + strings.Repeat("n", 200_000) + `":1}`), ""},
		{"a very long attribute name", ev(`"` + strings.Repeat("n", 200_000) + `":1`), refusal.CEAttrName},
		{"array", "[" + ev(`"data":1`) + "]", refusal.ModeMismatch},
		{"array behind white space", " \n[" + ev(`"data":1`) + "]", refusal.ModeMismatch},
		{"empty", "", refusal.ModeMismatch},
		{"only white space", " ", refusal.JSONSyntax},

		// attributes (CloudEvents 3)
		{"SOURCE beside source", ev(`"SOURCE":"urn:y"`), refusal.CEAttrName},
		{"Id beside id", ev(`"Id":"2"`), refusal.CEAttrName},
		{"datacontentType", ev(`"datacontentType":"text/xml"`), refusal.CEAttrName},
		{"full-width name", ev(`"ｉｄ":"2"`), refusal.CEAttrName},
		{"name of 32", ev(`"` + strings.Repeat("n", 32) + `":"x"`), ""},
		{"name of 33", ev(`"` + strings.Repeat("n", 33) + `":"x"`), refusal.CEAttrName},
		{"Data", ev(`"Data":{"a":"` + secret + `"}`), refusal.CEAttrName},
		{"id that is null", core("id", "null"), refusal.CERequired},
		{"id of 256", core("id", `"`+strings.Repeat("x", 256)+`"`), ""},
		{"id of 257", core("id", `"`+strings.Repeat("x", 257)+`"`), refusal.CELimit},
		{"id that is true", core("id", "true"), refusal.CEType},
		{"id with a bidi override is text", core("id", `"\u202e`+secret+`"`), ""},
		{"id with combining characters is text", core("id", `"e\u0301\u0300"`), ""},
		{"id U+FFFF", core("id", `"\uffff"`), refusal.CENonchar},
		{"id U+1FFFE", core("id", `"\ud83f\udffe"`), refusal.CENonchar},
		{"id U+10FFFF", core("id", `"\udbff\udfff"`), refusal.CENonchar},
		{"id U+FDD0", core("id", `"\ufdd0"`), refusal.CENonchar},
		{"id U+0085", core("id", `"\u0085"`), refusal.CEControlChar},
		{"id DEL", core("id", `"\u007f"`), refusal.CEControlChar},
		{"subject with zero-width space is text", core("subject", `"\u200b"`), ""},
		{"subject empty", core("subject", `""`), refusal.CERequired},
		{"subject null", core("subject", `null`), ""},
		{"specversion 0.3", core("specversion", `"0.3"`), refusal.CESpecVersion},
		{"specversion 1.0.2", core("specversion", `"1.0.2"`), refusal.CESpecVersion},
		{"specversion 1.0 as a number", core("specversion", `1.0`), refusal.CEType},
		{"specversion with a space", core("specversion", `"1.0 "`), refusal.CESpecVersion},
		{"sequence 1e2", core("sequence", `1e2`), refusal.CEType},
		{"sequence 2147483647", core("sequence", `2147483647`), ""},
		{"sequence -2147483649", core("sequence", `-2147483649`), refusal.CEIntRange},
		{"sequence of 100 000 digits", core("sequence", strings.Repeat("9", 100_000)), refusal.CEIntRange},
		{"tracestate of 1024", core("tracestate", `"`+strings.Repeat("x", 1024)+`"`), ""},
		{"tracestate of 1025", core("tracestate", `"`+strings.Repeat("x", 1025)+`"`), refusal.CELimit},

		// URIs (RFC 3986)
		{"source with a zero-width space", core("source", `"urn:x:a\u200b"`), refusal.CEURI},
		{"source with a bidi override", core("source", `"urn:x:\u202ea"`), refusal.CEURI},
		{"source with a soft hyphen", core("source", `"urn:x:a\u00ad"`), refusal.CEURI},
		{"source with a no-break space", core("source", `"urn:x:a\u00a0"`), refusal.CEURI},
		{"source with a line separator", core("source", `"urn:x:a\u2028"`), refusal.CEURI},
		{"source with a variation selector", core("source", `"urn:x:a\ufe0f"`), refusal.CEURI},
		{"source with an umlaut", core("source", `"urn:x:ä"`), ""},
		{"source with %0a", core("source", `"urn:x:%0a"`), ""},
		{"source with a bad percent", core("source", `"urn:x:%0g"`), refusal.CEURI},
		{"source with a port that is none", core("source", `"http://x:y/"`), refusal.CEURI},
		{"source with a control character", core("source", `"urn:x:\u0009"`), refusal.CEControlChar},
		{"source relative", core("source", `"/a/b"`), ""},
		{"dataschema empty", core("dataschema", `""`), refusal.CERequired},
		{"dataschema without scheme", core("dataschema", `"//host/a"`), refusal.CEURI},
		{"dataschema a fragment", core("dataschema", `"#a"`), refusal.CEURI},
		{"dataschema with a space", core("dataschema", `"urn:a b"`), refusal.CEURI},
		{"dataschema javascript", core("dataschema", `"javascript:alert(1)"`), ""}, // another stage: never looked up

		// time (RFC 3339)
		{"time in lower case", core("time", `"2026-01-01t00:00:00z"`), ""},
		{"time with offset", core("time", `"2026-01-01T00:00:00.123456789012345678+05:30"`), ""},
		{"time with unknown offset", core("time", `"2026-01-01T00:00:00-00:00"`), ""},
		{"leap second", core("time", `"2016-12-31T23:59:60Z"`), ""},
		{"leap second elsewhere on Earth", core("time", `"1990-12-31T15:59:60.5-08:00"`), ""},
		{"leap second at noon", core("time", `"2016-12-31T12:59:60Z"`), refusal.CETime},
		{"leap second within a month", core("time", `"2016-12-30T23:59:60Z"`), refusal.CETime},
		{"second 61", core("time", `"2016-12-31T23:59:61Z"`), refusal.CETime},
		{"year 0000", core("time", `"0000-01-01T00:00:00Z"`), ""},
		{"year 10000", core("time", `"10000-01-01T00:00:00Z"`), refusal.CETime},
		{"year -001", core("time", `"-001-01-01T00:00:00Z"`), refusal.CETime},
		{"time without zone", core("time", `"2026-01-01T00:00:00"`), refusal.CETime},
		{"time with a space", core("time", `"2026-01-01 00:00:00Z"`), refusal.CETime},
		{"hour of one digit", core("time", `"2026-01-01T0:00:00Z"`), refusal.CETime},
		{"comma before the fraction", core("time", `"2026-01-01T00:00:00,5Z"`), refusal.CETime},
		{"point without fraction", core("time", `"2026-01-01T00:00:00.Z"`), refusal.CETime},
		{"offset of 24 hours", core("time", `"2026-01-01T00:00:00+24:00"`), refusal.CETime},
		{"offset without colon", core("time", `"2026-01-01T00:00:00+0100"`), refusal.CETime},
		{"hour 24", core("time", `"2026-01-01T24:00:00Z"`), refusal.CETime},
		{"29 February of a common year", core("time", `"2026-02-29T00:00:00Z"`), refusal.CETime},
		{"29 February 2000", core("time", `"2000-02-29T00:00:00Z"`), ""},
		{"time only a date", core("time", `"2026-01-01"`), refusal.CETime},
		{"time empty", core("time", `""`), refusal.CERequired},
		{"time in Arabic digits", core("time", `"٢٠٢٦-01-01T00:00:00Z"`), refusal.CETime},
		{"time a number", core("time", `1767225600`), refusal.CEType},

		// data (JSON format 3.1)
		{"base64 without padding", ev(`"data_base64":"QQ","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 with too much padding", ev(`"data_base64":"QQ===","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 with padding within", ev(`"data_base64":"QQ==QQ==","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 with spare bits", ev(`"data_base64":"QR==","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 with a line end", ev(`"data_base64":"QU\nJD","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 with a space", ev(`"data_base64":"QU JD","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 for URLs", ev(`"data_base64":"-_-_","datacontenttype":"application/pdf"`), refusal.CEBase64},
		{"base64 that is null", ev(`"data_base64":null`), refusal.CEBase64},
		{"base64 that is an object", ev(`"data_base64":{"a":"` + secret + `"}`), refusal.CEBase64},
		{"base64 of JSON with a name twice", ev(`"data_base64":"eyJhIjoxLCJhIjoyfQ=="`), refusal.DuplicateKey},
		{"base64 of JSON and more", ev(`"data_base64":"e317fQ=="`), refusal.JSONTrailing},
		{"base64 of no JSON", ev(`"data_base64":"AAEC"`), refusal.JSONSyntax},
		{"base64 of JSON with a byte order mark", ev(`"data_base64":"77u/e30="`), refusal.JSONSyntax},
		{"data null and base64", ev(`"data":null,"data_base64":"e30="`), refusal.DataTwice},
		{"base64 and data null", ev(`"data_base64":"e30=","data":null`), refusal.DataTwice},
		{"object as XML", ev(`"data":{"a":"` + secret + `"},"datacontenttype":"text/xml"`), refusal.MediaTypeMismatch},
		{"media type without subtype", core("datacontenttype", `"application"`), refusal.CEMediaType},
		{"two media types", core("datacontenttype", `"application/json, text/xml"`), refusal.CEMediaType},
		{"an event within", core("datacontenttype", `"application/cloudevents+json"`), refusal.CEMediaType},
		{"media type with charset utf-8", ev(`"data":{},"datacontenttype":"application/json; charset=UTF-8"`), ""},
		{"media type with charset utf-16", ev(`"data":{"a":"` + secret + `"},"datacontenttype":"application/json; charset=utf-16"`), refusal.MediaTypeMismatch},
		{"media type with two charsets", ev(`"data":{},"datacontenttype":"application/json; charset=utf-8; charset=utf-7"`), refusal.CEMediaType},
	} {
		t.Run(c.name, func(t *testing.T) {
			judge(t, map[string][]string{"Content-Type": {"application/cloudevents+json"}}, c.body, c.code)
		})
	}
}

// TestHostileHeaders does the same for what NATS carries beside the body.
func TestHostileHeaders(t *testing.T) {
	with := func(more map[string][]string) map[string][]string {
		h := map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {secret}, "ce-source": {"urn:x:" + secret}, "ce-type": {"t"}, "content-type": {"application/json"},
		}
		for name, values := range more {
			delete(h, name)
			if values != nil {
				h[name] = values
			}
		}
		return h
	}
	one := func(name, value string) map[string][]string { return with(map[string][]string{name: {value}}) }
	typed := func(contentType string) map[string][]string {
		return map[string][]string{"content-type": {contentType}}
	}
	many := func(n int) map[string][]string {
		h := map[string][]string{}
		for i := range n {
			h[fmt.Sprint("ce-x", i)] = []string{secret}
		}
		return h
	}
	twice := many(20_000)
	twice["CE-X19999"] = []string{secret}
	repeated := many(MaxAttributes - 4)
	repeated["content-type"] = []string{"application/cloudevents+json"}
	repeatedNot := maps.Clone(repeated)
	repeatedNot["ce-x1"] = []string{"other"}
	body := `{"a":"` + secret + `"}`
	for _, c := range []struct {
		name   string
		header map[string][]string
		body   string
		code   refusal.Code
	}{
		{"plain", with(nil), body, ""},
		{"upper case", with(map[string][]string{"ce-id": nil, "CE-ID": {secret}}), body, ""},
		{"an attribute twice", with(map[string][]string{"ce-id": {"1", secret}}), body, refusal.DuplicateHeader},
		{"an attribute twice in two cases", one("Ce-Id", secret), body, refusal.DuplicateHeader},
		{"an attribute without value", with(map[string][]string{"ce-id": {}}), body, refusal.DuplicateHeader},
		{"content type twice", with(map[string][]string{"content-type": {"application/json", "text/xml"}}), body, refusal.DuplicateHeader},
		{"content type twice in two cases, one empty", with(map[string][]string{"content-type": {"application/json"}, "Content-Type": {""}}), body, refusal.DuplicateHeader},
		{"content type twice in two cases, the other empty", with(map[string][]string{"content-type": {""}, "Content-Type": {"application/json"}}), body, refusal.DuplicateHeader},
		{"name with a Kelvin sign", one("ce-\u212aey", secret), body, refusal.CEAttrName},
		{"name with a dash", one("ce-a-b", secret), body, refusal.CEAttrName},
		{"name empty", one("ce-", secret), body, refusal.CEAttrName},
		{"attribute data", one("ce-data", secret), body, refusal.CEAttrName},
		{"attribute data_base64", one("ce-data_base64", secret), body, refusal.CEAttrName},
		{"256 attributes and a content type", with(many(MaxAttributes - 4)), body, ""},
		{"257 attributes", with(many(MaxAttributes - 3)), body, refusal.CELimit},
		{"20 000 attributes", with(many(20_000)), body, refusal.CELimit},
		{"20 000 attributes, one of them twice in two cases", with(twice), body, refusal.DuplicateHeader},
		{"empty id", one("ce-id", ""), body, refusal.CERequired},
		{"empty subject", one("ce-subject", ""), body, refusal.CERequired},
		{"empty time", one("ce-time", ""), body, refusal.CERequired},
		{"empty extension is text", one("ce-tracestate", ""), body, ""},
		{"empty content type", one("content-type", ""), body, ""},
		{"no content type", with(map[string][]string{"content-type": nil}), body, ""},
		{"line end, encoded", one("ce-id", "a%0d%0aNats-Rollup:%20all"), body, refusal.CEControlChar},
		{"line end, raw", one("ce-id", "a\r\nNats-Rollup: all"), body, refusal.CEControlChar},
		{"NUL, encoded", one("ce-subject", secret+"%00"), body, refusal.CEControlChar},
		{"percent without digits", one("ce-id", secret+"%"), body, refusal.CEHeader},
		{"percent of one digit", one("ce-id", secret+"%4"), body, refusal.CEHeader},
		{"percent u", one("ce-id", secret+"%u0041"), body, refusal.CEHeader},
		{"encoded twice stays encoded once", one("ce-id", "%2541"), body, ""},
		{"not UTF-8, encoded", one("ce-id", secret+"%ff"), body, refusal.UTF8Invalid},
		{"overlong, encoded", one("ce-id", "%c0%af"), body, refusal.UTF8Invalid},
		{"surrogate, encoded", one("ce-id", "%ed%a0%80"), body, refusal.UTF8Invalid},
		{"half a character, encoded", one("ce-subject", "%e2%82"), body, refusal.UTF8Invalid},
		{"not UTF-8, raw", one("ce-id", secret+"\xff"), body, refusal.UTF8Invalid},
		{"not UTF-8 in the content type", one("content-type", "application/json; x=\"\xff\""), body, refusal.UTF8Invalid},
		{"noncharacter, encoded", one("ce-id", "%ef%bf%bf"), body, refusal.CENonchar},
		{"specversion 0.3", one("ce-specversion", "0.3"), body, refusal.CESpecVersion},
		{"integer is text here", one("ce-sequence", "99999999999"), body, ""},
		{"Status and Nats-* mean nothing", with(map[string][]string{"Status": {"503"}, "Nats-Rollup": {"all"}, "Nats-TTL": {"1s", "2s"}, "nats-msg-id": {secret}}), body, ""},
		{"the hub's headers mean nothing", with(map[string][]string{"Amtsbote-Code": {secret}, "amtsbote-released": {"IN_x:1"}}), body, ""},
		{"headers larger than an event", one("X-Large", strings.Repeat("x", MaxBytes)), body, refusal.TooLarge},
		{"charset utf-8", one("content-type", "application/json;charset=utf-8"), body, ""},
		{"charset utf-16", one("content-type", "application/json; charset=utf-16"), body, ""}, // another stage: not JSON for us
		{"two content types that agree", one("ce-datacontenttype", "application/json"), body, ""},
		{"two content types that differ", one("ce-datacontenttype", "text/xml"), body, refusal.MediaTypeMismatch},
		{"garbage as content type", one("content-type", secret), body, refusal.CEMediaType},
		{"form as content type", one("content-type", "multipart/form-data; boundary="), body, refusal.CEMediaType},
		{"JSON with a byte order mark", with(nil), "\xef\xbb\xbf" + body, refusal.JSONSyntax},
		{"JSON in UTF-16", with(nil), "\xff\xfe{\x00}\x00", refusal.UTF8Invalid},
		{"two JSON texts", with(nil), body + body, refusal.JSONTrailing},
		{"JSON 65 deep", with(nil), strings.Repeat("[", 65) + strings.Repeat("]", 65), refusal.JSONDepth},
		{"empty body is no data", with(nil), "", ""},

		{"batch", typed("application/cloudevents-batch+json"), "[" + ev(`"data":1`) + "]", refusal.ModeMismatch},
		{"batch in another case", typed("Application/CloudEvents-Batch+JSON"), ev(`"data":1`), refusal.ModeMismatch},
		{"structured in another case, with charset", typed("APPLICATION/CloudEvents+JSON; charset=UTF-8"), ev(`"data":1`), ""},
		{"structured in utf-16", typed("application/cloudevents+json; charset=utf-16"), ev(`"data":1`), refusal.ModeMismatch},
		{"structured in XML", typed("application/cloudevents+xml"), ev(`"data":1`), refusal.ModeMismatch},
		{"structured in what begins alike", typed("application/cloudeventsx+json"), ev(`"data":1`), refusal.ModeMismatch},
		{"structured with a broken parameter", typed("application/cloudevents+json; charset"), ev(`"data":1`), refusal.ModeMismatch},
		{"no header at all", nil, ev(`"data":1`), ""},
		{"JSON without attributes", typed("application/json"), ev(`"data":1`), ""},
		{"XML without attributes", typed("text/xml"), "<a>" + secret + "</a>", refusal.ModeMismatch},
		{"structured, and headers that say the same", map[string][]string{"content-type": {"application/cloudevents+json"}, "ce-id": {secret}}, ev(`"data":1`), ""},
		{"structured, and 252 headers that say the same", repeated, ev(manyNames(MaxAttributes - 4)), ""},
		{"structured, and 252 headers of which one says other", repeatedNot, ev(manyNames(MaxAttributes - 4)), refusal.ModeAmbiguous},
		{"structured, and headers that say other", map[string][]string{"content-type": {"application/cloudevents+json"}, "ce-source": {"urn:y"}}, ev(`"data":1`), refusal.ModeAmbiguous},
		{"structured, and headers that say more", map[string][]string{"content-type": {"application/cloudevents+json"}, "ce-subject": {secret}}, ev(`"data":1`), refusal.ModeAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) { judge(t, c.header, c.body, c.code) })
	}
}

// judge decodes many times, since Go goes through headers in no order.
func judge(t *testing.T, header map[string][]string, body string, want refusal.Code) {
	t.Helper()
	m := &event.Message{Stream: "IN_x", Seq: 1, Header: header, Data: []byte(body), Time: time.Unix(0, 0)}
	_, first := Decode(m)
	for range 10 {
		if _, r := Decode(m); (r == nil) != (first == nil) || r != nil && *r != *first {
			t.Fatalf("%v, then %v", first, r)
		}
	}
	var got refusal.Code
	if first != nil {
		got = first.Code
		for _, lang := range []string{"de", "en"} {
			if strings.Contains(first.Error()+first.At+first.Code.Sentence(lang), secret) {
				t.Errorf("the refusal tells a value: %v", first)
			}
		}
	}
	if got != want {
		t.Errorf("got %v, want %q", first, want)
	}
}

// FuzzPlainURI: what passes as a plain URI passes the whole check.
func FuzzPlainURI(f *testing.F) {
	for _, s := range []string{"", "urn:", "urn:a", "urn:de:ags:09162000", "urn::", "urn:-", "urn:a%41", "urn:é", "http://a", "https://", "https://a", "https://a.b/c//d/", "https://a:80", "https:///", "https://[::1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := url.Parse(s); plainURI(s) && (err != nil || u.Scheme == "" || !percentIsHex(s) || strings.IndexFunc(s, unseen) >= 0 || strings.ContainsAny(s, " \"{}|\\^`")) {
			t.Errorf("%q is taken for a plain URI", s)
		}
	})
}
