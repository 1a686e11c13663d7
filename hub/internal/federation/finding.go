package federation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

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
	return fmt.Sprintf("%s:%d:%d: %s %s: %s", f.File, f.Line, f.Column, f.Code, f.Severity, sentence)
}

// findings collects what is wrong.
type findings struct{ list []Finding }

// add records a finding with the sentence of its code. An argument that is a
// Message goes into each language's sentence in that language.
func (f *findings) add(at Pos, code Code, args ...any) {
	c := catalogue[code]
	de, en := slices.Clone(args), slices.Clone(args)
	for i, a := range args {
		if m, ok := a.(Message); ok {
			de[i], en[i] = m.De, m.En
		}
	}
	f.list = append(f.list, Finding{
		Code: code, Severity: c.severity, Pos: at,
		Message: Message{De: fmt.Sprintf(c.de, de...), En: fmt.Sprintf(c.en, en...)},
	})
}

// sorted gives the findings by file, line, column and code.
func (f *findings) sorted() []Finding {
	slices.SortStableFunc(f.list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	return f.list
}

func (f *findings) failed() bool {
	return slices.ContainsFunc(f.list, func(one Finding) bool { return one.Severity == Error })
}

// errors joins the findings; nil if there are none.
func (f *findings) errors() error {
	errs := make([]error, 0, len(f.list))
	for _, one := range f.sorted() {
		errs = append(errs, one)
	}
	return errors.Join(errs...)
}
