package trail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// ids is a Bloom filter over event ids, of one of two sizes: of as many as it is made for
// it says of one in 200 others that it may be there.
type ids []byte

const (
	manyIDs = 512 // bytes, for 250 ids
	fewIDs  = 64  // for 31
	few     = 31
)

func idsOf(ds []*decision.Decision) ids {
	i := make(ids, manyIDs)
	if len(ds) <= few {
		i = i[:fewIDs]
	}
	for _, d := range ds {
		for _, bit := range i.bitsOf(d.ID) {
			i[bit/8] |= 1 << (bit % 8)
		}
	}
	return i
}

func (i ids) has(id string) bool {
	for _, bit := range i.bitsOf(id) {
		if i[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

func (i ids) String() string { return base64.RawStdEncoding.EncodeToString(i) }

func readIDs(text string) (ids, bool) {
	i, err := base64.RawStdEncoding.DecodeString(text)
	return i, err == nil && (len(i) == manyIDs || len(i) == fewIDs)
}

func (i ids) bitsOf(id string) (bits [3]int) {
	sum := sha256.Sum256([]byte(id))
	for k := range bits {
		bits[k] = int(binary.BigEndian.Uint16(sum[2*k:])) % (8 * len(i))
	}
	return bits
}
