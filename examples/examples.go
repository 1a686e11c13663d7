// Package examples holds the stories: complete federation directories that run
// with one command each. They are embedded so that "amtsbote demo" needs nothing
// but the binary.
package examples

import "embed"

// Stories is the file tree of all stories, one folder each.
//
//go:embed bauantrag maengelmeldung parkausweis termin wohnsitzanmeldung
var Stories embed.FS
