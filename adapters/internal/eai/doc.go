// Package eai calls the HTTP gateways (EAI) that stand before OK.EWO,
// OK.VERKEHR, OK.KOMM, ZMS and the E-Akte: Basic authentication or OAuth 2, client
// certificate, limits, and errors that say whether the next call can do better.
//
// No error holds an address or a piece of an answer: both may name a person.
package eai
