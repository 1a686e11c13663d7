// Package xsd holds messages against the XML schemas that the operator keeps in
// a folder, with xmllint (libxml2). The schemas of KoSIT are not part of this
// project, and Go has no validator of its own that would do.
//
// xmllint runs as a process of its own, at most a few at a time, with a deadline,
// without network. The message reaches it by standard input: no name from outside
// is part of a command line or path.
package xsd

import (
	"errors"
	"fmt"
	"time"
)

// Config says where the schemas are and what a check may cost.
type Config struct {
	Dir       string        `yaml:"dir"`      // folder with the .xsd, subfolders included; "" checks nothing
	Xmllint   string        `yaml:"xmllint"`  // program, by name or path
	Processes int           `yaml:"prozesse"` // at most so many at a time
	Timeout   time.Duration `yaml:"frist"`    // for one message
	Required  bool          `yaml:"pflicht"`  // refuse messages that there is no schema for
}

// Defaults are two processes and half a minute; a check takes about 0.1 s.
func Defaults() Config {
	return Config{Xmllint: "xmllint", Processes: 2, Timeout: 30 * time.Second}
}

var (
	// ErrNoSchema says that no schema in the folder declares the root element.
	ErrNoSchema = errors.New("no schema for this message in the folder of schemas")
	// ErrTimeout says that the check took too long.
	ErrTimeout = errors.New("the check by XSD took too long")
)

// InvalidError is xmllint's verdict on a message: the first place that is wrong.
// It has no value from the message.
type InvalidError struct {
	Schema  string // file in the folder of schemas
	Line    int    // 0 if not told
	Element string // local name, "" if not told
	More    int    // further complaints
}

// Error implements error.
func (e *InvalidError) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf("line %d", e.Line)
	}
	if e.Element != "" {
		where += ", element " + e.Element
	}
	if e.More > 0 {
		where += fmt.Sprintf(", and %d more", e.More)
	}
	return fmt.Sprintf("not valid by %s: %s", e.Schema, where)
}
