package where

import "fmt"

// Mistake is why a text is no expression.
type Mistake struct {
	Kind   MistakeKind
	Number int    // the limit, the character (from 1), the arguments
	Name   string // of a function
}

// MistakeKind is a kind of mistake.
type MistakeKind string

// The kinds.
const (
	Syntax    MistakeKind = "syntax"
	Character MistakeKind = "character"      // unknown, or a text that is not closed
	TooLong   MistakeKind = "too long"       // more characters than Number
	TooDeep   MistakeKind = "too deep"       // more open brackets than Number
	Function  MistakeKind = "function"       // none called Name with Number arguments
	NoTruth   MistakeKind = "no truth value" // it can never be true
)

// Error implements error.
func (m *Mistake) Error() string {
	return fmt.Sprintf("compile where: %s %s %d", m.Kind, m.Name, m.Number)
}
