package event

import (
	"crypto/sha256"
	"encoding/hex"
)

// Identity is the hash of a CloudEvents identity (source, id); the hub's
// de-duplication compares identities.
type Identity [16]byte

// IdentityOf hashes (source, id).
func IdentityOf(source, id string) Identity {
	var room [256]byte // for nearly all: fresh memory costs more than hashing
	text := append(append(append(room[:0], source...), 0), id...)
	sum := sha256.Sum256(text)
	return Identity(sum[:16])
}

// Shard is the two hexadecimal digits under which the trail files all records
// of events with this id, so that one id is found without reading everything.
func Shard(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:1])
}

// KeyToken is what stands for an order key where not every text is allowed:
// subjects and the trail.
func KeyToken(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}
