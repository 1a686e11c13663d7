package xta_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
)

const reader, author = "ags:09162000", "ags:09184119"

func party(kennung string) wire.Party {
	return wire.Party{Type: "xoev", Name: "Stelle & Söhne", Category: "Meldebehörde", Kennung: kennung}
}

func letter(content string) xtasim.Letter {
	return xtasim.Letter{
		Author: party(author), Reader: party(reader), Test: true, Schema: "http://www.osci.de/xmeld2511a",
		Type:    wire.Code{ListURI: "urn:de:xmeld:schluesseltabelle:xmeld.nachrichten", ListVersion: "25.11a", Code: "0201"},
		Message: xtasim.Document{Bytes: []byte(content), Filename: "m.xml"},
	}
}

func metaData(id string) *wire.MetaData {
	return &wire.MetaData{
		Test: true, Author: party(reader), Sender: party("sap:1"), Reader: party(author), MessageID: id, InReplyTo: []string{"urn:de:xta:messageid:x:1"},
		Subject: "Betreff <1>", Service: "urn:test", Scenario: wire.Code{Code: "frei"}, PayloadSchema: "urn:s", Size: 5,
		Type:     wire.Code{ListURI: "urn:l", ListVersion: "0", Code: "0001", Name: "n.0001"},
		Delivery: wire.DeliveryAttributes{Origin: "2026-03-02T09:15:00.123+01:00", NotBefore: "2099-01-01T00:00:00Z", ServiceQuality: "q"},
	}
}

func container(contents ...string) *wire.Container {
	item := func(s string) wire.Item {
		return wire.Item{ContentType: "text/xml", Encoding: "UTF-8", Filename: "a.xml", Description: "d", Content: wire.Content{
			Size: int64(len(s)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil },
		}}
	}
	c := &wire.Container{Message: item(contents[0])}
	for _, s := range contents[1:] {
		c.Attachments = append(c.Attachments, item(s))
	}
	return c
}

// line is a client and a server, and all that went between them.
type line struct {
	*xtasim.Server
	xta.Service
	next http.RoundTripper

	mu   sync.Mutex
	said []spoken
}

type spoken struct {
	contentType string
	body        []byte
}

func connect(t *testing.T, server xtasim.Options, client xta.Config) *line {
	t.Helper()
	server.Dir = t.TempDir()
	l := &line{Server: xtasim.New(server), next: http.DefaultTransport}
	web := httptest.NewServer(l.Server)
	t.Cleanup(func() { l.Stop(); web.Close() })
	client.ManagementPort, client.SendPort, client.BoxPort = web.URL+"/m", web.URL+"/s", web.URL+"/b"
	client.Dir, client.Account = t.TempDir(), party(reader)
	if client.Timeout == 0 {
		client.Timeout = 10 * time.Second
	}
	l.Service = xta.Dial(client, l)
	return l
}

// RoundTrip listens.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, spoken{r.Header.Get("Content-Type"), sent}, spoken{resp.Header.Get("Content-Type"), got})
	return resp, nil
}

var include = regexp.MustCompile(`<xop:Include[^>]*href="cid:([^"]*)"/>`)

// envelope gives the envelope with the contents where MTOM has only references.
func (s spoken) envelope(t *testing.T) []byte {
	t.Helper()
	media, params, err := mime.ParseMediaType(s.contentType)
	if err != nil {
		t.Fatal(err)
	}
	if media != "multipart/related" {
		return s.body
	}
	var root []byte
	parts := map[string][]byte{}
	for r := multipart.NewReader(bytes.NewReader(s.body), params["boundary"]); ; {
		p, err := r.NextPart()
		if err == io.EOF { //nolint:errorlint // as NextPart gives it
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		if root == nil {
			root = content
		}
		parts[strings.Trim(p.Header.Get("Content-ID"), "<>")] = content
	}
	return include.ReplaceAllFunc(root, func(m []byte) []byte {
		id := strings.ReplaceAll(string(include.FindSubmatch(m)[1]), "%40", "@")
		return []byte(base64.StdEncoding.EncodeToString(parts[id]))
	})
}

func text(t *testing.T, c wire.Content) string {
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
	return string(b)
}
