// Package fit reads and writes what travels over FIT-Connect (version 2 of its
// Submission API): encrypted parts (JWE, RFC 7516), Security Event Tokens (SET,
// RFC 8417), keys (JWK, RFC 7517), metadata and callbacks. It does no network.
//
// A part is one JWE in compact serialisation with RSA-OAEP-256 and A256GCM, and
// may be large: [ReadJWE] and [Seal] stream it. No plaintext is given out before
// the authentication tag of the whole was found good, which takes one pass over
// the ciphertext more; libraries for JOSE hold a part in memory several times.
package fit
