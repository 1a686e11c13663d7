// Package csvrows reads CSV files of offices as a stream: rows with their line
// and place, in the encodings that occur, never a whole file in memory. A row
// that breaks a rule is one bad row, and the ones behind it are read.
//
// The format is RFC 4180 with a choice of separator, quotation mark and encoding.
// Nothing is guessed: what the format says is held against the file.
package csvrows

import (
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// Format says how a file is written. Zero values are the defaults.
type Format struct {
	Encoding string `yaml:"encoding"` // utf-8 (also with a byte order mark), or one of single bytes
	// Separator of fields: one ASCII character; ";" when empty. "tab" is one.
	Separator string `yaml:"separator"`
	// Quote is the quotation mark, `"` when empty; "none": a file without.
	Quote string `yaml:"quote"`
	// Multiline allows line breaks within quotations. Without it a quotation that
	// is open at the end of its line makes a bad row.
	Multiline bool `yaml:"multiline"`
	// Skip is how many lines stand before the names, such as a title.
	Skip int `yaml:"skip"`
	// Header names the columns of a file that has no line with names.
	Header []string `yaml:"header"`
	// Unknown says what becomes of columns that nobody asks for: ignore, refuse.
	Unknown string `yaml:"unknown-columns"`
	// MaxRow is the size of the longest row in bytes.
	MaxRow int `yaml:"max-row"`
}

// The encodings.
const (
	UTF8        = "utf-8"
	Windows1252 = "windows-1252"
	Latin1      = "iso-8859-1"
	Latin9      = "iso-8859-15"
	DOS         = "ibm850"
)

// tables are the encodings of single bytes.
var tables = map[string]*charmap.Charmap{
	Windows1252: charmap.Windows1252, Latin1: charmap.ISO8859_1, Latin9: charmap.ISO8859_15, DOS: charmap.CodePage850,
}

const (
	ignore = "ignore"
	refuse = "refuse"
	none   = "none"
	tab    = "tab"
	maxRow = 1 << 20
	// maxSkip is more than titles have.
	maxSkip = 100
)

// IsZero tells whether nothing is said.
func (f Format) IsZero() bool {
	return f.Encoding == "" && f.Separator == "" && f.Quote == "" && !f.Multiline && f.Header == nil && f.Skip == 0 && f.Unknown == "" && f.MaxRow == 0
}

// OrDefaults fills in what is not said.
func (f Format) OrDefaults() Format {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&f.Encoding, UTF8)
	set(&f.Separator, ";")
	set(&f.Quote, `"`)
	set(&f.Unknown, ignore)
	if f.MaxRow == 0 {
		f.MaxRow = 64 << 10
	}
	return f
}

// Problem names the first key that cannot work, and why; "" means none.
func (f Format) Problem() (key, why string) {
	switch {
	case f.Encoding != UTF8 && tables[f.Encoding] == nil:
		return "encoding", "must be utf-8, windows-1252, iso-8859-1, iso-8859-15 or ibm850"
	case f.Separator != tab && (len(f.Separator) != 1 || strings.ContainsAny(f.Separator, "\r\n\x00") || f.Separator[0] >= 0x80):
		return "separator", "must be one character, or tab"
	case f.Quote != none && (len(f.Quote) != 1 || strings.ContainsAny(f.Quote, "\r\n\x00") || f.Quote[0] >= 0x80):
		return "quote", "must be one character, or none"
	case f.Quote == f.Separator:
		return "quote", "is the separator"
	case f.Unknown != ignore && f.Unknown != refuse:
		return "unknown-columns", "must be ignore or refuse"
	case f.Skip < 0 || f.Skip > maxSkip:
		return "skip", "must be 0 to 100"
	case f.MaxRow < 1 || f.MaxRow > maxRow:
		return "max-row", "must be 1 to 1048576"
	}
	if _, none := columnsOf(f.Header); len(none) > 0 {
		return "header", "has an empty name, or one twice"
	}
	return "", ""
}

func (f Format) separator() byte {
	if f.Separator == tab {
		return '\t'
	}
	return f.Separator[0]
}

// quote gives the quotation mark; 0 is none.
func (f Format) quote() byte {
	if f.Quote == none {
		return 0
	}
	return f.Quote[0]
}
