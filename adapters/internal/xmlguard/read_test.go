package xmlguard_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

func read(doc string) (*xmlguard.Document, error) {
	return xmlguard.Read(strings.NewReader(doc), xmlguard.Limits{}, nil)
}

func TestReadRefuses(t *testing.T) {
	cases := map[string]struct {
		doc  string
		code xmlguard.Code
	}{
		"empty":                     {"", xmlguard.Syntax},
		"only white space":          {" \n ", xmlguard.Syntax},
		"unclosed":                  {"<a><b></a>", xmlguard.Syntax},
		"ends early":                {"<a><b>", xmlguard.Syntax},
		"ends inside a tag":         {"<a", xmlguard.Syntax},
		"end tag alone":             {"</a>", xmlguard.Syntax},
		"end tag with other prefix": {`<p:a xmlns:p="urn:x" xmlns:q="urn:x"></q:a>`, xmlguard.Syntax},
		"two roots":                 {"<a/><b/>", xmlguard.Syntax},
		"text before the root":      {"x<a/>", xmlguard.Syntax},
		"text after the root":       {"<a/>x", xmlguard.Syntax},
		"reference after the root":  {"<a/>&#32;", xmlguard.Syntax},
		"CDATA after the root":      {"<a/><![CDATA[ ]]>", xmlguard.Syntax},
		"attribute twice":           {`<a x="1" x="2"/>`, xmlguard.Syntax},
		"attribute twice by ns":     {`<a xmlns:p="urn:x" xmlns:q="urn:x" p:x="1" q:x="2"/>`, xmlguard.Syntax},
		"declaration twice":         {`<a xmlns:p="urn:x" xmlns:p="urn:x"/>`, xmlguard.Syntax},
		"attributes unspaced":       {`<a x="1"y="2"/>`, xmlguard.Syntax},
		"surrogate in text":         {"<a>&#xD800;</a>", xmlguard.Syntax},
		"surrogate in attribute":    {`<a x="&#xD800;"/>`, xmlguard.Syntax},
		"unknown entity":            {"<a>&auml;</a>", xmlguard.Syntax},
		"NUL reference":             {"<a>&#0;</a>", xmlguard.Syntax},
		"declaration malformed":     {`<?xml version="1.0" standalone="perhaps"?><a/>`, xmlguard.Syntax},
		"version 1.1":               {`<?xml version="1.1"?><a/>`, xmlguard.Syntax},
		"DOCTYPE":                   {"<!DOCTYPE a><a/>", xmlguard.DTD},
		"DOCTYPE after the root":    {"<a/><!DOCTYPE a>", xmlguard.DTD},
		"PI":                        {"<?php x?><a/>", xmlguard.PI},
		"PI inside":                 {"<a><?x y?></a>", xmlguard.PI},
		"PI after":                  {"<a/><?x y?>", xmlguard.PI},
		"declaration not first":     {"\n<?xml version=\"1.0\"?><a/>", xmlguard.PI},
		"declaration inside":        {"<a><?xml version=\"1.0\"?></a>", xmlguard.PI},
		"prefix of element":         {"<p:a/>", xmlguard.Namespace},
		"prefix of attribute":       {`<a p:x="1"/>`, xmlguard.Namespace},
		"prefix out of scope":       {`<a><b xmlns:p="urn:x"/><p:c/></a>`, xmlguard.Namespace},
		"prefix undeclared":         {`<a xmlns:p=""/>`, xmlguard.Namespace},
		"prefix xml rebound":        {`<a xmlns:xml="urn:x"/>`, xmlguard.Namespace},
		"prefix xmlns bound":        {`<a xmlns:xmlns="urn:x"/>`, xmlguard.Namespace},
		"two colons":                {`<a:b:c xmlns:a="urn:x"/>`, xmlguard.Namespace},
		"two colons in attribute":   {`<a xmlns:a="urn:x" a:b:c="1"/>`, xmlguard.Namespace},
		"leading colon":             {"<:a/>", xmlguard.Namespace},
		"XInclude":                  {`<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include/></a>`, xmlguard.XInclude},
		"ISO-8859-1 declared":       {`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, xmlguard.Encoding},
		"bad UTF-8":                 {"<a>\xff</a>", xmlguard.Encoding},
		"bad UTF-8 in comment":      {"<a><!-- \xe4 --></a>", xmlguard.Encoding},
		"UTF-16":                    {"\xfe\xff\x00<\x00a", xmlguard.Encoding},
		"control character":         {"<a>\x01</a>", xmlguard.Encoding},
		"control in comment":        {"<a><!-- \x00 --></a>", xmlguard.Encoding},
		"depth 65":                  {strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65), xmlguard.Depth},
		"300 attributes":            {"<a" + strings.Repeat(` x="1"`, 300) + "/>", xmlguard.Limit},
		"long start tag":            {`<a x="` + strings.Repeat("x", 70_000) + `"/>`, xmlguard.Limit},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.doc)
			refused, ok := errors.AsType[*xmlguard.Error](err)
			if !ok || refused.Code != c.code {
				t.Fatalf("got %v, want %s", err, c.code)
			}
		})
	}
}

func TestReadAccepts(t *testing.T) {
	for name, doc := range map[string]string{
		"declaration":         `<?xml version="1.0" encoding="utf-8" standalone='yes'?>` + "\n<a/>\n",
		"byte order mark":     "\xef\xbb\xbf<?xml version=\"1.0\"?><a/>",
		"comments all around": "<!-- x --><a/><!-- y -->\n",
		"CDATA":               "<a><![CDATA[<&]]></a>",
		"empty CDATA":         "<a><![CDATA[]]></a>",
		"depth 64":            strings.Repeat("<a>", 64) + strings.Repeat("</a>", 64),
		"default undeclared":  `<a xmlns="urn:x"><b xmlns=""/></a>`,
		"xml:lang":            `<a xml:lang="de"/>`,
		"replacement written": "<a x='&#xFFFD;'>\uFFFD &#65533; &#32;</a>",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := read(doc); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestReadTellsThePlace(t *testing.T) {
	_, err := read("<a>\n  <b>äöü</b><c d='1' d='2'/>\n</a>")
	refused, _ := errors.AsType[*xmlguard.Error](err)
	if refused == nil || refused.Line != 2 || refused.Column != 13 {
		t.Fatalf("got %v, want line 2, column 13", err)
	}
}

func TestReadKeepsWhatIsWanted(t *testing.T) {
	doc, err := xmlguard.Read(strings.NewReader(
		`<r xmlns="urn:r" v="1"><k xmlns=""><n> Ä &amp; b </n><n>2</n></k>text<big><x/></big></r>`),
		xmlguard.Limits{}, func(depth int, e *xmlguard.Element) bool { return depth == 2 && e.Local == "k" })
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := doc.Root.Attr("v"); v != "1" || doc.Root.Space != "urn:r" || len(doc.Root.Children) != 0 {
		t.Errorf("root is %+v", doc.Root)
	}
	if len(doc.Parts) != 1 || doc.Parts[0].Space != "" {
		t.Fatalf("parts are %+v", doc.Parts)
	}
	k := doc.Parts[0]
	if k.Value("n") != "Ä & b" || len(k.All("n")) != 2 || k.Value("none", "deeper") != "" || k.At("none") != nil {
		t.Errorf("kept %+v", k)
	}
}

func TestReadLimits(t *testing.T) {
	keep := func(int, *xmlguard.Element) bool { return true }
	for name, l := range map[string]xmlguard.Limits{
		"bytes":  {Bytes: 20},
		"tokens": {Tokens: 3},
		"kept":   {Kept: 2},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := xmlguard.Read(strings.NewReader("<a><b/><c>ten letters</c></a>"), l, keep)
			if refused, _ := errors.AsType[*xmlguard.Error](err); refused == nil || refused.Code != xmlguard.Limit {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestReadPassesReadErrorsOn(t *testing.T) {
	broken := errors.New("broken cable")
	for _, doc := range []string{"", "<a>", "<a>text", "<a/>"} {
		_, err := xmlguard.Read(io.MultiReader(strings.NewReader(doc), iotest.ErrReader(broken)), xmlguard.Limits{}, nil)
		if !errors.Is(err, broken) {
			t.Errorf("after %q: %v", doc, err)
		}
	}
}

// TestCorpus reads the shared collection of bad inputs in place.
func TestCorpus(t *testing.T) {
	dir := interop.Path(t, "corpus")
	index, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Inputs []struct{ File, Kind, Expect, Code string }
	}
	if err := json.Unmarshal(index, &listed); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range listed.Inputs {
		if c.Kind != "xml" {
			continue
		}
		ran++
		t.Run(c.File, func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join(dir, c.File))
			if err != nil {
				t.Fatal(err)
			}
			check(t, string(doc), c.Expect, c.Code)
		})
	}
	if files, err := os.ReadDir(filepath.Join(dir, "xml")); err != nil || ran == 0 || ran != len(files) {
		t.Fatalf("%d documents in the index, %d files: %v", ran, len(files), err)
	}
}

func check(t *testing.T, doc, expect, code string) {
	t.Helper()
	_, err := read(doc)
	switch expect {
	case "accept":
		if err != nil || code != "" {
			t.Fatalf("%v, code %q", err, code)
		}
	case "quarantine":
		refused, ok := errors.AsType[*xmlguard.Error](err)
		if !ok || string(refused.Code) != code {
			t.Fatalf("got %v, want %s", err, code)
		}
	default:
		t.Fatalf("unknown verdict %q", expect)
	}
}

// ours tells whether a text stands in the package's own source.
func ours(what string) bool { return strings.Contains(source(), `"`+what+`"`) }

var source = sync.OnceValue(func() string {
	var all strings.Builder
	files, _ := filepath.Glob("*.go")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, "_test.go") {
			all.Write(text)
		}
	}
	return all.String()
})

// FuzzRead checks that what the guard accepts, encoding/xml accepts too, and
// that no refusal repeats the document.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"<a/>", "<a><b x='1'>t</b></a>", "<!DOCTYPE a><a/>", "<p:a xmlns:p='urn:x' p:b='&#65;'/>",
		"<?xml version='1.0'?><a>&lt;<![CDATA[x]]></a>", "<a:b:c/>", "\xef\xbb\xbf<a/>", "<a/>&#32;", "<a x='1'y='2'/>",
	} {
		f.Add(seed)
	}
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "shared", "corpus", "xml", "*"))
	if err != nil || len(files) == 0 {
		f.Logf("without seeds of the corpus of bad inputs, which is missing: %v", err)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(doc))
	}
	f.Fuzz(func(t *testing.T, doc string) {
		_, err := read(doc)
		if err != nil {
			refused, ok := errors.AsType[*xmlguard.Error](err)
			if !ok || refused.Line < 1 || refused.Column < 0 {
				t.Fatalf("refused with %v", err)
			}
			if _, again := read(doc); again == nil || again.Error() != err.Error() {
				t.Fatalf("%v, then %v", err, again)
			}
			// what it says is one of our sentences, whatever the document says
			if !ours(refused.What) {
				t.Fatalf("the refusal says %q", refused.What)
			}
			return
		}
		d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(doc, "\xef\xbb\xbf")))
		for {
			_, err := d.Token()
			if err == io.EOF { //nolint:errorlint // the decoder gives it unwrapped
				return
			}
			if err != nil {
				t.Fatalf("accepted what encoding/xml refuses: %v", err)
			}
		}
	})
}
