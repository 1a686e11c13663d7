// Package xtasim plays an XTA 2 server (namespace .../xta/211) for examples and
// tests: boxes, message ids, transports and their reports, and faults to order.
//
// It follows the envelopes in shared/data/xoev/xta/soap-samples, the WSDL and
// XSD beside them, and the facts in facts/xoev.md §5.1; no real server's
// answers were seen. It shares the wire package with the client. That the two
// sides do not merely share each other's mistakes is checked from outside: what
// both write is held against the XSD by xmllint, and both read the samples.
package xtasim
