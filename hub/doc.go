// Package hub holds the words that Amtsbote and its adapters share: what an
// event is, what brings events in ([Source]), what takes them out ([Sink]),
// what a [Kind] of adapter is, and how something went wrong ([Fault]).
//
// The package does no I/O and knows no NATS. An adapter imports only this
// package (and what lies below adapters/internal); it neither knows nor can
// tell whether it runs inside the hub or as a process of its own at the
// authority.
//
// Words follow CloudEvents 1.0 (https://cloudevents.io) and German
// administrative law; the glossary is the README's first link.
package hub
