package trail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// ids is a Bloom filter over event ids: of 250 it says of one in 200 others that it may
// be there.
type ids [512]byte

func idsOf(ds []*decision.Decision) *ids {
	i := new(ids)
	for _, d := range ds {
		for _, bit := range bitsOf(d.ID) {
			i[bit/8] |= 1 << (bit % 8)
		}
	}
	return i
}

func (i *ids) has(id string) bool {
	for _, bit := range bitsOf(id) {
		if i[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

func (i *ids) String() string { return base64.RawStdEncoding.EncodeToString(i[:]) }

func readIDs(text string) (*ids, bool) {
	raw, err := base64.RawStdEncoding.DecodeString(text)
	i := new(ids)
	return i, copy(i[:], raw) == len(i) && err == nil && len(raw) == len(i)
}

func bitsOf(id string) (bits [3]uint16) {
	sum := sha256.Sum256([]byte(id))
	for k := range bits {
		bits[k] = binary.BigEndian.Uint16(sum[2*k:]) % (8 * uint16(len(ids{})))
	}
	return bits
}
