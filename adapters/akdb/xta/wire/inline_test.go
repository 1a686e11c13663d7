package wire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// large has more than goes into one buffer, and no length of a round number.
var large = []byte(strings.Repeat("Größe der Straße ", 12_345))

// lines breaks base64 as MIME does, with a line end of one's choice.
func lines(content []byte, end string) string {
	text := base64.StdEncoding.EncodeToString(content)
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + end)
		text = text[76:]
	}
	return b.String() + text + end
}

// TestInline reads large contents that stand in the envelope, as serializers write
// them, whatever stands around them.
func TestInline(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString(large)
	for name, body := range map[string]string{
		"one line":             contained(plain),
		"lines":                contained(lines(large, "\n")),
		"lines as references":  contained(lines(large, "&#13;\n")),
		"references in hex":    contained(lines(large, "&#xD;&#xa;")),
		"blanks":               contained("\n\t " + lines(large, " \t")),
		"comments":             "<!-- <xta:Message> --><!---->" + contained(plain) + "<!-- > -->",
		"brackets in a value":  replace(contained(plain), `contentType="text/xml"`, `contentType="text/xml" filename='a>"&lt;b/>.xml'`),
		"blanks in the tag":    replace(contained(plain), "<xta:Message contentType", "<xta:Message\n\tcontentType"),
		"another prefix":       replace(strings.ReplaceAll(contained(plain), "xta:", "x-y.z:"), "xmlns:xta=", "xmlns:x-y.z="),
		"default namespace":    replace(strings.ReplaceAll(contained(plain), "xta:", ""), `xmlns:xta=`, `xmlns=`),
		"behind CDATA":         replace(contained(plain), "<s:Header/>", "<s:Header><![CDATA[<xta:Message>]]></s:Header>"),
		"behind an empty one":  replace(contained(plain), "<s:Header/>", `<s:Header><xta:Message/><xta:Attachment a="/"/></s:Header>`),
		"with a declaration":   `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + contained(plain),
		"with a mark":          "\xef\xbb\xbf" + contained(plain),
		"in CDATA":             contained("<![CDATA[" + plain + "]]>"),
		"CDATA in between":     contained(plain[:50_000] + "<![CDATA[" + plain[50_000:60_000] + "]]><![CDATA[]]>" + plain[60_000:]),
		"late comment":         contained(plain[:len(plain)-8] + "<!-- <a/> ]]> -->" + plain[len(plain)-8:]),
		"first a comment":      contained("<!---->" + plain + "<!-- c -->"),
		"two comments, CDATA":  contained(plain[:9_000] + "<!-- a --><!-- b -->" + plain[9_000:9_004] + "<!-- --><![CDATA[" + plain[9_004:] + "]]>"),
		"other references":     contained("&#" + strconv.Itoa(int(plain[0])) + ";" + plain[1:20_000] + fmt.Sprintf("&#x%x;", plain[20_000]) + plain[20_001:]),
		"many zeros":           contained(plain + "&#" + strings.Repeat("0", 900) + "13;"),
		"as references, small": contained(lines([]byte("Größe"), "&#13;\n")),
		"with comment, small":  contained("R3L<!-- c -->Dt<![CDATA[sO]]>fZQ==<!-- c -->"),
	} {
		want := string(large)
		if strings.HasSuffix(name, "small") {
			want = "Größe"
		}
		if got, err := message(t, soap, body, wire.Limits{}); err != nil || got != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	contentType, body := related("<r>", part("r", "8bit", contained(plain)))
	if got, err := message(t, contentType, body, wire.Limits{}); err != nil || got != string(large) {
		t.Errorf("root of a multipart: %d bytes, %v", len(got), err)
	}
}

func TestInlineRefused(t *testing.T) {
	plain, padded := base64.StdEncoding.EncodeToString(large), base64.StdEncoding.EncodeToString(large[:20_000])
	for name, body := range map[string]string{
		"no base64":           contained(strings.Repeat("Straße ", 5_000)),
		"late no base64":      contained(plain + "!"),
		"cut":                 contained(plain[:len(plain)-1]),
		"reference in CDATA":  contained("<![CDATA[" + lines(large, "&#13;") + "]]>"),
		"comment ill-formed":  contained(plain + "<!-- -- -->"),
		"CDATA without end":   contained("<![CDATA[" + plain),
		"end without CDATA":   contained(plain + "]]>"),
		"more after padding":  contained(strings.Repeat("AAA=", 5_000)),
		"other reference":     contained(plain[:len(plain)/2] + "&#65;" + plain[len(plain)/2:]),
		"entity":              contained(plain + "&uuml;"),
		"endless reference":   contained(plain + "&#" + strings.Repeat("0", 9_000) + "13;"),
		"elements behind":     contained(plain + "<a/>"),
		"text behind":         contained(padded + "<!-- -->" + padded),
		"end missing":         strings.TrimSuffix(contained(plain), "</s:Envelope>"),
		"cut off in the text": contained(plain)[:100_000],
		"two of them":         replace(contained(plain), "<xta:Message contentType", `<xta:Message contentType="a">`+plain+"</xta:Message><xta:Message contentType"),
	} {
		if got, err := message(t, soap, body, wire.Limits{}); err == nil {
			t.Errorf("%s: was read: %d bytes", name, len(got))
		} else {
			known(t, err)
		}
	}
	var many strings.Builder
	for range 10 {
		many.WriteString("<xta:Attachment>" + plain + "</xta:Attachment>")
	}
	if _, err := message(t, soap, envelope(many.String()), wire.Limits{Parts: 9}); err == nil {
		t.Error("too many were read")
	}
	if _, err := message(t, soap, contained(plain), wire.Limits{Bytes: int64(len(large)) - 1}); !errors.Is(err, wire.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := message(t, soap, contained(plain), wire.Limits{Bytes: int64(len(large))}); err != nil {
		t.Error(err)
	}
}

// TestInlineAttachments keeps several apart, large and small, and what cannot be
// understood stays whole.
func TestInlineAttachments(t *testing.T) {
	dir, large := t.TempDir(), large[:20_001]
	body := replace(contained(lines(large, "\n")), "</xta:Message>", `</xta:Message><xta:Attachment contentType="a/b">`+
		base64.StdEncoding.EncodeToString(large[1:])+`</xta:Attachment><xta:Attachment contentType="a/b"> YQ== </xta:Attachment>`)
	m, err := wire.Read(iotest.OneByteReader(strings.NewReader(body)), soap, wire.Limits{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Container()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{large, large[1:], []byte("a")} {
		item := append([]wire.Item{c.Message}, c.Attachments...)[i]
		if got := bytesOf(t, item.Content); !bytes.Equal(got, want) || item.Content.Size != int64(len(want)) {
			t.Errorf("content %d has %d bytes, %d were said", i, len(got), item.Content.Size)
		}
	}
	m.Close()
	clean(t, dir)

	m, err = wire.Read(strings.NewReader(envelope(`<xta:GenericContentContainer><xenc:EncryptedData><xenc:CipherValue>`+
		lines(large, "\n")+`</xenc:CipherValue></xenc:EncryptedData></xta:GenericContentContainer>`)), soap, wire.Limits{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Container(); !errors.Is(err, wire.ErrEncrypted) {
		t.Error(err)
	}
	raw := m.Raw()
	if len(raw) != 2 || string(bytesOf(t, raw[1])) != lines(large, "\n") {
		t.Error("what came is not kept")
	}
}

func bytesOf(t *testing.T, c wire.Content) []byte {
	t.Helper()
	r, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func replace(s, old, with string) string {
	if !strings.Contains(s, old) {
		panic("nothing to replace")
	}
	return strings.Replace(s, old, with, 1)
}

// FuzzInline: what stands around a content never changes it: when it is read at
// all, it is what was put in.
func FuzzInline(f *testing.F) {
	f.Add("<!-- -->", "\n", "<a b='>'/>")
	f.Add("<a><![CDATA[<xta:Message>]]></a>", "&#13;", "")
	f.Add("<xta:Message x=\"", " ", "\"/>")
	f.Add("<!-->", "&#xA;", "-->")
	f.Add("", "<!-- c -->", "")
	f.Add("", "<![CDATA[\n]]>", "")
	f.Fuzz(func(t *testing.T, before, end, behind string) {
		content := large[:9_000]
		body := envelope(before + `<xta:GenericContentContainer><xta:ContentContainer><xta:Message contentType="a">` + lines(content, end) +
			`</xta:Message></xta:ContentContainer></xta:GenericContentContainer>` + behind)
		m, err := wire.Read(strings.NewReader(body), soap, wire.Limits{Bytes: 1 << 20}, t.TempDir())
		if err != nil {
			known(t, err)
			return
		}
		defer m.Close()
		c, err := m.Container()
		if err != nil {
			ofContainer(t, err)
			return
		}
		want, ok := plainly(body)
		if ok && !bytes.Equal(bytesOf(t, c.Message.Content), want) {
			t.Errorf("another content")
		}
		if ok && before == "" && strings.TrimSpace(end) == "" && !bytes.Equal(want, content) {
			t.Errorf("not what was put in")
		}
	})
}

// plainly reads the message's content with encoding/xml, all in memory; not ok when
// that finds none there. Text that is no base64 is no content.
func plainly(body string) (content []byte, ok bool) {
	type element struct {
		XMLName xml.Name
		Text    string    `xml:",chardata"`
		Kids    []element `xml:",any"`
	}
	var at element
	if xml.Unmarshal([]byte(body), &at) != nil {
		return nil, false
	}
	for _, name := range []string{"Body", "GenericContentContainer", "ContentContainer", "Message"} {
		i := slices.IndexFunc(at.Kids, func(e element) bool { return e.XMLName.Local == name })
		if i < 0 {
			return nil, false
		}
		at = at.Kids[i]
	}
	if len(at.Kids) > 0 {
		return nil, false
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(at.Text), ""))
	if err != nil {
		return nil, true
	}
	return content, true
}

// ofContainer are the errors of a container.
func ofContainer(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, wire.ErrEncrypted) {
		known(t, err)
	}
}
