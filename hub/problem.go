package hub

import "fmt"

// Problem is something wrong in a file of the configuration that an adapter reads
// itself, and where. It holds no secret.
type Problem struct {
	// File is relative to the federation directory, with slashes.
	File string
	// Line and Column count from 1; 0 when it is the file as a whole.
	Line, Column int
	Text         string
}

// Error implements error.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}
