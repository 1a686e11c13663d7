// Package address reads the e-mail address of who is told things.
package address

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
)

// ErrNone means that the text is a name only, without an address.
var ErrNone = errors.New("no e-mail address")

// ErrInvalid means that the text is meant to hold an address, which is none or more than one.
var ErrInvalid = errors.New("no valid e-mail address")

// Bounds of an address (RFC 5321, 4.5.3.1, with the path's two brackets taken off)
// and of the name before it.
const (
	maxAddress = 254
	maxLocal   = 64
	maxName    = 100
)

// pattern is a dot-atom and a host name (RFC 5321, 4.1.2) in ASCII. Quoted local
// parts and address literals are left out: nobody's office has one, and what is left
// can end no line and open no second address.
var pattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*" +
	"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")

// Parse gives the address in "fachbetreuung@jugendamt.example.de", or in
// "Fachbetreuung Jugendamt <fachbetreuung@jugendamt.example.de>". ErrNone: a name
// alone; ErrInvalid: anything else.
func Parse(text string) (string, error) {
	if len(text) > maxName+maxAddress+3 || strings.ContainsFunc(text, unicode.IsControl) {
		return "", ErrInvalid
	}
	if !strings.ContainsAny(text, "@<>") {
		return "", ErrNone
	}
	name, addr, named := strings.Cut(text, "<")
	if !named {
		return valid(text)
	}
	addr, closed := strings.CutSuffix(addr, ">")
	if !closed || len(name) > maxName || strings.ContainsAny(name, "@>") {
		return "", ErrInvalid
	}
	return valid(addr)
}

func valid(addr string) (string, error) {
	local, _, _ := strings.Cut(addr, "@")
	if len(addr) > maxAddress || len(local) > maxLocal || !pattern.MatchString(addr) {
		return "", ErrInvalid
	}
	return addr, nil
}
