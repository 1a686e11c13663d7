package accept

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// MaxBatch is how many events a batch may hold.
const MaxBatch = 1000

// Split gives the events of a batch (JSON format 4), each as it stands, in their
// order. It looks only at what a batch is: an array of objects. Everything in them is
// for the gate, event by event.
func Split(batch []byte) ([][]byte, *refusal.Refusal) {
	if !utf8.Valid(batch) {
		return nil, refusal.At(refusal.UTF8Invalid, "")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(batch), jsontext.AllowDuplicateNames(true))
	t, err := dec.ReadToken()
	if err != nil {
		return nil, syntax(err, "")
	}
	if t.Kind() != '[' {
		return nil, refusal.At(refusal.ModeMismatch, "")
	}
	var out [][]byte
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		switch {
		case err != nil:
			return nil, syntax(err, "")
		case v.Kind() != '{':
			return nil, refusal.At(refusal.JSONSyntax, "")
		case len(out) == MaxBatch:
			return nil, refusal.At(refusal.BatchLimit, "")
		}
		end := int(dec.InputOffset())
		out = append(out, batch[end-len(v):end:end])
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, syntax(err, "")
	}
	if r := trailing(dec); r != nil {
		return nil, r
	}
	return out, nil
}
