package georeport

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// The formats that a server speaks. XML is the one that each must (GeoReport v2,
// Format Support).
const (
	JSON = "json"
	XML  = "xml"
)

// ErrList means that an answer is no list of GeoReport: a page of a proxy, broken
// JSON or XML, something else.
var ErrList = errors.New("the answer is no list of GeoReport v2")

// Lists by the name of what they hold: in JSON they come bare, or in an object under
// one of these names (Mark-a-Spot with extensions=true, CitySDK); in XML the root has
// it.
var lists = []string{"requests", "service_requests", "services", "service_request_updates", "servicerequestupdates", "request_updates", "errors"}

// Entry is one entry of a list. Bad says why it cannot be read, without quoting it.
// Digest tells bad entries apart.
type Entry struct {
	Fields Fields
	Bad    string
	Digest string
}

// List reads an answer in a format. One bad entry of JSON spoils no other; an answer
// that is broken as a whole gives ErrList. Nothing of the answer is in an error.
func List(format string, body []byte) ([]Entry, error) {
	if format == XML {
		return listXML(body)
	}
	return listJSON(body)
}

func listJSON(body []byte) ([]Entry, error) {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf"))
	items, err := items(quoteZeros(body))
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(items))
	for _, raw := range items {
		out = append(out, entry(raw))
	}
	return out, nil
}

func entry(raw json.RawMessage) Entry {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil || v == nil {
		return bad("the entry is no object", raw)
	}
	f := Fields{}
	if !f.flatten("", v, 0) {
		return bad("the entry has too many fields", raw)
	}
	return Entry{Fields: f}
}

func bad(why string, raw []byte) Entry {
	sum := sha256.Sum256(raw)
	return Entry{Bad: why, Digest: hex.EncodeToString(sum[:8])}
}

// quoteZeros puts numbers with leading zeros into quotes. They are no JSON, and the
// specification's own examples have them ("service_code":001); as numbers they would
// also lose their zeros.
func quoteZeros(body []byte) []byte {
	var out []byte // nil while nothing was changed
	copied := 0
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '"':
			i = endOfString(body, i)
		case c == '0' && (i == 0 || !inNumber(body[i-1])):
			end := i
			for end < len(body) && body[end] >= '0' && body[end] <= '9' {
				end++
			}
			if end-i > 1 && (end == len(body) || !inNumber(body[end])) {
				out = append(append(append(append(out, body[copied:i]...), '"'), body[i:end]...), '"')
				copied = end
			}
			i = end
		default:
			i++
		}
	}
	if out == nil {
		return body
	}
	return append(out, body[copied:]...)
}

func endOfString(body []byte, at int) int {
	for i := at + 1; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(body)
}

func inNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

func listXML(body []byte) ([]Entry, error) {
	parts, err := partsXML(body)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(parts))
	for _, p := range parts {
		f := Fields{}
		for _, a := range p.Attrs { // some servers write fields as attributes
			if a.Space == "" {
				f.set(plainName(a.Local), a.Value)
			}
		}
		if !f.element("", p, 0) {
			out = append(out, bad("the entry has too many fields", []byte(fmt.Sprint(f)))) // fmt sorts maps
			continue
		}
		delete(f, "") // an entry that is bare text
		out = append(out, Entry{Fields: f})
	}
	return out, nil
}

// partsXML gives the elements of the entries: those in a list, or the root, where it is
// an entry itself (Klarschiff, to a POST).
func partsXML(body []byte) ([]*xmlguard.Element, error) {
	read := func(at int) (*xmlguard.Document, error) {
		return xmlguard.Read(bytes.NewReader(body), xmlguard.Limits{Depth: 16},
			func(depth int, _ *xmlguard.Element) bool { return depth == at })
	}
	doc, err := read(2)
	if err == nil && slices.Contains(wrappers, plainName(doc.Root.Local)) {
		doc, err = read(1)
	} else if err == nil && !slices.Contains(lists, plainName(doc.Root.Local)) {
		err = ErrList
	}
	if err != nil {
		return nil, ErrList
	}
	return doc.Parts, nil
}

// plainName is a name as the specification has it: Rails writes service-request-id.
func plainName(name string) string { return strings.ReplaceAll(name, "-", "_") }
