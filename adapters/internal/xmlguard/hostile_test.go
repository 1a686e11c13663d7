package xmlguard_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// secret stands in the content of all documents here. It is in no refusal.
const secret = "GEHEIM7"

// TestHostile: what is right here is what XML 1.0 (5th edition) and Namespaces in
// XML 1.0 say, and the rules of the package; "" is accepted.
func TestHostile(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name, doc string
		code      xmlguard.Code
	}{
		// encodings (4.3.3)
		{"UTF-16 with mark", "\xff\xfe<\x00a\x00/\x00>\x00", xmlguard.Encoding},
		{"UTF-16 without mark", "<\x00a\x00/\x00>\x00", xmlguard.Encoding},
		{"UTF-16 declared, UTF-8 written", `<?xml version="1.0" encoding="UTF-16"?><a>` + secret + `</a>`, xmlguard.Encoding},
		{"UTF-7 declared", `<?xml version="1.0" encoding="UTF-7"?>+ADw-a+AD4-`, xmlguard.Encoding},
		{"EBCDIC declared", `<?xml version="1.0" encoding="IBM037"?><a/>`, xmlguard.Encoding},
		{"ISO-8859-15 written", "<?xml version='1.0' encoding='ISO-8859-15'?><a>\xe4</a>", xmlguard.Encoding},
		{"us-ascii declared", `<?xml version="1.0" encoding="us-ascii"?><a/>`, xmlguard.Encoding},
		{"Utf-8 in another case", `<?xml version="1.0" encoding="Utf-8"?><a/>`, ""},
		{"overlong", "<a>\xc0\xbc</a>", xmlguard.Encoding},
		{"surrogate in UTF-8", "<a>\xed\xa0\x80</a>", xmlguard.Encoding},
		{"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf<a/>", xmlguard.Syntax},
		// characters (2.2)
		{"NUL in text", "<a>" + secret + "\x00</a>", xmlguard.Encoding},
		{"NUL behind the root", "<a/>\x00", xmlguard.Encoding},
		{"U+FFFE", "<a>\ufffe</a>", xmlguard.Encoding},
		{"U+FFFF by reference", "<a>&#xFFFF;</a>", xmlguard.Syntax},
		{"U+1F by reference", "<a>&#31;</a>", xmlguard.Syntax},
		{"beyond Unicode by reference", "<a>&#x110000;</a>", xmlguard.Syntax},
		{"reference of 5 000 digits", "<a>&#" + strings.Repeat("0", 5000) + "65;</a>", ""},
		{"surrogate beside the honest sign", "<a>&#xD800; \ufffd " + secret + "</a>", xmlguard.Syntax},
		{"surrogate beside the number of the sign", "<a>&#xDFFF;FFFD 65533</a>", xmlguard.Syntax},
		{"surrogate in decimal with zeros", "<a>&#0055296;</a>", xmlguard.Syntax},
		{"surrogate behind 100 KB", "<a>" + strings.Repeat("x", 100_000) + "&#xD800;</a>", xmlguard.Syntax},
		{"surrogate in an attribute, beside the sign", "<a x='&#xD800;\ufffd'/>", xmlguard.Syntax},
		{"a surrogate pair by references", "<a>&#xD83D;&#xDE00;</a>", xmlguard.Syntax},
		{"what looks like a surrogate in CDATA", "<a><![CDATA[&#xD800;]]></a>", ""},
		{"what looks like a surrogate in a comment", "<a><!-- &#xD800; -->x</a>", ""},
		// declaration, instructions, comments, CDATA
		{"white space before the declaration", ` <?xml version="1.0"?><a/>`, xmlguard.PI},
		{"comment before the declaration", `<!-- --><?xml version="1.0"?><a/>`, xmlguard.PI},
		{"declaration in capitals", `<?XML version="1.0"?><a/>`, xmlguard.PI},
		{"declaration without version", `<?xml encoding="utf-8"?><a/>`, xmlguard.Syntax},
		{"declaration in another order", `<?xml encoding="utf-8" version="1.0"?><a/>`, xmlguard.Syntax},
		{"version 1.1", `<?xml version="1.1"?><a>&#x1;</a>`, xmlguard.Syntax},
		{"version 2.0", `<?xml version="2.0"?><a/>`, xmlguard.Syntax},
		{"instruction late in the root", `<a>` + secret + `<?xml-stylesheet href="` + secret + `"?></a>`, xmlguard.PI},
		{"instruction without end", `<a><?x ` + secret, xmlguard.Syntax},
		{"comment with --", "<a><!-- " + secret + " -- --></a>", xmlguard.Syntax},
		{"comment that ends in --->", "<a><!-- x ---></a>", xmlguard.Syntax},
		{"comment without end", "<a><!-- " + secret, xmlguard.Syntax},
		{"CDATA in CDATA", "<a><![CDATA[<![CDATA[" + secret + "]]>]]></a>", xmlguard.Syntax},
		{"]]> in text", "<a>" + secret + "]]></a>", xmlguard.Syntax},
		{"]]&gt; in text", "<a>]]&gt;</a>", ""},
		{"CDATA before the root", "<![CDATA[x]]><a/>", xmlguard.Syntax},
		{"CDATA without end", "<a><![CDATA[" + secret, xmlguard.Syntax},
		{"DOCTYPE in another case", "<!doctype a><a/>", xmlguard.DTD},
		{"DOCTYPE inside", "<a><!DOCTYPE b [<!ENTITY e '" + secret + "'>]>&e;</a>", xmlguard.DTD},
		{"entity without DOCTYPE", "<a>&" + secret + ";</a>", xmlguard.Syntax},
		{"entity in an attribute", "<a x='&" + secret + ";'/>", xmlguard.Syntax},
		{"ampersand alone", "<a>" + secret + " & co</a>", xmlguard.Syntax},
		{"the five entities", "<a x='&quot;&apos;'>&lt;&gt;&amp;</a>", ""},
		// tags
		{"attribute without quotes", "<a x=" + secret + "/>", xmlguard.Syntax},
		{"attribute without value", "<a x/>", xmlguard.Syntax},
		{"< in an attribute", "<a x='<" + secret + "'/>", xmlguard.Syntax},
		{"white space before the name", "< a/>", xmlguard.Syntax},
		{"name with a digit first", "<1a/>", xmlguard.Syntax},
		{"name with a dash first", "<-a/>", xmlguard.Syntax},
		{"end tag with attribute", "<a></a x='1'>", xmlguard.Syntax},
		{"end tag in another case", "<a></A>", xmlguard.Syntax},
		{"names beyond ASCII", "<Straße größe='1'/>", ""},
		{"255 attributes", "<a" + many(255, " x%d=''") + "/>", ""},
		{"257 attributes", "<a" + many(257, " x%d=''") + "/>", xmlguard.Limit},
		{"a million attributes", "<a" + many(1_000_000, " x%d=''") + "/>", xmlguard.Limit},
		{"a very long name", "<" + strings.Repeat("n", 1_000_000) + "/>", xmlguard.Limit},
		{"a very long end tag", "<a></a" + strings.Repeat(" ", 1_000_000) + ">", xmlguard.Limit},
		{"a very long instruction", "<?x " + strings.Repeat("y", 1_000_000) + "?><a/>", xmlguard.PI},
		{"a very long comment", "<a><!--" + strings.Repeat("y", 1_000_000) + "--></a>", ""},
		{"a very long text", "<a>" + strings.Repeat("y", 1_000_000) + "</a>", ""},
		{"65 deep", strings.Repeat("<a>", 65) + secret + strings.Repeat("</a>", 65), xmlguard.Depth},
		{"a million deep", strings.Repeat("<a>", 1_000_000), xmlguard.Depth},
		// namespaces
		{"xml bound to its own", `<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`, ""},
		{"xml bound to another", `<a xmlns:xml="urn:` + secret + `"/>`, xmlguard.Namespace},
		{"another prefix bound to xml's", `<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, xmlguard.Namespace},
		{"default bound to xml's", `<a xmlns="http://www.w3.org/XML/1998/namespace"/>`, xmlguard.Namespace},
		{"default bound to xmlns's", `<a xmlns="http://www.w3.org/2000/xmlns/"/>`, xmlguard.Namespace},
		{"xmlns bound", `<a xmlns:xmlns="http://www.w3.org/2000/xmlns/"/>`, xmlguard.Namespace},
		{"element of the prefix xmlns", `<xmlns:a/>`, xmlguard.Namespace},
		{"prefix undeclared again", `<p:a xmlns:p="urn:x"><b xmlns:p=""/></p:a>`, xmlguard.Namespace},
		{"default undeclared again", `<a xmlns="urn:x"><b xmlns=""><c/></b></a>`, ""},
		{"prefix beyond its element", `<a><b xmlns:p="urn:x"/><p:c/></a>`, xmlguard.Namespace},
		{"prefix rebound", `<p:a xmlns:p="urn:x"><p:b xmlns:p="urn:y"/></p:a>`, ""},
		{"one name by default and prefix", `<a xmlns="urn:x" xmlns:p="urn:x" b="1" p:b="2"/>`, ""},
		{"one name by two prefixes, one from outside", `<a xmlns:p="urn:x"><b xmlns:q="urn:x" p:c="1" q:c="2"/></a>`, xmlguard.Syntax},
		{"prefix without name", `<p: xmlns:p="urn:x"/>`, xmlguard.Namespace},
		{"declaration without name", `<a xmlns:="urn:x"/>`, xmlguard.Namespace},
		{"XInclude by default namespace", `<include xmlns="http://www.w3.org/2001/XInclude" href="` + secret + `"/>`, xmlguard.XInclude},
		{"XInclude rebound deep", `<a><b xmlns:x="urn:x"><x:c xmlns:x="http://www.w3.org/2001/XInclude"/></b></a>`, xmlguard.XInclude},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.doc)
			_, again := read(c.doc)
			if fmt.Sprint(err) != fmt.Sprint(again) {
				t.Fatalf("%v, then %v", err, again)
			}
			var code xmlguard.Code
			if refused, ok := errors.AsType[*xmlguard.Error](err); ok {
				code = refused.Code
			}
			if code != c.code || err != nil && code == "" {
				t.Errorf("got %v, want %q", err, c.code)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the refusal tells the content: %v", err)
			}
		})
	}
}

// A tag of 40 MB is refused before the decoder has collected its attributes.
func TestLongTagCostsLittle(t *testing.T) {
	doc := "<a" + strings.Repeat(" x=''", 8<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := read(doc)
	runtime.ReadMemStats(&after)
	if refused, ok := errors.AsType[*xmlguard.Error](err); !ok || refused.Code != xmlguard.Limit {
		t.Fatalf("got %v", err)
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 16<<20 {
		t.Errorf("%d MB to refuse it", spent>>20)
	}
}
