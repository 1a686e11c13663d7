// Package httpapi is the hub's HTTP door: specialist applications hand in events
// and ask for what is theirs, operators look at metrics and health. Whoever asks is
// known by the TLS layer or by a token, never by another header.
//
// Standards: CloudEvents 1.0.2 HTTP protocol binding; RFC 9457 (problem details);
// RFC 6750 (bearer tokens); OpenAPI 3.1.
package httpapi
