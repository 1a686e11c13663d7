package disclose

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// errShape means that data is not what its schema says; it holds no payload.
var errShape = errors.New("data does not fit its schema")

// Apply cuts data, which must be valid against the schema of the plan. What
// remains keeps its bytes, its order and its white space.
func (c *Cut) Apply(data []byte) ([]byte, error) {
	k := &knife{in: data, d: jsontext.NewDecoder(bytes.NewBuffer(data)), out: make([]byte, 0, len(data))}
	if err := k.value(c.keep); err != nil {
		return nil, fmt.Errorf("cut data at byte %d: %w", k.d.InputOffset(), err)
	}
	rest := data[k.d.InputOffset():]
	if len(bytes.TrimLeft(rest, " \t\r\n")) > 0 {
		return nil, fmt.Errorf("cut data: %w", errShape)
	}
	return append(k.out, rest...), nil
}

// knife copies the parts to keep from in to out.
type knife struct {
	in  []byte
	d   *jsontext.Decoder
	out []byte
}

// since gives the input from an earlier offset to where the decoder is.
func (k *knife) since(from int64) []byte { return k.in[from:k.d.InputOffset()] }

// value copies the next value as far as it is kept.
func (k *knife) value(keep *keep) error {
	from := k.d.InputOffset()
	kind := k.d.PeekKind()
	switch {
	case keep.all || kind == 'n':
		if err := k.d.SkipValue(); err != nil {
			return errShape // its text may quote the payload
		}
		k.out = append(k.out, k.since(from)...)
		return nil
	case kind == '{':
		return k.container(from, func(first bool) (bool, error) { return k.member(keep, first) })
	case kind == '[':
		return k.container(from, func(bool) (bool, error) { return true, k.value(keep) })
	}
	return errShape
}

// container copies an object or array; each copies one element, with the comma
// before it, and tells whether it wrote anything.
func (k *knife) container(from int64, each func(first bool) (bool, error)) error {
	if err := k.token(from); err != nil {
		return err
	}
	first := true
	for {
		switch k.d.PeekKind() {
		case '}', ']':
			return k.token(k.d.InputOffset())
		case 0:
			return errShape
		}
		wrote, err := each(first)
		if err != nil {
			return err
		}
		first = first && !wrote
	}
}

// token copies one token with the white space before it.
func (k *knife) token(from int64) error {
	if _, err := k.d.ReadToken(); err != nil {
		return errShape
	}
	k.out = append(k.out, k.since(from)...)
	return nil
}

// member copies one member of an object if it is kept.
func (k *knife) member(keep *keep, first bool) (bool, error) {
	from := k.d.InputOffset()
	name, err := k.d.ReadToken()
	if err != nil {
		return false, errShape
	}
	kept := keep.names[name.String()]
	if kept == nil {
		if err := k.d.SkipValue(); err != nil {
			return false, errShape
		}
		return false, nil
	}
	lead := k.since(from) // white space, comma, white space, name
	if at := bytes.IndexByte(lead[:bytes.IndexByte(lead, '"')], ','); at >= 0 {
		lead = lead[at+1:]
	}
	if !first {
		k.out = append(k.out, ',')
	}
	k.out = append(k.out, lead...)
	return true, k.value(kept)
}
