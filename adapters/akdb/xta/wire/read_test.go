package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

const soap = "application/soap+xml"

func envelope(body string) string {
	return `<s:Envelope xmlns:s="` + wire.NsSOAP + `" xmlns:xta="` + wire.NsXTA + `" xmlns:xop="http://www.w3.org/2004/08/xop/include" ` +
		`xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"><s:Header/><s:Body>` + body + `</s:Body></s:Envelope>`
}

func contained(content string) string {
	return envelope(`<xta:GenericContentContainer><xta:ContentContainer><xta:Message contentType="text/xml">` + content +
		`</xta:Message></xta:ContentContainer></xta:GenericContentContainer>`)
}

func related(start string, parts ...string) (contentType, body string) {
	for _, p := range parts {
		body += "--b\r\n" + p + "\r\n"
	}
	return `multipart/related; type="application/xop+xml"; start="` + start + `"; boundary=b`, body + "--b--\r\n"
}

func part(id, encoding, content string) string {
	return "Content-ID: <" + id + ">\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + content
}

// message reads, and gives the message in the container.
func message(t *testing.T, contentType, body string, limits wire.Limits) (string, error) {
	t.Helper()
	dir := t.TempDir()
	m, err := wire.Read(strings.NewReader(body), contentType, limits, dir)
	if err != nil {
		clean(t, dir)
		return "", err
	}
	defer clean(t, dir)
	defer m.Close()
	c, err := m.Container()
	if err != nil {
		return "", err
	}
	f, err := c.Message.Content.File()
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(f)
	return string(b), err
}

func clean(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error("files are left:", left, err)
	}
}

