// Package mapping turns what a foreign system says into an event, by a mapping
// file of the federation directory: the one engine of all adapters.
//
// A mapping file is YAML, read strictly. It names where each field of the event's
// data comes from, by a path into a JSON document, an XML document or a row of a
// CSV file, and how it is converted. There is no expression language: what cannot
// be said by the conversions belongs into an adapter. README.md lists all keys.
//
// A mapping carries its own examples; [Mapping.Try] runs them. What is wrong with
// a file is a [hub.Problem] with its place. An input that a mapping cannot turn
// into an event is a Permanent [hub.Fault], which names rule and code and holds
// nothing of the input.
package mapping
