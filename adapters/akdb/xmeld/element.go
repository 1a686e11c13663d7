package xmeld

import "github.com/amtsbote/amtsbote/adapters/akdb/xmlout"

// The words of xmlout, short, since templates are made of nothing else.
type (
	elem = xmlout.Elem
	attr = xmlout.Attr
)

// UnmappableError says which field keeps an event from becoming a message.
type UnmappableError = xmlout.UnmappableError

func el(name string, kids ...elem) elem { return xmlout.El(name, kids...) }
func tx(name, text string) elem         { return xmlout.Tx(name, text) }
func opt(name, text string) elem        { return xmlout.Opt(name, text) }

func each[T any](values []T, one func(T) elem) []elem { return xmlout.Each(values, one) }

func render(root elem) ([]byte, error) { return xmlout.Render(root) }

func unmappable(field, what string, args ...any) error {
	return xmlout.Unmappable(field, what, args...)
}
