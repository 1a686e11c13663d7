// Package disclose cuts event data to the fields that an agreement discloses,
// and derives the JSON Schema of what remains.
//
// Fields are named by JSON Pointers along property names: a pointer through an
// array means every item, a field comes with everything below it and with the
// parents that lead to it. The mark of a block (x-sperre) is never cut while a
// personal field remains.
package disclose

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/schemas"
)

// Why a pointer cannot be disclosed.
var (
	// ErrUnknown: the schema has no such field.
	ErrUnknown = errors.New("the schema has no such field")
	// ErrNotDerivable: no schema describes the cut data exactly, since a cut
	// field takes part in a rule over several fields.
	ErrNotDerivable = errors.New("no schema can be derived for the cut data")
)

// PointerError is what is wrong with a field of a plan.
type PointerError struct {
	Pointer string
	// Keyword of the schema that stands in the way, for ErrNotDerivable.
	Keyword string
	Err     error // ErrUnknown or ErrNotDerivable
}

// Error implements error.
func (e *PointerError) Error() string {
	if e.Keyword == "" {
		return fmt.Sprintf("%s: %v", e.Pointer, e.Err)
	}
	return fmt.Sprintf("%s: %v (%s)", e.Pointer, e.Err, e.Keyword)
}

// Unwrap gives ErrUnknown or ErrNotDerivable.
func (e *PointerError) Unwrap() error { return e.Err }

// Cut is a way to cut the data of one event type. It is safe for concurrent use.
type Cut struct {
	keep       *keep
	fields     []string
	schema     []byte
	dataSchema string
}

// Plan works out how to cut data of schema s to the fields at pointers. All
// errors are reported, each a *PointerError.
func Plan(s *schemas.Schema, pointers []string) (*Cut, []error) {
	fields := s.Fields()
	var errs []error
	for _, p := range pointers {
		if !slices.ContainsFunc(fields, func(f schemas.Field) bool { return f.Pointer == p }) {
			errs = append(errs, &PointerError{Pointer: p, Err: ErrUnknown})
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	c := &Cut{fields: normalise(withMarks(s, fields, pointers))}
	c.keep = keepOf(c.fields)
	c.dataSchema = s.ID + "?felder=" + digest(c.fields)
	c.schema, errs = derive(s, c.dataSchema, c.keep)
	if len(errs) > 0 {
		return nil, errs
	}
	return c, nil
}

// withMarks adds the block marks when a personal field is disclosed.
func withMarks(s *schemas.Schema, fields []schemas.Field, pointers []string) []string {
	personal := slices.ContainsFunc(fields, func(f schemas.Field) bool {
		return f.Leaf && f.Datenkategorie != "" && Covered(pointers, f.Pointer)
	})
	out := slices.Clone(pointers)
	if personal {
		for _, b := range s.Sperren {
			out = append(out, b.Pointer)
		}
	}
	return out
}

// normalise sorts and drops what a parent covers.
func normalise(pointers []string) []string {
	slices.Sort(pointers)
	out := make([]string, 0, len(pointers))
	for _, p := range pointers {
		if !Covered(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// Covered tells whether a pointer is one of parents or lies below one.
func Covered(parents []string, pointer string) bool {
	return slices.ContainsFunc(parents, func(parent string) bool {
		return pointer == parent || strings.HasPrefix(pointer, parent+"/")
	})
}

// digest is over the pointers, one a line; "~n" stands in none by itself.
func digest(pointers []string) string {
	var text []string
	for _, p := range pointers {
		text = append(text, strings.ReplaceAll(p, "\n", "~n"))
	}
	sum := sha256.Sum256([]byte(strings.Join(text, "\n")))
	return hex.EncodeToString(sum[:8])
}

// Schema is the derived JSON Schema, which all that Apply gives fulfils.
func (c *Cut) Schema() []byte { return c.schema }

// DataSchema is the $id of the derived schema.
func (c *Cut) DataSchema() string { return c.dataSchema }

// Fields lists the pointers that remain, block marks included, sorted and
// without those below others.
func (c *Cut) Fields() []string { return c.fields }
