package wire

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ContentType is the header that tells Spring Cloud Stream what the value is.
const ContentType = "contentType"

// Header is one with its text.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"wert"`
}

// Text reads a header's value: as it is, or, in one pair of quotes, as JSON, which
// Spring's mapper writes of what is no String to it.
func Text(value []byte) string {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		var s string
		if json.Unmarshal(value, &s) == nil {
			return s
		}
		return string(value[1 : len(value)-1])
	}
	return string(value)
}

// Bytes writes a header's value so that Spring reads the same String: it takes a
// value that begins with a quote for JSON.
func Bytes(value string) []byte {
	if !strings.HasPrefix(value, `"`) {
		return []byte(value)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) != nil {
		return []byte(value)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// Get gives the last header of this name, as Spring does, and whether there is one.
func Get(headers []kgo.RecordHeader, name string) (string, bool) {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == name {
			return Text(headers[i].Value), true
		}
	}
	return "", false
}

// Echo gives the headers whose names begin with the prefix, each once with its last
// value, in the order of their first standing there: what an answer repeats,
// whichever generation asks.
func (n Names) Echo(headers []kgo.RecordHeader) []Header {
	var out []Header
	at := map[string]int{}
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, n.Prefix) {
			continue
		}
		if i, known := at[h.Key]; known {
			out[i].Value = Text(h.Value)
			continue
		}
		at[h.Key] = len(out)
		out = append(out, Header{h.Key, Text(h.Value)})
	}
	return out
}

// Headers writes the headers of a message: its type, the others, what the value is,
// and the Java types, without which Spring leaves byte[] and routes nothing.
func (n Names) Headers(typ string, others []Header) []kgo.RecordHeader {
	types := map[string]string{n.Type: javaString}
	out := []kgo.RecordHeader{{Key: n.Type, Value: Bytes(typ)}}
	for _, h := range others {
		if h.Name == n.Type || h.Name == n.Spring || h.Name == ContentType {
			continue
		}
		types[h.Name] = javaString
		out = append(out, kgo.RecordHeader{Key: h.Name, Value: Bytes(h.Value)})
	}
	spring, err := json.Marshal(types)
	if err != nil { // a map of texts has JSON
		spring = []byte("{}")
	}
	return append(out,
		kgo.RecordHeader{Key: ContentType, Value: []byte("application/json")},
		kgo.RecordHeader{Key: n.Spring, Value: spring})
}

const javaString = "java.lang.String"

// Generation tells which headers a request has: 2 when it names its integration.
func (n Names) Generation(headers []kgo.RecordHeader) int {
	if _, there := Get(headers, n.Integration); there && n.Integration != "" {
		return 2
	}
	return 1
}
