package wire_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// asSpring reads a header that is named as java.lang.String
// (DefaultKafkaHeaderMapper.populateJsonValueHeader).
func asSpring(value []byte) (string, error) {
	if len(value) == 0 || value[0] != '"' {
		return string(value), nil
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err
}

// FuzzHeader: what is written is what Spring reads, and what we read.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"", "plain", `"`, `"quoted"`, `"a\"b"`, "Straße", "\x00", `"<&>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		raw := wire.Bytes(s)
		if got, err := asSpring(raw); err != nil || got != s {
			t.Fatalf("Spring reads %q of %q: %v", got, s, err)
		}
		if got := wire.Text(raw); got != s {
			t.Fatalf("we read %q of %q", got, s)
		}
	})
}

// FuzzEnvelope: what is accepted keeps to its forms, and its data is JSON.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"ceType":"de.a.geschehen.v1","ceSubject":"akte:7","ceTime":"2026-05-04T10:00:00Z","data":{"x":1}}`))
	f.Add([]byte(`{"ceType":"de.a.geschehen.v1","data":null}`))
	f.Add([]byte(`{"ceType":7}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := wire.ReadEnvelope(raw)
		if err != nil {
			return
		}
		if !wire.IsEventType(e.Type) || e.CorrelationID != "" && !wire.IsCorrelation(e.CorrelationID) || !json.Valid(e.Data) {
			t.Fatalf("%q was accepted", raw)
		}
	})
}

func TestEnvelopeRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`[]`:                          wire.ErrNoJSON,
		`{"ceType":"a"} x`:            wire.ErrNoJSON,
		`{"ceType":{}}`:               wire.ErrNoJSON,
		`{}`:                          wire.ErrType,
		`{"ceType":"de.a.geschehen"}`: wire.ErrType,
		`{"ceType":"de.a.g.v1","ceSubject":"Zaunkönig, Ottilie"}`:  wire.ErrSubject,
		`{"ceType":"de.a.g.v1","ceCorrelationId":"kurz"}`:          wire.ErrCorrelation,
		`{"ceType":"de.a.g.v1","ceCausationId":"a b"}`:             wire.ErrCausation,
		`{"ceType":"de.a.g.v1","ceTime":"4. Mai"}`:                 wire.ErrTime,
		`{"ceType":"de.a.g.v1","ceTime":"0000-01-01T00:00:00Z"}`:   wire.ErrTime,
		`{"ceType":"de.a.g.v1","ceTime":"2026-05-04T10:00:00.5Z"}`: nil,
	} {
		if _, err := wire.ReadEnvelope([]byte(body)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", body, err, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	n := wire.DefaultNames()
	read := []kgo.RecordHeader{
		{Key: "digiwf.a", Value: []byte("1")}, {Key: "other", Value: []byte("2")}, {Key: "digiwf.b", Value: []byte(`"3`)}, {Key: "digiwf.a", Value: []byte(`"4"`)},
	}
	written := n.Headers("t", append(n.Echo(read), wire.Header{Name: "type", Value: "forged"}))
	want := "type=t digiwf.a=4 digiwf.b=\"\\\"3\" contentType=application/json " +
		`spring_json_header_types={"digiwf.a":"java.lang.String","digiwf.b":"java.lang.String","type":"java.lang.String"}`
	var got []string
	for _, h := range written {
		got = append(got, h.Key+"="+string(h.Value))
	}
	if strings.Join(got, " ") != want {
		t.Errorf("%s, want %s", got, want)
	}
}
