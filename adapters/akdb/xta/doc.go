// Package xta is the client of an XTA 2 server, in both roles that the hub has:
// the reader, who fetches from a box, and the author, who sends. OSCI and DVDV
// are the server's business.
//
// [Service] is what both adapters' sides use. [Dial] makes one for XTA 2 version
// 3 (namespace .../xta/211); one for version 5.1.1 (namespace
// https://xoev.de/transport/xta/core/3.1.1) can stand beside it, with a wire
// package of its own: it has no request ids and closes by message id alone, so
// what Close asks for suffices for both.
package xta
