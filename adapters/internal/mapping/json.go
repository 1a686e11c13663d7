package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub"
)

// Values of a JSON document.
type (
	object map[string]node
	array  []node
	single scalar
)

func (o object) find(steps []step) []node {
	if len(steps) == 0 {
		return []node{o}
	}
	if v, there := o[steps[0].name]; there {
		return v.find(steps[1:])
	}
	return nil
}

func (object) scalar() (scalar, bool) { return scalar{}, false }
func (object) items() ([]node, bool)  { return nil, false }

func (a array) find(steps []step) []node {
	if len(steps) == 0 {
		return []node{a}
	}
	i, err := strconv.Atoi(steps[0].name)
	if err != nil || strconv.Itoa(i) != steps[0].name || i < 0 || i >= len(a) {
		return nil
	}
	return a[i].find(steps[1:])
}

func (array) scalar() (scalar, bool)    { return scalar{}, false }
func (a array) items() ([]node, bool)   { return a, true }
func (s single) scalar() (scalar, bool) { return scalar(s), true }
func (single) items() ([]node, bool)    { return nil, false }

func (s single) find(steps []step) []node {
	if len(steps) == 0 {
		return []node{s}
	}
	return nil
}

// Limits of a JSON number, as the hub's gate has them: a long exponent is costly
// for whoever computes with it.
const (
	maxNumber   = 64
	maxExponent = 400
)

// readJSON reads strict JSON (RFC 7493: UTF-8, no name twice), one value and
// nothing behind it.
func readJSON(raw []byte, l Limits) (Doc, error) {
	r := &jsonReader{dec: jsontext.NewDecoder(bytes.NewReader(raw)), limits: l}
	root, err := r.value(1)
	if err == nil {
		if _, after := r.dec.ReadToken(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows the JSON value")
		}
	}
	if err != nil {
		return Doc{}, hub.Permanent("not-json", "read document: %w", describe(err))
	}
	return Doc{root}, nil
}

// describe says where the syntax breaks, but not the text there.
func describe(err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a name stands twice in one object")
	case ok:
		return fmt.Errorf("no strict JSON at byte %d", syntax.ByteOffset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	}
	return err
}

type jsonReader struct {
	dec    *jsontext.Decoder
	limits Limits
	nodes  int
}

func (r *jsonReader) value(depth int) (node, error) {
	if r.nodes++; r.nodes > r.limits.Nodes {
		return nil, errors.New("too many values")
	}
	if depth > r.limits.Depth {
		return nil, errors.New("nested too deeply")
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		return single(textScalar(token.String())), nil
	case '0':
		return r.number(token.String())
	case 't', 'f':
		return single{boolean, token.String()}, nil
	}
	return single{kind: nothing}, nil
}

func (r *jsonReader) number(s string) (node, error) {
	_, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	e, err := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	if len(s) > maxNumber || exponent != "" && (err != nil || e > maxExponent || e < -maxExponent) {
		return nil, errors.New("a number is too long")
	}
	return single{number, s}, nil
}

func (r *jsonReader) object(depth int) (node, error) {
	o := object{}
	for r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if o[key], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.ReadToken()
	return o, err
}

func (r *jsonReader) array(depth int) (node, error) {
	a := array{}
	for r.dec.PeekKind() != ']' {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := r.dec.ReadToken()
	return a, err
}