func TestRead(t *testing.T) {
	include := contained(`<xop:Include href="cid:a%40b"/>`)
	for name, c := range map[string]struct{ start, body string }{
		"root first":          {"<r>", part("r", "binary", include) + "\r\n--b\r\n" + part("a@b", "binary", "Größe\r\n")},
		"root last":           {"<r>", part("a@b", "8bit", "Größe\r\n") + "\r\n--b\r\n" + part("r", "8bit", include)},
		"start not named":     {"", part("r", "binary", include) + "\r\n--b\r\n" + part("a@b", "7bit", "Größe\r\n")},
		"base64 part":         {"<r>", part("r", "binary", include) + "\r\n--b\r\n" + part("a@b", "base64", "R3LDtsOfZQ0K")},
		"plain in multipart":  {"<r>", part("r", "binary", contained(" R3LD\n tsOfZQ0K "))},
		"include not escaped": {"<r>", part("r", "binary", contained(`<xop:Include href="cid:a@b"/>`)) + "\r\n--b\r\n" + part("a@b", "binary", "Größe\r\n")},
	} {
		contentType, body := related(c.start, c.body)
		if got, err := message(t, contentType, body, wire.Limits{}); err != nil || got != "Größe\r\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	two := `<xop:Include href="cid:a"/>`
	multi := func(parts ...string) [2]string {
		contentType, body := related("<r>", parts...)
		return [2]string{contentType, body}
	}
	for name, c := range map[string][2]string{
		"no type":              {"", envelope("")},
		"html":                 {"text/html", "<html/>"},
		"SOAP 1.1":             {soap, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>`},
		"no body":              {soap, `<s:Envelope xmlns:s="` + wire.NsSOAP + `"/>`},
		"DTD":                  {soap, "<!DOCTYPE a>" + envelope("")},
		"no container":         {soap, envelope("")},
		"two messages":         {soap, strings.Replace(contained("YQ=="), "<xta:Message", `<xta:Message contentType="a"/><xta:Message`, 1)},
		"no base64":            {soap, contained("Straße")},
		"cut base64":           {soap, contained("YQ=")},
		"elements":             {soap, contained("<a/>")},
		"include from the web": multi(part("r", "binary", contained(`<xop:Include href="http://10.0.0.1/"/>`))),
		"include of nothing":   multi(part("r", "binary", contained(two))),
		"include and text":     multi(part("r", "binary", contained("YQ=="+two)), part("a", "binary", "x")),
		"included twice":       multi(part("r", "binary", strings.Replace(contained(two), "</xta:Message>", `</xta:Message><xta:Attachment contentType="a">`+two+"</xta:Attachment>", 1)), part("a", "binary", "x")),
		"same id twice":        multi(part("r", "binary", contained(two)), part("a", "binary", "x"), part("a", "binary", "y")),
		"part without id":      multi(part("r", "binary", contained(two)), "Content-Type: a/b\r\n\r\nx"),
		"quoted-printable":     multi(part("r", "quoted-printable", contained(two))),
		"root missing":         multi(part("x", "binary", contained(two))),
		"no boundary":          {"multipart/related", "x"},
		"cut off before end":   {`multipart/related; boundary=b; start="<r>"`, "--b\r\n" + part("r", "binary", contained("YQ==")) + "\r\n"},
		"cut off within part":  {`multipart/related; boundary=b; start="<r>"`, "--b\r\n" + part("r", "binary", contained("YQ=="))},
		"too many parts":       multi(append([]string{part("r", "binary", contained("YQ=="))}, many(300)...)...),
	} {
		if got, err := message(t, c[0], c[1], wire.Limits{}); err == nil {
			t.Errorf("%s: was read: %q", name, got)
		} else if strings.Contains(err.Error(), "Straße") || strings.Contains(err.Error(), "10.0.0.1") {
			t.Errorf("%s: the error quotes the message: %v", name, err)
		}
	}
}

func many(n int) []string {
	var all []string
	for i := range n {
		all = append(all, part(fmt.Sprint("p", i), "binary", ""))
	}
	return all
}

func TestEncrypted(t *testing.T) {
	_, err := message(t, soap, envelope(`<xta:GenericContentContainer><xenc:EncryptedData/></xta:GenericContentContainer>`), wire.Limits{})
	if !errors.Is(err, wire.ErrEncrypted) {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	contentType, body := related("<r>", part("r", "binary", contained(`<xop:Include href="cid:a"/>`)), part("a", "binary", strings.Repeat("x", 11)))
	for want, limit := range map[error]int64{wire.ErrTooLarge: 10, nil: 11} {
		if _, err := message(t, contentType, body, wire.Limits{Bytes: limit}); !errors.Is(err, want) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	endless := io.MultiReader(strings.NewReader("--b\r\nContent-ID: <r>\r\n\r\n"), zeros{})
	if _, err := wire.Read(endless, contentType, wire.Limits{Bytes: 1 << 10}, t.TempDir()); !errors.Is(err, wire.ErrTooLarge) {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestForeignCharacters are refused when written, rather than replaced.
func TestForeignCharacters(t *testing.T) {
	for _, text := range []string{"\x00", "\xff", "\uffff"} {
		if _, err := (wire.Envelope{Action: "a", Body: []wire.Node{wire.Tx("a", text)}}).Encode(false); err == nil {
			t.Errorf("%q was written", text)
		}
	}
}

// TestPromisedSize fails when a content has not the size that was said: the
// length of the request is known before it is read.
func TestPromisedSize(t *testing.T) {
	for _, mtom := range []bool{true, false} {
		for size, good := range map[int64]bool{2: false, 3: true, 4: false} {
			c := &wire.Container{Message: wire.Item{ContentType: "a", Content: wire.Content{Size: size, Open: func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("abc")), nil
			}}}}
			e, err := wire.Envelope{Action: "a", Body: []wire.Node{c.Node()}}.Encode(mtom)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, e.Body())
			if (err == nil) != good || good && n != e.Size {
				t.Errorf("MTOM %v, size %d: %d of %d bytes, %v", mtom, size, n, e.Size, err)
			}
		}
	}
}

// FuzzRead holds that nothing makes the reader panic or leave files, and that
// what it refuses has an error of a known kind.
func FuzzRead(f *testing.F) {
	contentType, body := related("<r>", part("r", "binary", contained(`<xop:Include href="cid:a"/>`)), part("a", "base64", "YWJj"))
	f.Add(contentType, body)
	f.Add(soap, contained("YWJj"))
	f.Add(soap, envelope(`<s:Fault><s:Detail><xta:PermissionDeniedException><xta:errorCode><code>9014</code></xta:errorCode></xta:PermissionDeniedException></s:Detail></s:Fault>`))
	f.Add(soap, envelope(`<MsgStatusList xmlns="a"><MsgAttributes/><MessageMetaData TestMsg="1"><MsgSize>-1</MsgSize></MessageMetaData></MsgStatusList>`))
	f.Add(soap, envelope(`<TransportReport xmlns="a"><MessageStatus><Status>9</Status></MessageStatus></TransportReport>`))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		dir := t.TempDir()
		m, err := wire.Read(bytes.NewReader([]byte(body)), contentType, wire.Limits{Bytes: 1 << 16, Parts: 8}, dir)
		if err != nil {
			known(t, err)
			clean(t, dir)
			return
		}
		m.Box()
		m.StatusList()
		m.Availabilities()
		m.MetaData()
		m.Received("MsgBoxCloseRequest")
		if _, err := m.Report(); err != nil {
			known(t, err)
		}
		if c, err := m.Container(); err == nil {
			for _, i := range append(c.Attachments, c.Message) {
				file, err := i.Content.File()
				if err != nil {
					t.Fatal(err)
				}
				_ = file.Close()
			}
		}
		m.Close()
		clean(t, dir)
	})
}

func known(t *testing.T, err error) {
	t.Helper()
	_, form := errors.AsType[*wire.FormError](err)
	_, xml := errors.AsType[*xmlguard.Error](err)
	_, isFault := errors.AsType[*wire.Fault](err)
	if !form && !xml && !isFault && !errors.Is(err, wire.ErrTooLarge) && !strings.HasPrefix(err.Error(), "receive message: ") {
		t.Errorf("an error of no known kind: %v", err)
	}
}
