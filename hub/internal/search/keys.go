package search

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// The first byte of a key says what it is of. Names stand in keys as digests: they are
// the sender's words, of any length.
const (
	keyMeta    = 'm'
	keyApplied = 'a'
	keyEvent   = 'e' // newest first
	keyOrg     = 'o' // organisation, newest first
	keyCase    = 'c' // case, oldest first
	keyID      = 'i' // event id: where TRAIL says something of it
	keyCopy    = 'd' // in stream and sequence: what became of copies
	keyCount   = 'n'
	keyCleared = 'q' // in stream and sequence: what people did to it in quarantine
	keyAct     = 'w' // what people had the hub do, newest first
)

const hashLen = 16

func hashed(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:hashLen]
}

// Place is where TRAIL records a decision: sequence, and position in the message.
type Place struct {
	Seq uint64
	Pos uint16
}

const placeLen = 10

func (p Place) newestFirst() []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, ^p.Seq), ^p.Pos)
}

func (p Place) oldestFirst() []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, p.Seq), p.Pos)
}

// String names a place in links.
func (p Place) String() string { return hex.EncodeToString(p.oldestFirst()) }

// ReadPlace reads what String makes.
func ReadPlace(s string) (Place, bool) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != placeLen {
		return Place{}, false
	}
	return Place{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint16(raw[8:])}, true
}

func readNewest(raw []byte) Place {
	return Place{^binary.BigEndian.Uint64(raw), ^binary.BigEndian.Uint16(raw[8:])}
}

func readOldest(raw []byte) Place {
	return Place{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint16(raw[8:])}
}

func key(kind byte, parts ...[]byte) []byte { return joined(append([][]byte{{kind}}, parts...)...) }

func joined(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// after is the end of the keys that begin with prefix.
func after(prefix []byte) []byte {
	out := append([]byte{}, prefix...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}
