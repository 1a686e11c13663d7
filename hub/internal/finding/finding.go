// Package finding holds what can be wrong with a federation directory: the
// catalogue of codes with their sentences in German and English, and findings
// with file, line and column.
package finding

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Names of a code's sentences and severity, for the catalogue's tests.
func (c Code) Names() (de, en string, severity Severity) {
	s := catalogue[c]
	return s.de, s.en, s.severity
}

// Severity of a finding.
type Severity string

// The severities. A directory with an Error is not taken.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Message is a sentence for people: what is wrong, what to do.
type Message struct{ De, En string }

// Pos is a place in a file of the directory.
type Pos struct {
	File         string // relative to the directory, with slashes
	Line, Column int    // from 1; 0 when it is the file as a whole
}

// Finding is something wrong with a federation directory, and where.
type Finding struct {
	Code     Code
	Severity Severity
	Pos
	Message Message
}

// Error is the finding in English, as a line.
func (f Finding) Error() string { return f.In("en") }

// String is the same as Error.
func (f Finding) String() string { return f.In("en") }

// In is the finding as a line in a language, de or en.
func (f Finding) In(lang string) string {
	sentence := f.Message.En
	if lang == "de" {
		sentence = f.Message.De
	}
	return fmt.Sprintf("%s:%d:%d: %s %s: %s", Clean(f.File), f.Line, f.Column, f.Code, f.Severity, sentence)
}

// List collects what is wrong.
type List struct{ Found []Finding }

// Add records a finding with the sentence of its code. An argument that is a
// Message goes into each language's sentence in that language.
func (f *List) Add(at Pos, code Code, args ...any) {
	f.AddAs(catalogue[code].severity, at, code, args...)
}

// AddAs is Add with another severity: what is an error in production may be a
// warning in a test federation.
func (f *List) AddAs(severity Severity, at Pos, code Code, args ...any) {
	c := catalogue[code]
	de, en := slices.Clone(args), slices.Clone(args)
	for i, a := range args {
		switch a := a.(type) {
		case Message:
			de[i], en[i] = Clean(a.De), Clean(a.En)
		case string:
			de[i], en[i] = Clean(a), Clean(a)
		}
	}
	f.Found = append(f.Found, Finding{
		Code: code, Severity: severity, Pos: at,
		Message: Message{De: fmt.Sprintf(c.de, de...), En: fmt.Sprintf(c.en, en...)},
	})
}

// Sorted gives the findings by file, line, column and code.
func (f *List) Sorted() []Finding {
	slices.SortStableFunc(f.Found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	return f.Found
}

// Failed tells whether any finding is an Error.
func (f *List) Failed() bool {
	return slices.ContainsFunc(f.Found, func(one Finding) bool { return one.Severity == Error })
}

// Errors joins the findings; nil if there are none.
func (f *List) Errors() error {
	errs := make([]error, 0, len(f.Found))
	for _, one := range f.Sorted() {
		errs = append(errs, one)
	}
	return errors.Join(errs...)
}
