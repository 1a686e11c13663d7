package accepter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// oracle is what an Accepter is held to: the gate, then jsonschema v5, with the
// options of package schemas.
type oracle struct{ v5 *jsonschema.Schema }

func newOracle(schema []byte, draft *jsonschema.Draft) (_ *oracle, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("compile: %v", v)
		}
	}()
	c := jsonschema.NewCompiler()
	c.Draft = draft
	c.AssertFormat = true
	c.LoadURL = func(url string) (io.ReadCloser, error) { return nil, fmt.Errorf("%s refused", url) }
	if err := c.AddResource("urn:test", bytes.NewReader(schema)); err != nil {
		return nil, err
	}
	v5, err := c.Compile("urn:test")
	return &oracle{v5}, err
}

// accepts tells whether raw is valid; a crash of the library is a no.
func (o *oracle) accepts(raw []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return gate(raw) == nil && o.v5.Validate(tree(raw)) == nil
}

// gate is the gate of flow/accept, which this package cannot see.
func gate(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for first := true; first || d.StackDepth() > 0; first = false {
		t, err := d.ReadToken()
		switch {
		case err != nil:
			return err
		case d.StackDepth() > 64:
			return errors.New("deep")
		case t.Kind() == '0' && !small(t.String()):
			return errors.New("long number")
		}
	}
	_, err := d.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return errors.New("more text")
}

func small(n string) bool {
	at := strings.IndexAny(n, "eE")
	if len(n) > 64 || at < 0 {
		return len(n) <= 64
	}
	exp, err := strconv.Atoi(n[at+1:])
	return err == nil && exp >= -400 && exp <= 400
}

func tree(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	_ = d.Decode(&v)
	return v
}

// members fails when one that a accepts by itself is not valid.
func members(t testing.TB, schema []byte, a *Accepter, o *oracle, raw []byte) {
	t.Helper()
	names := a.Members(raw)
	if len(names) == 0 || gate(raw) != nil {
		return
	}
	all, ok := tree(raw).(map[string]any)
	for _, name := range names {
		value, there := all[name]
		if is := o.v5.Properties[name]; !ok || !there || is != nil && is.Validate(value) != nil {
			t.Fatalf("member %q accepted and not valid\nschema %s\ndata   %q", name, schema, raw)
		}
	}
}

// hold fails when a accepts raw and o does not.
func hold(t testing.TB, schema []byte, a *Accepter, o *oracle, raw []byte) (accepted bool) {
	t.Helper()
	if !a.Accepts(raw) {
		members(t, schema, a, o, raw)
		return false
	}
	if !o.accepts(raw) {
		t.Fatalf("accepted and not valid\nschema %s\ndata   %q", schema, raw)
	}
	return true
}
